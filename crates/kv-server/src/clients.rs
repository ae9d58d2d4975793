//! Who is connected: what `CLIENT LIST` shows, and how one thread ends a connection that another serves.
//!
//! A session writes down how far it is once for a batch of requests, under a lock that it shares with
//! nobody but the rare reader. Closing goes through the socket: the session sees the end of its input, so
//! that waiting for input costs nothing more.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::{Shutdown as Side, SocketAddr};
use std::os::fd::AsRawFd as _;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kv_core::Db;
use kv_proto::Format;
use socket2::SockRef;
use tokio::net::tcp::OwnedWriteHalf;

use crate::acl::DEFAULT;
use crate::config::settings::Settings;
use crate::inbox::{Inbox, Mailroom};

/// Why the server ends a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Closing {
    /// The server stops: requests that are complete are still answered.
    ServerStops = 1,
    /// `CLIENT KILL`.
    Killed = 2,
    /// Nothing came for longer than `timeout`.
    Idle = 3,
    /// The rest of a request did not come in time.
    RequestTimeout = 4,
    /// The client does not read its replies.
    OutputLimit = 5,
    /// All connections together take more memory than they may.
    Memory = 6,
}

impl Closing {
    const ALL: [Self; 6] = [
        Self::ServerStops,
        Self::Killed,
        Self::Idle,
        Self::RequestTimeout,
        Self::OutputLimit,
        Self::Memory,
    ];
}

/// One connection, as others see it.
#[derive(Debug)]
pub(crate) struct Client {
    /// Never used twice.
    pub(crate) id: u64,
    /// The other end.
    pub(crate) peer: SocketAddr,
    /// This end.
    pub(crate) local: SocketAddr,
    /// When it connected, in seconds since the server started.
    pub(crate) connected_s: u64,
    /// The session has the other half; this one is here to end the connection from outside.
    socket: OwnedWriteHalf,
    closing: AtomicU8,
    /// Whether it waits for a key.
    waits: AtomicBool,
    /// What it is sent without asking.
    pub(crate) inbox: Inbox,
    /// How many channels, patterns and shard channels it is subscribed to.
    pub(crate) subscribed: [AtomicUsize; 3],
    identity: Mutex<Identity>,
    progress: Mutex<Progress>,
}

/// What a client says of itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Identity {
    /// As whom it has logged in.
    pub(crate) user: Vec<u8>,
    /// Whether it can follow to another server when it is sent there.
    pub(crate) follows: bool,
    /// Whether it has said that it only reads.
    pub(crate) only_reads: bool,
    /// Whether it is never closed to save memory.
    pub(crate) stays: bool,
    /// Whether its reads do not count as uses of keys.
    pub(crate) leaves_no_trace: bool,
    pub(crate) name: Vec<u8>,
    pub(crate) library: Vec<u8>,
    pub(crate) library_version: Vec<u8>,
}

impl Identity {
    /// Takes back what it said, but for its library.
    pub(crate) fn reset(&mut self) {
        let (library, library_version) = (&mut self.library, &mut self.library_version);
        // Who it is is a matter of its login.
        let user = &mut self.user;
        *self = Self {
            user: std::mem::take(user),
            library: std::mem::take(library),
            library_version: std::mem::take(library_version),
            ..Self::default()
        };
    }
}

/// How far a session is, as of its last batch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Progress {
    /// The last command's name, subcommands as `client|list`; empty before the first.
    pub(crate) command: &'static str,
    pub(crate) db: Db,
    pub(crate) format: Format,
    /// Requests that wait for `EXEC`; `None` outside `MULTI`.
    pub(crate) queued: Option<usize>,
    /// Bytes of these requests.
    pub(crate) queued_bytes: usize,
    /// Keys of `WATCH`.
    pub(crate) watched: usize,
    /// Requests so far.
    pub(crate) commands: u64,
    /// Bytes that came from it so far.
    pub(crate) received: u64,
    /// Bytes that went to it so far.
    pub(crate) sent: u64,
    /// When it last came to something, in seconds since the server started.
    pub(crate) active_s: u64,
    /// Bytes of a request that is not complete.
    pub(crate) input_bytes: usize,
    /// Since when that request is not complete.
    pub(crate) partial_since_s: Option<u64>,
    /// Bytes of replies that the socket does not take.
    pub(crate) output_bytes: usize,
    /// Since when more than the soft limit waits for the socket.
    pub(crate) output_since_s: Option<u64>,
}

