//! The commit gate: the two watermarks of the log, and waiting for them. Nothing else decides when a reply
//! may leave.
//!
//! Threads wait with [`CommitGate::wait`]; an event loop has one [`Subscription`] and is called back once
//! per commit that releases something of it, however many of its connections wait.
//!
//! Invariant: watermarks only grow, and `durable <= written`.
//! Invariant: no wake-up is lost. A waiter first makes its wish visible, then looks at the watermark; a
//! publisher first moves the watermark, then looks for wishes. All four are `SeqCst`, so in the one order of
//! them all at least one side sees the other.
//! Invariant: after a failure the watermarks stand still and every waiter above them gets an error.

mod room;
#[cfg(all(test, kv_shuttle))]
mod schedules;
mod subscription;

use std::sync::{Arc, OnceLock, PoisonError};

use kv_core::{Lsn, StoreError};
use room::Room;
use subscription::Subscriber;
pub use subscription::{Armed, Subscription};

use crate::Durability;
use crate::primitives::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use crate::primitives::{Condvar, Mutex, MutexGuard, thread};

/// Tells what the log has reached and releases those who wait for it.
pub struct CommitGate {
    written: AtomicU64,
    durable: AtomicU64,
    failed: AtomicBool,
    /// Whether somebody waits by a stricter policy than the log's own.
    tells_undurable: AtomicBool,
    /// The newest LSN that somebody wants durable, whatever the policy of the log is.
    durable_wanted: AtomicU64,
    /// Wakes the thread that syncs, after `durable_wanted` grew.
    on_sync_wanted: OnceLock<Box<dyn Fn() + Send + Sync>>,
    for_written: Room,
    for_durable: Room,
    /// How many threads wait until writes are admitted again.
    refused: AtomicUsize,
    turnstile: Mutex<()>,
    admitted: Condvar,
    subscribers: Mutex<Vec<Arc<Subscriber>>>,
}

impl CommitGate {
    /// A gate whose log begins after `recovered`, all of which is durable.
    pub(crate) fn new(recovered: Lsn) -> Self {
        Self {
            written: AtomicU64::new(recovered.0),
            durable: AtomicU64::new(recovered.0),
            failed: AtomicBool::new(false),
            tells_undurable: AtomicBool::new(false),
            durable_wanted: AtomicU64::new(recovered.0),
            on_sync_wanted: OnceLock::new(),
            for_written: Room::default(),
            for_durable: Room::default(),
            refused: AtomicUsize::new(0),
            turnstile: Mutex::default(),
            admitted: Condvar::new(),
            subscribers: Mutex::default(),
        }
    }

    /// Everything up to this LSN has been handed to the kernel: a process crash keeps it.
    #[must_use]
    pub fn written(&self) -> Lsn {
        Lsn(self.written.load(SeqCst))
    }

    /// Everything up to this LSN is on stable storage.
    #[must_use]
    pub fn durable(&self) -> Lsn {
        Lsn(self.durable.load(SeqCst))
    }

    /// How far the promise of `policy` holds.
    #[must_use]
    pub fn watermark(&self, policy: Durability) -> Lsn {
        match policy {
            Durability::Always => self.durable(),
            Durability::EverySec | Durability::No => self.written(),
        }
    }

    /// From now on reads of the store name every change they show that is not yet durable, whatever the log's
    /// own policy is. To be called before anybody waits by a stricter policy; changes from before the call are
    /// named only if they are waited for once, up to the newest. It stays so.
    pub fn tell_undurable(&self) {
        self.tells_undurable.store(true, SeqCst);
    }

    /// The newest LSN that nobody has to wait for; `policy` is the log's own.
    pub(crate) fn settled(&self, policy: Durability) -> Lsn {
        if self.tells_undurable.load(SeqCst) {
            return self.durable();
        }
        self.watermark(policy)
    }

