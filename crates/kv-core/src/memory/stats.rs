//! What a [`MemoryStore`] counts, for whoever watches it.

use std::ops::Deref;
use std::sync::MutexGuard;

use super::MemoryStore;
use super::raw::EntryRef;
use super::stripe::Stripe;
use crate::{Db, UnixMillis, View};

/// Counts since the store was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryStats {
    /// Looks by read transactions that found a key.
    pub hits: u64,
    /// Looks by read transactions that found none.
    pub misses: u64,
    /// Keys removed because they had expired.
    pub expired: u64,
    /// Keys removed to make room.
    pub evicted: u64,
    /// Fields of hashes that a sweep removed because they had expired, or that were given a time which had come.
    pub expired_fields: u64,
}

impl MemoryStats {
    /// What was counted since `earlier`.
    #[must_use]
    pub fn since(self, earlier: &Self) -> Self {
        Self {
            hits: self.hits.saturating_sub(earlier.hits),
            misses: self.misses.saturating_sub(earlier.misses),
            expired: self.expired.saturating_sub(earlier.expired),
            evicted: self.evicted.saturating_sub(earlier.evicted),
            expired_fields: self.expired_fields.saturating_sub(earlier.expired_fields),
        }
    }
}

/// What one database holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keyspace {
    /// Keys, expired ones that are not yet removed included.
    pub keys: u64,
    /// Those of them that have an expiry.
    pub expiring: u64,
    /// Hashes that have fields with an expiry.
    pub with_expiring_fields: u64,
    /// Keys that the tables have room for as they are, those that are there included.
    pub room: u64,
    /// Mean time to live of a sample of those that have an expiry, in milliseconds.
    pub mean_ttl_ms: Option<u64>,
}

/// How many times to live are sampled for a mean.
const TTL_SAMPLES: u64 = 64;

impl MemoryStore {
    /// Counts since the store was made.
    #[must_use]
    pub fn stats(&self) -> MemoryStats {
        stats_of(self.each_stripe())
    }

    /// About how many bytes of heap the keys, values and tables take: as they were asked for, so without
    /// what the allocator adds.
    #[must_use]
    pub fn memory_used(&self) -> usize {
        memory_used_of(self.each_stripe())
    }

    /// Lets [`MemoryStore::memory_counted`] say, from now on, what [`MemoryStore::memory_used`] finds out: each change
    /// costs a little more then. To be called again from time to time, for it puts right what changes that were made
    /// during a call have made wrong.
    pub fn count_memory(&self) {
        self.totals.sum_bytes();
    }

    /// The end of [`MemoryStore::count_memory`].
    pub fn stop_counting_memory(&self) {
        self.totals.forget_bytes();
    }

    /// Nearly [`MemoryStore::memory_used`], at the cost of a load, while memory is counted.
    #[must_use]
    #[inline]
    pub fn memory_counted(&self) -> usize {
        usize::try_from(self.totals.bytes()).unwrap_or(0)
    }

    /// What `db` holds; `now` is what the sample of times to live counts from.
    ///
    /// # Panics
    ///
    /// When the store has no such database.
    #[must_use]
    pub fn keyspace(&self, db: Db, now: UnixMillis) -> Keyspace {
        self.check_database(db);
        keyspace_of(self.each_stripe(), db, now)
    }

    /// The stripes, each locked in its turn.
    fn each_stripe(&self) -> impl Iterator<Item = MutexGuard<'_, Stripe>> {
        (0..=self.last_stripe()).map(|number| self.lock(number))
    }
}

/// The same from within a transaction on [`KeySet::All`](crate::KeySet::All), which sees its own changes. Each
/// panics in any other.
impl View<'_> {
    /// As [`MemoryStore::stats`].
    #[must_use]
    pub fn stats(&self) -> MemoryStats {
        stats_of(self.access.all_stripes())
    }

    /// As [`MemoryStore::memory_used`].
    #[must_use]
    pub fn memory_used(&self) -> usize {
        memory_used_of(self.access.all_stripes())
    }

    /// As [`MemoryStore::keyspace`], of the present database and time.
    #[must_use]
    pub fn keyspace(&mut self) -> Keyspace {
        self.seen = self.seen.max(self.access.newest());
        keyspace_of(self.access.all_stripes(), self.at.db, self.at.now)
    }

    /// How many keys the present database has, expired ones that are not yet removed included.
    #[must_use]
    pub fn len(&mut self) -> u64 {
        self.seen = self.seen.max(self.access.newest());
        let db = self.at.db;
        let tables = self.access.all_stripes();
        let tables = tables.filter_map(|stripe| stripe.existing_table(db));
        tables.map(|table| table.len() as u64).sum()
    }

    /// Whether [`View::len`] is 0.
    #[must_use]
    pub fn is_empty(&mut self) -> bool {
        self.len() == 0
    }
}

fn stats_of(stripes: impl Iterator<Item = impl Deref<Target = Stripe>>) -> MemoryStats {
    let mut sum = MemoryStats::default();
    for stripe in stripes {
        sum.hits += stripe.stats.hits;
        sum.misses += stripe.stats.misses;
        sum.expired_fields += stripe.stats.expired_fields;
        sum.expired += stripe.stats.expired;
        sum.evicted += stripe.stats.evicted;
    }
    sum
}

fn memory_used_of(stripes: impl Iterator<Item = impl Deref<Target = Stripe>>) -> usize {
    stripes
        .map(|stripe| {
            let tables = stripe.tables();
            tables.map(|(_, table)| table.heap_bytes()).sum::<usize>()
        })
        .sum()
}

fn keyspace_of(
    stripes: impl Iterator<Item = impl Deref<Target = Stripe>>,
    db: Db,
    now: UnixMillis,
) -> Keyspace {
    let mut keyspace = Keyspace::default();
    let mut sample = TtlSample {
        now,
        sum_ms: 0,
        count: 0,
    };
    for stripe in stripes {
        let Some(table) = stripe.existing_table(db) else {
            continue;
        };
        keyspace.keys += table.len() as u64;
        keyspace.room += table.room() as u64;
        keyspace.expiring += table.expiries.count() as u64;
        keyspace.with_expiring_fields += table.expiries.with_fields() as u64;
        if table.expiries.count() > 0 && sample.count < TTL_SAMPLES {
            table.sample(|entry| sample.add(entry));
        }
    }
    keyspace.mean_ttl_ms = sample.sum_ms.checked_div(sample.count);
    keyspace
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