impl Client {
    /// Its number, as replies show it.
    pub(crate) fn number(&self) -> i64 {
        i64::try_from(self.id).unwrap_or(i64::MAX)
    }

    /// The operating system's number for its socket.
    pub(crate) fn descriptor(&self) -> i32 {
        self.socket.as_ref().as_raw_fd()
    }

    /// What the client says of itself.
    pub(crate) fn identity(&self) -> MutexGuard<'_, Identity> {
        self.identity.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How far its session is.
    pub(crate) fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether and why the connection is to end.
    pub(crate) fn closing(&self) -> Option<Closing> {
        let reason = self.closing.load(Ordering::Acquire);
        Closing::ALL
            .into_iter()
            .find(|closing| *closing as u8 == reason)
    }

    /// Ends the connection: its session sees the end of its input. The first reason stands.
    pub(crate) fn close(&self, reason: Closing) {
        let _ = self
            .closing
            .compare_exchange(0, reason as u8, Ordering::AcqRel, Ordering::Acquire);
        let side = match reason {
            Closing::ServerStops | Closing::RequestTimeout => Side::Read,
            Closing::Killed | Closing::Idle | Closing::OutputLimit | Closing::Memory => Side::Both,
        };
        self.shut(side);
    }

    /// Bytes that it takes: of requests and replies that are on their way.
    pub(crate) fn memory_bytes(&self) -> usize {
        let progress = *self.progress();
        let waiting = progress.output_bytes + self.inbox.waiting_bytes();
        progress.input_bytes + progress.queued_bytes + waiting
    }

    /// Ends the connection: its mail is more than may wait.
    pub(crate) fn cut_off(&self) {
        self.close(Closing::OutputLimit);
    }

    /// Whether it waits for a key, as far as its session knows.
    pub(crate) fn waits(&self) -> bool {
        self.waits.load(Ordering::Relaxed)
    }

    /// Says whether it waits for a key.
    pub(crate) fn set_waits(&self, waits: bool) {
        self.waits.store(waits, Ordering::Relaxed);
    }

    /// Whether it is subscribed to anything.
    pub(crate) fn is_subscriber(&self) -> bool {
        self.subscribed
            .iter()
            .any(|count| count.load(Ordering::Relaxed) > 0)
    }

    /// Ends the connection without waiting for what its session still has to say.
    pub(crate) fn cut(&self) {
        self.shut(Side::Both);
    }

    fn shut(&self, side: Side) {
        // Fails only when the connection has ended already.
        let _ = SockRef::from(self.socket.as_ref()).shutdown(side);
    }

    /// Why the connection is to end `now_s` seconds after the server's start, going by the time that passed.
    fn overdue(&self, now_s: u64, settings: &Settings) -> Option<Closing> {
        let progress = *self.progress();
        let passed =
            |since_s: u64, limit_s: u64| limit_s > 0 && now_s.saturating_sub(since_s) > limit_s;
        let request_s = settings.request_timeout_s.get();
        if progress
            .partial_since_s
            .is_some_and(|since_s| passed(since_s, request_s))
        {
            return Some(Closing::RequestTimeout);
        }
        let output_s = settings.output_soft_s.get();
        if progress
            .output_since_s
            .is_some_and(|since_s| passed(since_s, output_s))
        {
            return Some(Closing::OutputLimit);
        }
        let mail_s = settings.pubsub_soft_s.get();
        let mail_over = self
            .inbox
            .over_since_s(settings.pubsub_soft_bytes.get(), now_s);
        if mail_over.is_some_and(|since_s| passed(since_s, mail_s)) {
            return Some(Closing::OutputLimit);
        }
        // Who is subscribed waits for others to say something.
        if self.is_subscriber() {
            return None;
        }
        passed(progress.active_s, settings.idle_timeout_s.get()).then_some(Closing::Idle)
    }
}