    /// Whether the log failed for good: the watermarks will not move again.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.failed.load(SeqCst)
    }

    /// Blocks until the promise of `policy` holds for `lsn`, an LSN that the store has handed out. With
    /// [`Durability::Always`] this makes a log of any policy sync.
    ///
    /// # Errors
    ///
    /// [`StoreError::LogFailed`] when the log failed before: whether a restart will show the write is
    /// unknown.
    pub fn wait(&self, lsn: Lsn, policy: Durability) -> Result<(), StoreError> {
        if self.watermark(policy) < lsn {
            self.ask_sync(lsn, policy);
            let reached = || self.reached(lsn, policy);
            if policy == Durability::Always || !comes_soon(reached) {
                self.room(policy).wait(lsn.0, reached);
            }
        }
        if self.watermark(policy) < lsn {
            return Err(StoreError::LogFailed);
        }
        Ok(())
    }

    /// Registers an event loop. `callback` is called on a thread of the log and must only wake the loop up:
    /// it must not block, panic, or call the gate or the store.
    #[must_use]
    pub fn subscribe(self: &Arc<Self>, callback: Box<dyn Fn() + Send + Sync>) -> Subscription {
        let subscriber = Arc::new(Subscriber::new(callback));
        self.subscribers().push(Arc::clone(&subscriber));
        Subscription::new(Arc::clone(self), subscriber)
    }

    /// Blocks until `may` or the log has failed. `may` is looked at again after each
    /// [`CommitGate::release_admission`].
    pub(crate) fn wait_admission(&self, may: impl Fn() -> bool) {
        let mut turn = self.turnstile();
        self.refused.fetch_add(1, SeqCst);
        while !may() && !self.has_failed() {
            turn = self
                .admitted
                .wait(turn)
                .unwrap_or_else(PoisonError::into_inner);
        }
        self.refused.fetch_sub(1, SeqCst);
    }

    /// Everything up to `lsn` has been handed to the kernel.
    pub(crate) fn publish_written(&self, lsn: Lsn) {
        let subscribers = self.subscribers();
        // Looked at under the lock under which it is set: after a failure the watermarks stand still.
        if self.has_failed() {
            return;
        }
        self.written.fetch_max(lsn.0, SeqCst);
        self.for_written.release(lsn.0);
        for subscriber in &*subscribers {
            subscriber.release(Durability::No, lsn);
        }
    }

    /// Everything up to `lsn`, which was published as written before, is on stable storage. Returns how many threads
    /// were waiting for something to be durable; event loops do not count.
    pub(crate) fn publish_durable(&self, lsn: Lsn) -> usize {
        let subscribers = self.subscribers();
        if self.has_failed() {
            return 0;
        }
        self.durable.fetch_max(lsn.0, SeqCst);
        let waited = self.for_durable.release(lsn.0);
        for subscriber in &*subscribers {
            subscriber.release(Durability::Always, lsn);
        }
        waited
    }

    /// How many threads wait for something to be durable.
    pub(crate) fn threads_waiting(&self) -> usize {
        self.for_durable.occupied()
    }

    /// What kept the log from admitting writes may be over.
    pub(crate) fn release_admission(&self) {
        if self.refused.load(SeqCst) > 0 {
            drop(self.turnstile());
            self.admitted.notify_all();
        }
        for subscriber in &*self.subscribers() {
            subscriber.release_admission();
        }
    }

    /// The log failed for good: releases everybody. What is published after this is not.
    pub(crate) fn fail(&self) {
        let subscribers = self.subscribers();
        self.failed.store(true, SeqCst);
        self.for_written.release(u64::MAX);
        self.for_durable.release(u64::MAX);
        drop(self.turnstile());
        self.admitted.notify_all();
        for subscriber in &*subscribers {
            subscriber.release_all();
        }
    }

    /// The newest LSN that somebody has asked to be durable.
    pub(crate) fn durable_wanted(&self) -> Lsn {
        Lsn(self.durable_wanted.load(SeqCst))
    }

    /// Sets what wakes the thread that syncs on demand. Without it the log syncs each commit by itself.
    pub(crate) fn on_sync_wanted(&self, wake: Box<dyn Fn() + Send + Sync>) {
        let set_once = self.on_sync_wanted.set(wake);
        debug_assert!(set_once.is_ok(), "one thread syncs on demand");
    }

    fn ask_sync(&self, lsn: Lsn, policy: Durability) {
        if policy == Durability::Always
            && self.durable_wanted.fetch_max(lsn.0, SeqCst) < lsn.0
            && let Some(wake) = self.on_sync_wanted.get()
        {
            wake();
        }
    }

    fn reached(&self, lsn: Lsn, policy: Durability) -> bool {
        self.watermark(policy) >= lsn || self.has_failed()
    }

    fn room(&self, policy: Durability) -> &Room {
        match policy {
            Durability::Always => &self.for_durable,
            Durability::EverySec | Durability::No => &self.for_written,
        }
    }

    fn turnstile(&self) -> MutexGuard<'_, ()> {
        self.turnstile
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn subscribers(&self) -> MutexGuard<'_, Vec<Arc<Subscriber>>> {
        self.subscribers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks a few times, and lets others run in between: handing a batch to the kernel takes microseconds, less than
