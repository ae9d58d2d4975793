//! What replies wait for unless their connection has chosen: the log's own policy, until `CONFIG SET` names
//! another.
//!
//! Invariant: a reply waits by the policy that held when its request ended; a later change takes nothing from it.
//! Invariant: a reply that waits by `always` shows nothing that a power loss takes, though it was written under
//! a weaker policy before the change.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::SeqCst};

use kv_core::Lsn;
use kv_wal::Durability;

/// The policy of every connection that has chosen none.
#[derive(Debug)]
pub(crate) struct Promise {
    /// Its place in [`Durability::ALL`].
    policy: AtomicU8,
    /// The newest change when the policy last became `always`: reads of older ones do not tell of them.
    untold: AtomicU64,
}

impl Promise {
    pub(super) fn new(policy: Durability) -> Self {
        Self {
            policy: AtomicU8::new(place(policy)),
            untold: AtomicU64::new(0),
        }
    }

    /// The policy.
    pub(crate) fn policy(&self) -> Durability {
        let place = self.policy.load(SeqCst);
        let policy = Durability::ALL.get(usize::from(place));
        policy.copied().unwrap_or_default()
    }

    /// What a reply of which its request says that it shows changes up to `lsn` waits for.
    pub(crate) fn depends_on(&self, lsn: Lsn) -> (Lsn, Durability) {
        let policy = self.policy();
        match policy {
            Durability::Always => (lsn.max(Lsn(self.untold.load(SeqCst))), policy),
            Durability::EverySec | Durability::No => (lsn, policy),
        }
    }

    /// From now on it is `policy`. Before that becomes `always`, the store must tell of what is not durable, and
    /// `newest` is the newest change after that.
    pub(super) fn change(&self, policy: Durability, newest: Lsn) {
        // In this order: who sees the policy sees what must be waited for with it.
        self.untold.fetch_max(newest.0, SeqCst);
        self.policy.store(place(policy), SeqCst);
    }
}

fn place(policy: Durability) -> u8 {
    match policy {
        Durability::Always => 0,
        Durability::EverySec => 1,
        Durability::No => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_policy_is_found_at_its_place() {
        for policy in Durability::ALL {
            assert_eq!(Promise::new(policy).policy(), policy);
        }
    }

    #[test]
    fn what_was_written_with_less_care_is_waited_for_under_always_only() {
        let promise = Promise::new(Durability::EverySec);
        assert_eq!(promise.depends_on(Lsn(3)), (Lsn(3), Durability::EverySec));
        promise.change(Durability::Always, Lsn(9));
        assert_eq!(promise.depends_on(Lsn(3)), (Lsn(9), Durability::Always));
        assert_eq!(promise.depends_on(Lsn(10)), (Lsn(10), Durability::Always));
        promise.change(Durability::No, Lsn(11));
        assert_eq!(promise.depends_on(Lsn(3)), (Lsn(3), Durability::No));
    }
}