/// All connections.
#[derive(Debug, Default)]
pub(crate) struct Clients {
    open: Mutex<BTreeMap<u64, Arc<Client>>>,
    last_id: AtomicU64,
}

impl Clients {
    /// Adds a connection that has just been accepted, `now_s` seconds after the server's start, on the thread of
    /// `room`.
    ///
    /// # Errors
    ///
    /// The socket's, when the connection has ended already.
    pub(crate) fn add(
        &self,
        socket: OwnedWriteHalf,
        format: Format,
        room: &Arc<Mailroom>,
        now_s: u64,
    ) -> std::io::Result<Arc<Client>> {
        let client = Arc::new(Client {
            id: self.last_id.fetch_add(1, Ordering::Relaxed) + 1,
            peer: socket.peer_addr()?,
            local: socket.local_addr()?,
            connected_s: now_s,
            socket,
            closing: AtomicU8::new(0),
            waits: AtomicBool::new(false),
            inbox: Inbox::new(Arc::clone(room)),
            subscribed: Default::default(),
            identity: Mutex::new(Identity {
                user: DEFAULT.to_vec(),
                ..Identity::default()
            }),
            progress: Mutex::new(Progress {
                command: "",
                db: Db::FIRST,
                format,
                queued: None,
                watched: 0,
                queued_bytes: 0,
                commands: 0,
                received: 0,
                sent: 0,
                active_s: now_s,
                input_bytes: 0,
                partial_since_s: None,
                output_bytes: 0,
                output_since_s: None,
            }),
        });
        self.open().insert(client.id, Arc::clone(&client));
        Ok(client)
    }

    /// Forgets a connection that has ended.
    pub(crate) fn remove(&self, id: u64) {
        self.open().remove(&id);
    }

    /// The connection with the number `id`, if it is there.
    pub(crate) fn find(&self, id: u64) -> Option<Arc<Client>> {
        self.open().get(&id).cloned()
    }

    /// How many connections there are.
    pub(crate) fn len(&self) -> usize {
        self.open().len()
    }

    /// Every connection, oldest first.
    pub(crate) fn all(&self) -> Vec<Arc<Client>> {
        self.open().values().cloned().collect()
    }

    /// Ends the connections whose time is up; to be called about once a second.
    pub(crate) fn close_overdue(&self, now_s: u64, settings: &Settings) {
        for client in self.all() {
            if let Some(reason) = client.overdue(now_s, settings) {
                tracing::debug!(client = client.id, ?reason, "closing a connection");
                client.close(reason);
            }
        }
    }

    /// Closes those that take most until all together take no more than `bytes_max`; how many.
    pub(crate) fn close_largest(&self, bytes_max: u64) -> u64 {
        let mut clients: Vec<_> = self.all().into_iter().map(Self::weighed).collect();
        let mut bytes: u64 = clients.iter().map(|(bytes, _)| bytes).sum();
        clients.retain(|(_, client)| !client.identity().stays);
        clients.sort_by_key(|(bytes, _)| Reverse(*bytes));
        let mut closed = 0;
        for (own, client) in clients {
            if bytes <= bytes_max || own == 0 {
                break;
            }
            tracing::warn!(
                client = client.id,
                bytes = own,
                "closing a connection to save memory"
            );
            client.close(Closing::Memory);
            bytes -= own;
            closed += 1;
        }
        closed
    }

    fn weighed(client: Arc<Client>) -> (u64, Arc<Client>) {
        (client.memory_bytes() as u64, client)
    }

    fn open(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Client>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