/// to fall asleep and be woken.
fn comes_soon(reached: impl Fn() -> bool) -> bool {
    /// Schedules are searched without: each look would be one more place where they part.
    const LOOKS: usize = if cfg!(any(kv_shuttle, kv_loom)) {
        0
    } else {
        20
    };

    (0..LOOKS).any(|_| {
        thread::yield_now();
        reached()
    })
}

impl std::fmt::Debug for CommitGate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CommitGate")
            .field("written", &self.written())
            .field("durable", &self.durable())
            .field("failed", &self.has_failed())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    const ROUNDS: u64 = 2_000;

    #[test]
    fn no_waiting_thread_is_forgotten() {
        let gate = CommitGate::new(Lsn::ZERO);
        thread::scope(|scope| {
            for first in 1..=4 {
                let gate = &gate;
                scope.spawn(move || {
                    for lsn in (first..=ROUNDS).step_by(3) {
                        gate.wait(Lsn(lsn), Durability::Always).unwrap();
                        assert!(gate.durable() >= Lsn(lsn));
                    }
                });
            }
            for lsn in 1..=ROUNDS {
                gate.publish_written(Lsn(lsn));
                gate.publish_durable(Lsn(lsn));
            }
        });
    }

    /// One side arms for the next LSN and sleeps until it is called; the other publishes each only when the
    /// one before was seen. A lost wake-up hangs the test.
    #[test]
    fn no_armed_subscription_is_forgotten() {
        let gate = Arc::new(CommitGate::new(Lsn::ZERO));
        let seen = Arc::new(AtomicU64::new(0));
        let (wake, woken) = mpsc::channel();
        let subscription = gate.subscribe(Box::new(move || {
            let _ = wake.send(());
        }));
        thread::scope(|scope| {
            let (publisher, published) = (Arc::clone(&gate), Arc::clone(&seen));
            scope.spawn(move || {
                for lsn in 1..=ROUNDS {
                    publisher.publish_written(Lsn(lsn));
                    while published.load(SeqCst) < lsn {
                        thread::yield_now();
                    }
                }
            });
            for lsn in 1..=ROUNDS {
                while gate.written() < Lsn(lsn) {
                    if subscription.arm(Durability::EverySec, Lsn(lsn)) == Armed::Pending {
                        woken.recv().unwrap();
                    }
                }
                seen.store(lsn, SeqCst);
            }
        });
    }

    #[test]
    fn a_failure_releases_everybody_and_stops_the_watermarks() {
        let gate = Arc::new(CommitGate::new(Lsn(5)));
        let (wake, woken) = mpsc::channel();
        let subscription = gate.subscribe(Box::new(move || {
            let _ = wake.send(());
        }));
        assert_eq!(subscription.arm(Durability::Always, Lsn(6)), Armed::Pending);
        thread::scope(|scope| {
            for policy in Durability::ALL {
                let gate = &gate;
                scope.spawn(move || {
                    assert_eq!(gate.wait(Lsn(6), policy), Err(StoreError::LogFailed));
                });
            }
            gate.fail();
        });
        woken.recv().unwrap();
        assert_eq!(gate.wait(Lsn(5), Durability::Always), Ok(()));
        assert_eq!(subscription.arm(Durability::Always, Lsn(6)), Armed::Reached);
    }

    #[test]
    fn whoever_wants_durability_asks_for_a_sync_once() {
        let gate = Arc::new(CommitGate::new(Lsn::ZERO));
        let asked = Arc::new(AtomicU64::new(0));
        let asking = Arc::clone(&asked);
        gate.on_sync_wanted(Box::new(move || {
            asking.fetch_add(1, SeqCst);
        }));
        let subscription = gate.subscribe(Box::new(|| ()));
        for _ in 0..2 {
            assert_eq!(subscription.arm(Durability::No, Lsn(3)), Armed::Pending);
            assert_eq!(subscription.arm(Durability::Always, Lsn(3)), Armed::Pending);
        }
        assert_eq!(asked.load(SeqCst), 1);
        assert_eq!(gate.durable_wanted(), Lsn(3));
    }
}
