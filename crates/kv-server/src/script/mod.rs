//! Scripts: programs in Lua that clients send and that run inside of the server, each as one transaction.
//!
//! The way of a script: the session hands its request, with all that it remembers, to the thread of scripts
//! (`session/apart.rs`, [`thread`]); that closes the [`gate`], so that nobody else is at work, and runs the request
//! as it would have run on the session's own thread. The engine opens a transaction over all data and calls the
//! [`machine`], which runs the program; each `redis.call` of it is one request of that transaction ([`call`]).
//!
//! Invariant: one script runs at a time, and beside it no request that touches data. So no serving thread ever
//! waits for a lock that a script holds: its sessions wait for the gate, where they can be told that the server is
//! busy, and `SCRIPT KILL` is heard.

// Who runs when.
pub(crate) mod gate;
pub(crate) mod running;
pub(crate) mod thread;

// What runs.
mod call;
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
use std::sync::{Mutex, PoisonError};

use self::gate::Gate;
use self::running::Running;
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
    /// The scripts, by digest, and functions, by name in small letters, that say that they change nothing.
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
    /// Bytes that scripts and all that they use take, beside what every script finds.
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
            readers: Mutex::default(),
        }
    }

    /// Whether the script with this digest, or the function of this name, says that it changes nothing.
    pub(crate) fn is_reader(&self, name: &[u8]) -> bool {
        let readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        readers.contains(&*name.to_ascii_lowercase())
    }

    fn set_readers(&self, readers: HashSet<Box<[u8]>>) {
        *self.readers.lock().unwrap_or_else(PoisonError::into_inner) = readers;
    }
}
