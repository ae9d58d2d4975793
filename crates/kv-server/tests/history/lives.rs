//! The lives of one server, one process after another, as its clients know them.
//!
//! Not here: the processes themselves (`process`), and when they die (`run`).

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::operation::Moments;

/// What the threads of one history share.
#[derive(Debug, Default)]
pub(crate) struct Lives {
    pub(crate) moments: Moments,
    /// Operations that were answered or lost.
    finished: AtomicUsize,
    now: Mutex<Now>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Now {
    /// Where each life listens or listened.
    addresses: Vec<SocketAddr>,
    /// The lives before this one are about to end, or have ended.
    doomed_before: usize,
    stopped: bool,
}

impl Lives {
    /// Tells everybody that the next life has begun.
    pub(crate) fn begin(&self, address: SocketAddr) {
        self.lock().addresses.push(address);
        self.changed.notify_all();
    }

    /// Says that broken connections are to be expected from now on, until the next life.
    pub(crate) fn doom(&self) {
        let mut now = self.lock();
        now.doomed_before = now.addresses.len();
    }

    /// Whether connections to this life may break.
    pub(crate) fn is_doomed(&self, life: usize) -> bool {
        life < self.lock().doomed_before
    }

    /// Ends the history before its time: nobody waits for anything any more.
    pub(crate) fn stop(&self) {
        self.lock().stopped = true;
        self.changed.notify_all();
    }

    /// Whether the history has ended before its time.
    pub(crate) fn is_stopped(&self) -> bool {
        self.lock().stopped
    }

    /// Waits for a life that is not doomed: its number and address; `None` when the history was
    /// stopped.
    pub(crate) fn wait(&self) -> Option<(usize, SocketAddr)> {
        let absent = |now: &mut Now| !now.stopped && now.doomed_before == now.addresses.len();
        let now = self.changed.wait_while(self.lock(), absent);
        let now = now.unwrap_or_else(PoisonError::into_inner);
        let life = now.addresses.len().checked_sub(1)?;
        (!now.stopped).then_some((life, now.addresses[life]))
    }

    /// Counts operations that were answered or lost.
    pub(crate) fn finish(&self, operations: usize) {
        self.finished.fetch_add(operations, Ordering::Relaxed);
    }

    /// How many operations were answered or lost.
    pub(crate) fn finished(&self) -> usize {
        self.finished.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
