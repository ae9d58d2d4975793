//! One event loop's place at the gate: it names the LSNs it waits for and is called back once.

use std::sync::Arc;

use kv_core::Lsn;

use super::CommitGate;
use crate::Durability;
use crate::primitives::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};

/// Nothing is waited for.
const DISARMED: u64 = u64::MAX;

/// What [`Subscription::arm`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Armed {
    /// The callback will come.
    Pending,
    /// The watermark is there already, or the log failed: look now; the callback may not come.
    Reached,
}

/// An event loop's registration at a [`CommitGate`], ended when it is dropped.
pub struct Subscription {
    gate: Arc<CommitGate>,
    subscriber: Arc<Subscriber>,
}

impl Subscription {
    pub(super) fn new(gate: Arc<CommitGate>, subscriber: Arc<Subscriber>) -> Self {
        Self { gate, subscriber }
    }

    /// Asks for one callback as soon as the watermark of `policy` has reached `lsn`, or the log has failed.
    /// Of several calls for one watermark the lowest counts; after a callback the next must be asked for
    /// again. A callback without a reason is possible: look at the gate, not at the call.
    pub fn arm(&self, policy: Durability, lsn: Lsn) -> Armed {
        let armed = self.subscriber.mark(policy);
        armed.fetch_min(lsn.0, SeqCst);
        if self.gate.reached(lsn, policy) {
            armed.store(DISARMED, SeqCst);
            return Armed::Reached;
        }
        self.gate.ask_sync(lsn, policy);
        Armed::Pending
    }

    /// As [`Subscription::arm`], without the look that makes it right.
    #[cfg(all(test, kv_shuttle))]
    pub(super) fn arm_unlooked(&self, policy: Durability, lsn: Lsn) {
        self.subscriber.mark(policy).fetch_min(lsn.0, SeqCst);
    }

    /// Asks for one callback as soon as the log, which has refused a write, may accept one again, or has
    /// failed. Try the write once more after this call and before waiting.
    pub fn arm_admission(&self) {
        self.subscriber.admission.store(true, SeqCst);
    }

    /// The gate that this is a place at.
    #[must_use]
    pub fn gate(&self) -> &Arc<CommitGate> {
        &self.gate
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.gate
            .subscribers()
            .retain(|subscriber| !Arc::ptr_eq(subscriber, &self.subscriber));
    }
}

pub(super) struct Subscriber {
    /// The lowest LSN waited for, by watermark; [`DISARMED`] for none.
    written: AtomicU64,
    durable: AtomicU64,
    admission: AtomicBool,
    callback: Box<dyn Fn() + Send + Sync>,
}

impl Subscriber {
    pub(super) fn new(callback: Box<dyn Fn() + Send + Sync>) -> Self {
        Self {
            written: AtomicU64::new(DISARMED),
            durable: AtomicU64::new(DISARMED),
            admission: AtomicBool::new(false),
            callback,
        }
    }

    fn mark(&self, policy: Durability) -> &AtomicU64 {
        match policy {
            Durability::Always => &self.durable,
            Durability::EverySec | Durability::No => &self.written,
        }
    }

    /// Calls back if the watermark of `policy`, now at `mark`, has reached what is waited for.
    pub(super) fn release(&self, policy: Durability, mark: Lsn) {
        let armed = self.mark(policy);
        // The swap decides who acts when `arm` finds the mark reached at the same moment.
        if armed.load(SeqCst) <= mark.0 && armed.swap(DISARMED, SeqCst) != DISARMED {
            (self.callback)();
        }
    }

    /// Calls back if a refused write waits.
    pub(super) fn release_admission(&self) {
        if self.admission.load(SeqCst) && self.admission.swap(false, SeqCst) {
            (self.callback)();
        }
    }

    /// Calls back whoever waits for anything.
    pub(super) fn release_all(&self) {
        self.written.store(DISARMED, SeqCst);
        self.durable.store(DISARMED, SeqCst);
        self.admission.store(false, SeqCst);
        (self.callback)();
    }
}
