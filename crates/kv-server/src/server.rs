//! What all threads of one server share.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crate::clients::Clients;
use crate::config::Config;
use crate::config::settings::Settings;
use crate::engine::Engine;
use crate::engine::blocked::Blocked;
use crate::notify::NotifyFlags;
use crate::session::pause::Pause;
use crate::shutdown::Shutdown;
use crate::stats::Stats;

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
    pub(crate) clients: Clients,
    pub(crate) stats: Stats,
    pub(crate) shutdown: Arc<Shutdown>,
    /// Where it listens.
    pub(crate) addresses: Vec<SocketAddr>,
    /// Forty hexadecimal digits that no other run of a server has.
    pub(crate) run_id: String,
    started: Instant,
    uptime_s: AtomicU64,
}

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
        Self {
            config,
            settings,
            engine,
            blocked: Blocked::new(),
            pause: Pause::default(),
            clients: Clients::default(),
            stats: Stats::new(workers),
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

    /// Publishes the events of keys that `flags` ask for from now on.
    pub(crate) fn notify(&self, flags: NotifyFlags) {
        self.settings.notify_flags.set(flags.bits());
        self.engine.watch_classes(flags.classes());
    }

    /// The port of the first address.
    pub(crate) fn port(&self) -> u16 {
        self.addresses.first().map_or(0, SocketAddr::port)
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
