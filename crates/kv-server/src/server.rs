//! What all threads of one server share.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use kv_core::{KeySet, Lsn};

use crate::acl::Acl;
use crate::clients::Clients;
use crate::config::Config;
use crate::config::settings::Settings;
use crate::engine::Engine;
use crate::engine::blocked::{Blocked, Wake};
use crate::inbox::Mailroom;
use crate::meter::journal::Journals;
use crate::meter::latency::Latency;
use crate::monitors::Monitors;
use crate::notify::NotifyFlags;
use crate::observer::ServerObserver;
use crate::pubsub::{PubSub, Topic};
use crate::rebind::Rebind;
use crate::script::Scripts;
use crate::session::pause::Pause;
use crate::shutdown::Shutdown;
use crate::stats::Stats;
use crate::tracking::{Post, Tracker, Tracking};

/// One running server.
pub(crate) struct Server {
    /// What it was started with.
    pub(crate) config: Config,
    /// What can change while it runs.
    pub(crate) settings: Settings,
    pub(crate) engine: Engine,
    /// Who waits for a key.
    pub(crate) blocked: Blocked,
    /// What `CLIENT PAUSE` holds up.
    pub(crate) pause: Pause,
    /// The programs of clients.
    pub(crate) scripts: Scripts,
    /// Who may do what.
    pub(crate) acl: Acl,
    pub(crate) clients: Clients,
    pub(crate) stats: Stats,
    /// Requests that stood out.
    pub(crate) journals: Journals,
    /// Moments at which it took long.
    pub(crate) latency: Latency,
    /// Who watches every request.
    pub(crate) monitors: Monitors,
    pub(crate) pubsub: Arc<PubSub>,
    pub(crate) tracking: Tracking,
    /// The mailroom of each serving thread.
    pub(crate) mailrooms: Box<[Arc<Mailroom>]>,
    pub(crate) shutdown: Arc<Shutdown>,
    /// Where it listens now.
    pub(crate) rebind: Rebind,
    /// Where it listened at first.
    pub(crate) addresses: Vec<SocketAddr>,
    /// Forty hexadecimal digits that no other run of a server has.
    pub(crate) run_id: String,
    started: Instant,
    uptime_s: AtomicU64,
    /// Held by who makes room.
    pub(crate) makes_room: Mutex<()>,
}

/// What the server takes besides its data, in bytes, as far as `maxmemory` is concerned.
pub(crate) const OWN_BYTES: usize = 1 << 20;

impl Server {
    /// A server that starts now.
    pub(crate) fn new(
        config: Config,
        settings: Settings,
        engine: Engine,
        shutdown: Arc<Shutdown>,
        addresses: Vec<SocketAddr>,
    ) -> Self {
        let workers = config.thread_count();
        let rebind = Rebind::new(addresses.clone());
        Self {
            rebind,
            makes_room: Mutex::default(),
            config,
            settings,
            engine,
            blocked: Blocked::new(),
            pause: Pause::default(),
            scripts: Scripts::new(workers),
            acl: Acl::default(),
            clients: Clients::default(),
            stats: Stats::new(workers),
            journals: Journals::default(),
            latency: Latency::default(),
            monitors: Monitors::default(),
            pubsub: Arc::default(),
            tracking: Tracking::default(),
            mailrooms: (0..workers).map(|_| Arc::default()).collect(),
            shutdown,
            addresses,
            run_id: run_id(),
            started: Instant::now(),
            uptime_s: AtomicU64::new(0),
        }
    }

    /// Seconds since the start, as of the last [`Server::tick`]: a clock that costs one load.
    pub(crate) fn uptime_s(&self) -> u64 {
        self.uptime_s.load(Ordering::Relaxed)
    }

    /// Moves [`Server::uptime_s`] on; to be called several times a second.
    pub(crate) fn tick(&self) {
        let seconds = self.started.elapsed().as_secs();
        self.uptime_s.store(seconds, Ordering::Relaxed);
    }

    /// Whether the data takes more memory than it may.
    #[inline]
    pub(crate) fn is_memory_full(&self) -> bool {
        let limit = self.settings.memory_max.get();
        limit > 0 && (self.engine.memory_counted() + OWN_BYTES) as u64 > limit
    }

    /// Lets the store tell the server what happens to keys, as far as anybody wants to know.
    pub(crate) fn observe_store(self: &Arc<Self>) {
        let observer = ServerObserver(Arc::downgrade(self));
        self.engine.set_observer(Box::new(observer));
    }

    /// Lets the connection of `tracker` hear of changes of keys.
    pub(crate) fn track(&self, tracker: Arc<Tracker>) {
        // First: what is remembered from now on must be told.
        self.engine.watch_changes();
        if !self.tracking.begin(tracker) {
            self.engine.unwatch_changes();
        }
    }

    /// Ends the wait of the connection `id`, with `wake` or without a word; whether it waited.
    pub(crate) fn end_wait(&self, id: u64, wake: Option<Wake>) -> bool {
        match wake {
            Some(wake) => self.engine.unblock(&self.blocked, id, wake),
            None => self.engine.leave(&self.blocked, id),
        }
    }

    /// The connection `id` hears of no more changes.
    pub(crate) fn untrack(&self, id: u64) {
        if self.tracking.end(id) {
            self.engine.unwatch_changes();
        }
    }

    /// Forgets for clients with caches what is more than may be remembered, and tells them.
    pub(crate) fn forget_tracked_keys(&self) {
        let post = Post {
            clients: &self.clients,
            lsn: Lsn::ZERO,
            origin: 0,
            hard_bytes: self.settings.pubsub_hard_bytes.get(),
        };
        let keys_max = self.settings.tracked_keys_max.get();
        self.tracking.shrink(keys_max, post);
    }

    /// The connection of `tracker` is being shown `keys`, whose stripes are locked.
    pub(crate) fn remember(&self, tracker: &Tracker, keys: KeySet<'_>) {
        let post = Post {
            clients: &self.clients,
            lsn: Lsn::ZERO,
            origin: 0,
            hard_bytes: self.settings.pubsub_hard_bytes.get(),
        };
        let keys_max = self.settings.tracked_keys_max.get();
        self.tracking.remember(tracker, keys, keys_max, post);
    }

    /// Posts a message to whom it may concern, to be seen when `lsn` is safe; to how many.
    pub(crate) fn publish(&self, topic: Topic, channel: &[u8], payload: &[u8], lsn: Lsn) -> usize {
        let hard_bytes = self.settings.pubsub_hard_bytes.get();
        self.pubsub
            .publish(topic, channel, payload, lsn, hard_bytes)
    }

    /// Publishes the events of keys that `flags` ask for from now on.
    pub(crate) fn notify(&self, flags: NotifyFlags) {
        self.settings.notify_flags.set(flags.bits());
        self.engine.watch_classes(flags.classes());
    }

    /// The port of the first address.
    pub(crate) fn port(&self) -> u16 {
        self.rebind.port()
    }
}

/// Forty digits from the keys that the standard library draws for its hash maps.
fn run_id() -> String {
    use std::hash::{BuildHasher as _, RandomState};
    let words: String = (0..3_u8)
        .map(|word| format!("{:016x}", RandomState::new().hash_one(word)))
        .collect();
    words.chars().take(40).collect()
}
