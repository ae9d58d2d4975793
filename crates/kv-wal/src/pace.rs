//! Under `everysec`: how old the oldest byte is that was acknowledged and is not yet on stable storage.
//!
//! Invariant: every acknowledged byte that no finished sync covers is at most as old as [`Pace::age`] says.

use std::time::Duration;

use crate::primitives::Instant;
use crate::primitives::atomic::{AtomicU64, Ordering::SeqCst};

/// Bytes older than this hold up new acknowledgements until a sync has finished.
const UNSYNCED_AGE_MAX: Duration = Duration::from_secs(2);

/// How often the log is synced.
pub(crate) const SYNC_INTERVAL: Duration = Duration::from_secs(1);

/// No byte waits.
const NONE: u64 = 0;

/// The ages of what waits to be synced.
pub(crate) struct Pace {
    begun: Instant,
    /// When the oldest byte was written that no sync has begun to cover, in milliseconds from `begun`, plus 1.
    unsynced_since: AtomicU64,
    /// The same for the sync that is under way.
    syncing_since: AtomicU64,
}

impl Pace {
    pub(crate) fn new() -> Self {
        Self {
            begun: Instant::now(),
            unsynced_since: AtomicU64::new(NONE),
            syncing_since: AtomicU64::new(NONE),
        }
    }

    /// Bytes were written, and will be acknowledged after this; whether they are the first since the last
    /// sync began.
    pub(crate) fn wrote(&self) -> bool {
        // If a sync clears this right after the look, it has not begun yet and covers these bytes too.
        if self.unsynced_since.load(SeqCst) != NONE {
            return false;
        }
        self.unsynced_since.store(self.now(), SeqCst);
        true
    }

    /// A sync is about to begin.
    pub(crate) fn sync_begins(&self) {
        self.syncing_since
            .store(self.unsynced_since.load(SeqCst), SeqCst);
        self.unsynced_since.store(NONE, SeqCst);
    }

    /// The sync has succeeded.
    pub(crate) fn sync_done(&self) {
        self.syncing_since.store(NONE, SeqCst);
    }

    /// Whether acknowledged bytes have waited for a sync for too long.
    pub(crate) fn is_overdue(&self) -> bool {
        self.age() > UNSYNCED_AGE_MAX
    }

    fn age(&self) -> Duration {
        // In this order: a byte moves from the first to the second.
        let since = [&self.unsynced_since, &self.syncing_since]
            .map(|since| since.load(SeqCst))
            .into_iter()
            .filter(|&since| since != NONE)
            .min();
        since.map_or(Duration::ZERO, |since| {
            Duration::from_millis(self.now().saturating_sub(since))
        })
    }

    fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).map_or(u64::MAX, |millis| millis + 1)
    }
}
