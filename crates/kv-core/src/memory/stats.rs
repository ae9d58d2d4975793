//! What a [`MemoryStore`] counts, for whoever watches it.

use super::MemoryStore;
use super::raw::EntryRef;
use crate::{Db, UnixMillis};

/// Counts since the store was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryStats {
    /// Looks by read transactions that found a key.
    pub hits: u64,
    /// Looks by read transactions that found none.
    pub misses: u64,
    /// Keys removed because they had expired.
    pub expired: u64,
    /// Fields of hashes removed because they had expired, while others stayed.
    pub expired_fields: u64,
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

/// How many times to live are sampled for a mean.
const TTL_SAMPLES: u64 = 64;

impl MemoryStore {
    /// Counts since the store was made.
    #[must_use]
    pub fn stats(&self) -> MemoryStats {
        let mut sum = MemoryStats::default();
        for stripe in 0..=self.last_stripe() {
            let stats = self.lock(stripe).stats;
            sum.hits += stats.hits;
            sum.misses += stats.misses;
            sum.expired += stats.expired;
            sum.expired_fields += stats.expired_fields;
        }
        sum
    }

    /// About how many bytes of heap the keys, values and tables take: as they were asked for, so without
    /// what the allocator adds.
    #[must_use]
    pub fn memory_used(&self) -> usize {
        let of_stripe = |stripe| -> usize {
            let stripe = self.lock(stripe);
            stripe.tables().map(|(_, table)| table.heap_bytes()).sum()
        };
        (0..=self.last_stripe()).map(of_stripe).sum()
    }

    /// What `db` holds; `now` is what the sample of times to live counts from.
    ///
    /// # Panics
    ///
    /// When the store has no such database.
    #[must_use]
    pub fn keyspace(&self, db: Db, now: UnixMillis) -> Keyspace {
        self.check_database(db);
        let mut keyspace = Keyspace::default();
        let mut sample = TtlSample {
            now,
            sum_ms: 0,
            count: 0,
        };
        for stripe in 0..=self.last_stripe() {
            let stripe = self.lock(stripe);
            let Some(table) = stripe.existing_table(db) else {
                continue;
            };
            keyspace.keys += table.len() as u64;
            keyspace.expiring += table.expiries.count() as u64;
            if table.expiries.count() > 0 && sample.count < TTL_SAMPLES {
                table.sample(|entry| sample.add(entry));
            }
        }
        keyspace.mean_ttl_ms = sample.sum_ms.checked_div(sample.count);
        keyspace
    }
}

struct TtlSample {
    now: UnixMillis,
    sum_ms: u64,
    count: u64,
}

impl TtlSample {
    fn add(&mut self, entry: EntryRef<'_>) {
        let Some(expires) = entry.expires() else {
            return;
        };
        let left = expires.0.saturating_sub(self.now.0);
        if let Ok(left) = u64::try_from(left) {
            self.sum_ms = self.sum_ms.saturating_add(left);
            self.count += 1;
        }
    }
}
