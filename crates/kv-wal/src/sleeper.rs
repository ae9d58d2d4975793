//! A thread that sleeps when it has nothing to do, and is woken only when it sleeps.

#[cfg(all(test, kv_shuttle))]
mod schedules;

use std::sync::OnceLock;
use std::time::Duration;

use crate::primitives::atomic::{AtomicBool, Ordering::SeqCst};
use crate::primitives::thread::{self, Thread};

/// The bed of one thread.
#[derive(Debug, Default)]
pub(crate) struct Sleeper {
    asleep: AtomicBool,
    thread: OnceLock<Thread>,
}

impl Sleeper {
    /// Wakes the thread if it sleeps. What it is to see must have been stored before, `SeqCst` or under a
    /// lock that `ready` takes.
    pub(crate) fn wake(&self) {
        if self.asleep.load(SeqCst)
            && self.asleep.swap(false, SeqCst)
            && let Some(thread) = self.thread.get()
        {
            thread.unpark();
        }
    }

    /// Sleeps until woken, or `at_most` so long, unless `ready`; may return early. For one thread only.
    ///
    /// No wake-up is lost: `asleep` is set before `ready` looks, and whoever wakes stores before it looks at
    /// `asleep`, so one of the two sees the other.
    pub(crate) fn sleep(&self, at_most: Option<Duration>, ready: impl FnOnce() -> bool) {
        self.thread.get_or_init(thread::current);
        self.asleep.store(true, SeqCst);
        if !ready() {
            match at_most {
                Some(at_most) => thread::park_timeout(at_most),
                None => thread::park(),
            }
        }
        self.asleep.store(false, SeqCst);
    }
}
