//! Who may be at work: serving threads side by side, or one script alone.
//!
//! While no script is about, a serving thread says that it is inside, sees that nobody wants to close the gate, and
//! goes on: two operations on a word that no other thread writes. Where a script is about, sessions wait for their
//! turn in a queue that is fair to them and to scripts; they wait as tasks, and their threads do other things.
//!
//! Invariant: between [`Gate::close`] and the drop of what it returns no thread is inside and nobody has a turn.
//! Whoever is inside does not wait for anything but a lock that is held for a moment.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

/// A mark in a cache line of its own: each serving thread writes one, all the time.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Mark(AtomicBool);

/// The gate of one server.
#[derive(Debug)]
pub(crate) struct Gate {
    /// How many want to close it, or have.
    closing: AtomicUsize,
    /// For each serving thread, whether it is inside.
    inside: Box<[Mark]>,
    turns: RwLock<()>,
}

impl Gate {
    /// An open gate for so many serving threads.
    pub(crate) fn new(workers: usize) -> Self {
        Self {
            closing: AtomicUsize::new(0),
            inside: (0..workers).map(|_| Mark::default()).collect(),
            turns: RwLock::new(()),
        }
    }

    /// Lets the serving thread `worker` in until the answer is dropped; `None` while somebody wants to be alone.
    #[inline]
    pub(crate) fn enter(&self, worker: usize) -> Option<Inside<'_>> {
        let Mark(mark) = &self.inside[worker];
        // Both sides write first and look then, in one order that all see: at least one sees the other.
        mark.store(true, Ordering::SeqCst);
        let inside = Inside(mark);
        (self.closing.load(Ordering::SeqCst) == 0).then_some(inside)
    }

    /// Waits for the turn of somebody who may be at work beside others.
    pub(crate) async fn turn(&self) -> RwLockReadGuard<'_, ()> {
        self.turns.read().await
    }

    /// Closes the gate: comes back when nobody else is at work, and keeps it so until the answer is dropped. Not for
    /// a serving thread: this waits for those.
    pub(crate) fn close(&self) -> Closed<'_> {
        self.closing.fetch_add(1, Ordering::SeqCst);
        let alone = self.turns.blocking_write();
        for Mark(mark) in &self.inside {
            let mut looks = 0_u32;
            while mark.load(Ordering::SeqCst) {
                looks += 1;
                match looks {
                    0..=100 => std::hint::spin_loop(),
                    _ => std::thread::yield_now(),
                }
            }
        }
        Closed {
            gate: self,
            _alone: alone,
        }
    }
}

/// A serving thread is at work.
pub(crate) struct Inside<'g>(&'g AtomicBool);

impl Drop for Inside<'_> {
    #[inline]
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// Somebody is alone at work.
pub(crate) struct Closed<'g> {
    gate: &'g Gate,
    _alone: RwLockWriteGuard<'g, ()>,
}

impl Drop for Closed<'_> {
    fn drop(&mut self) {
        self.gate.closing.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use super::*;

    #[test]
    fn nobody_is_inside_of_a_closed_gate() {
        let gate = Gate::new(2);
        assert!(gate.enter(0).is_some());
        let inside = gate.enter(1);
        drop(inside);
        let closed = gate.close();
        assert!(gate.enter(0).is_none() && gate.enter(1).is_none());
        assert!(gate.turns.try_read().is_err());
        drop(closed);
        assert!(gate.enter(0).is_some());
    }

    #[test]
    fn one_who_is_alone_sees_whole_steps_of_the_others() {
        const ROUNDS: u64 = 20_000;
        let gate = Gate::new(2);
        let (one, other) = (AtomicU64::new(0), AtomicU64::new(0));
        std::thread::scope(|scope| {
            for worker in 0..2 {
                let (gate, one, other) = (&gate, &one, &other);
                scope.spawn(move || {
                    let mut steps = 0;
                    while steps < ROUNDS {
                        if let Some(_inside) = gate.enter(worker) {
                            one.fetch_add(1, Ordering::Relaxed);
                            other.fetch_add(1, Ordering::Relaxed);
                            steps += 1;
                        }
                    }
                });
            }
            while one.load(Ordering::Relaxed) < 2 * ROUNDS {
                let _closed = gate.close();
                let steps = one.load(Ordering::Relaxed);
                assert_eq!(steps, other.load(Ordering::Relaxed));
            }
        });
    }
}
