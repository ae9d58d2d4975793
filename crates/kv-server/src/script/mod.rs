//! Scripts: programs in Lua that clients send and that run inside of the server, each as one transaction.
//!
//! Most scripts are short and touch the keys that they declare. So a script is tried [`at_once`] first: on the thread of
//! its own connection, in that thread's own interpreter, as one transaction over these keys, like any other request.
//! Where it turns out to be another kind of script, nothing of that has happened, and it runs apart.
//!
//! The way apart: the session hands its request, with all that it remembers, to the thread of scripts
//! (`session/apart.rs`, [`thread`]); that closes the [`gate`], so that nobody else is at work, and runs the request
//! as it would have run on the session's own thread. The engine opens a transaction over all data and calls the
//! [`machine`], which runs the program; each `redis.call` of it is one request of that transaction ([`call`]).
//!
//! Invariant: beside a script that runs apart no other runs, nor any request that touches data. So no serving thread ever
//! waits for a lock that a script holds for long: its sessions wait for the gate, where they can be told that the server
//! is busy, and `SCRIPT KILL` is heard.

// Who runs when.
pub(crate) mod at_once;
pub(crate) mod gate;
pub(crate) mod running;
pub(crate) mod thread;

// What runs.
mod call;
mod compiled;
mod convert;
pub(crate) mod errors;
mod failure;
pub(crate) mod function;
mod known;
pub(crate) mod machine;
mod sandbox;
mod shebang;
mod store;

// What a script finds there.
mod bits;
mod chance;
mod json;
mod library;
mod pack;
mod record;

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use self::chance::Chance;
use self::gate::Gate;
use self::running::Running;
use self::store::{Digest, Store};
use self::thread::Way;

/// What all threads share of scripts.
pub(crate) struct Scripts {
    /// Who may be at work.
    pub(crate) gate: Gate,
    /// The script that runs, if one does.
    pub(crate) running: Running,
    /// The way to the thread that runs them.
    pub(crate) way: Way,
    pub(crate) figures: Figures,
    /// Whether scripts may run those commands too that answer from their words alone: for tests.
    pub(crate) admits_pure: AtomicBool,
    store: Mutex<Store>,
    /// What all interpreters draw numbers from.
    chance: Arc<Chance>,
    /// Functions, by name in small letters, that say that they change nothing.
    readers: Mutex<HashSet<Box<[u8]>>>,
}

/// What is told of scripts.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    /// Scripts that can be asked for by their digest.
    pub(crate) cached: AtomicU64,
    /// Scripts that were forgotten to make room for others.
    pub(crate) evicted: AtomicU64,
    /// Bytes of the sources of scripts.
    pub(crate) source_bytes: AtomicU64,
    /// Bytes that scripts and all that they use take in all interpreters, beside what every script finds; about.
    pub(crate) memory_bytes: AtomicU64,
    /// Libraries of functions.
    pub(crate) libraries: AtomicU64,
    /// Functions in them.
    pub(crate) functions: AtomicU64,
    /// Bytes of the code of libraries.
    pub(crate) library_bytes: AtomicU64,
    /// Bytes that functions and all that they use take, about.
    pub(crate) function_memory_bytes: AtomicU64,
}

impl Figures {
    /// The value of one of them.
    pub(crate) fn read(figure: &AtomicU64) -> u64 {
        figure.load(Ordering::Relaxed)
    }

    /// Tells of the scripts that there are.
    fn tell(&self, store: &Store) {
        let (cached, evicted) = store.counts();
        self.cached.store(cached, Ordering::Relaxed);
        self.evicted.store(evicted, Ordering::Relaxed);
        let sources = store.source_bytes() as u64;
        self.source_bytes.store(sources, Ordering::Relaxed);
    }
}

/// Whether the program `source` has a first line that says that it changes nothing.
pub(crate) fn says_that_it_only_reads(source: &[u8]) -> bool {
    shebang::split(source).is_ok_and(|(declared, _)| declared.no_writes())
}

impl Scripts {
    /// No script yet, in a server with so many serving threads.
    pub(crate) fn new(workers: usize) -> Self {
        Self {
            gate: Gate::new(workers),
            running: Running::default(),
            way: Way::default(),
            figures: Figures::default(),
            admits_pure: AtomicBool::new(false),
            store: Mutex::default(),
            chance: Arc::new(Chance::new()),
            readers: Mutex::default(),
        }
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The script with this digest was tried at once, and had to run apart.
    fn keep_apart(&self, digest: &str) {
        if let Some(digest) = Digest::parse(digest.as_bytes()) {
            self.store().keep_apart(&digest);
        }
    }

    /// Whether the script with this digest, or the function of this name, says that it changes nothing.
    pub(crate) fn is_reader(&self, name: &[u8]) -> bool {
        if Digest::parse(name).is_some_and(|digest| self.store().is_reader(&digest)) {
            return true;
        }
        let readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        readers.contains(&*name.to_ascii_lowercase())
    }

    fn set_readers(&self, readers: HashSet<Box<[u8]>>) {
        *self.readers.lock().unwrap_or_else(PoisonError::into_inner) = readers;
    }
}
