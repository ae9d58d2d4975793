//! Threads that wait for a watermark, each released by itself and none woken in vain.

use std::sync::PoisonError;

use crate::primitives::atomic::{AtomicUsize, Ordering::SeqCst};
use crate::primitives::thread::{self, Thread};
use crate::primitives::{Mutex, MutexGuard};

/// The waiting room of one watermark.
#[derive(Default)]
pub(super) struct Room {
    /// How many are in `waiting`, so that a publisher without waiters takes no lock.
    occupied: AtomicUsize,
    waiting: Mutex<Vec<Waiter>>,
}

struct Waiter {
    until: u64,
    thread: Thread,
}

impl Room {
    /// Parks this thread until `done`; `done` must be true once the watermark has reached `until`.
    pub(super) fn wait(&self, until: u64, done: impl Fn() -> bool) {
        let thread = thread::current();
        let id = thread.id();
        self.change(|waiting| waiting.push(Waiter { until, thread }));
        if done() {
            // The publisher may have looked before we came in, and may not come again.
            self.change(|waiting| waiting.retain(|waiter| waiter.thread.id() != id));
            return;
        }
        while !done() {
            thread::park();
        }
    }

    /// How many threads wait.
    pub(super) fn occupied(&self) -> usize {
        self.occupied.load(SeqCst)
    }

    /// Wakes those whose watermark is `mark` or lower. The watermark must have been published before. Returns how
    /// many waited, those who still do included.
    pub(super) fn release(&self, mark: u64) -> usize {
        if self.occupied.load(SeqCst) == 0 {
            return 0;
        }
        let mut waited = 0;
        self.change(|waiting| {
            waited = waiting.len();
            waiting.retain(|waiter| {
                let stays = waiter.until > mark;
                if !stays {
                    waiter.thread.unpark();
                }
                stays
            });
        });
        waited
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Waiter>)) {
        let mut waiting: MutexGuard<'_, _> =
            self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut waiting);
        self.occupied.store(waiting.len(), SeqCst);
    }
}
