//! Expiry: which keys have had their time, and the sweep that removes them.
//!
//! A key with an expiry takes 8 bytes more in its entry and nothing else: no list, no heap. Fields of hashes that
//! expire are sorted in their hash, so it knows the first; hashes that have some are counted. Each table keeps
//! a lower bound of its expiries, each stripe publishes its tables' lowest, and a sweep passes over stripes
//! whose bound lies in the future without locking them. A bound may be too low (the key it came from was
//! deleted); a walk of the whole table makes it exact again.
//!
//! Invariant: no table holds an expiry below its bound.
//! Invariant: an expired key is removed by a transaction, so the log knows.

use std::cell::Cell;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, TryLockError};

use super::place::Place;
use super::table::Table;
use super::{Access, MemoryStore};
use crate::txn::Counting;
use crate::{At, ExpireSweep, Refusal, Size, Txn, UnixMillis};

/// The bound of a table without expiries.
pub(crate) const NEVER: UnixMillis = UnixMillis(i64::MAX);

/// Keys with an expiry that a sweep looks at while it holds a stripe's lock.
const SLICE_KEYS: usize = 64;

/// Buckets that a sweep looks at while it holds a stripe's lock.
const SLICE_BUCKETS: usize = 256;

/// What a table knows about its expiries.
#[derive(Debug)]
pub(crate) struct Expiries {
    /// How many entries have one.
    count: usize,
    /// How many entries have fields with one.
    with_fields: usize,
    /// A lower bound of them all.
    bound: UnixMillis,
    /// How far the walk has come that makes the bound exact.
    walked: Place,
    /// The bound when that walk ends: the least of what it saw and of what was set since it began.
    walked_bound: UnixMillis,
}

impl Default for Expiries {
    fn default() -> Self {
        Self {
            count: 0,
            with_fields: 0,
            bound: NEVER,
            walked: Place::START,
            walked_bound: NEVER,
        }
    }
}

impl Expiries {
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// How many entries have fields with an expiry.
    pub(crate) fn with_fields(&self) -> usize {
        self.with_fields
    }

    pub(crate) fn bound(&self) -> UnixMillis {
        self.bound
    }

    /// An entry's expiries changed; no entry has none.
    pub(crate) fn changed(&mut self, old: Dues, new: Dues) {
        let changed = |count: usize, old: Option<_>, new: Option<_>| {
            count + usize::from(new.is_some()) - usize::from(old.is_some())
        };
        self.count = changed(self.count, old.key, new.key);
        self.with_fields = changed(self.with_fields, old.fields, new.fields);
        if self.count == 0 && self.with_fields == 0 {
            *self = Self::default();
        } else if let Some(first) = new.first() {
            self.lower_to(first);
        }
    }

    fn lower_to(&mut self, bound: UnixMillis) {
        self.bound = self.bound.min(bound);
        self.walked_bound = self.walked_bound.min(bound);
    }
}

/// When an entry is due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Dues {
    /// The key's expiry.
    pub(crate) key: Option<UnixMillis>,
    /// The first expiry of a field.
    pub(crate) fields: Option<UnixMillis>,
}

impl Dues {
    fn first(self) -> Option<UnixMillis> {
        match (self.key, self.fields) {
            (Some(key), Some(fields)) => Some(key.min(fields)),
            (key, fields) => key.or(fields),
        }
    }
}

/// What a slice of a walk found in one table.
#[derive(Default)]
struct Slice {
    looked_at: usize,
    due: Vec<Box<[u8]>>,
    /// Whether the walk came to its end.
    ended: bool,
}

impl Table {
    /// Goes on with the walk for about `keys` keys with an expiry. What is due must be gone before
    /// [`Table::end_walk`].
    fn walk_expiries(&mut self, now: UnixMillis, keys: usize) -> Slice {
        let mut slice = Slice::default();
        let mut bound = NEVER;
        let looked_at = Cell::new(0);
        let some_have_fields = self.expiries.with_fields > 0;
        let mut buckets = 0;
        let next = self.walk(
            self.expiries.walked,
            |slot| {
                // The slot's own flag: most walks touch few entries.
                if !slot.expires() && !some_have_fields {
                    return;
                }
                let entry = slot.entry();
                let Some(first) = entry.dues().first() else {
                    return;
                };
                looked_at.set(looked_at.get() + 1);
                if first > now {
                    bound = bound.min(first);
                } else {
                    slice.due.push(entry.key().into());
                }
            },
            || {
                buckets += 1;
                looked_at.get() >= keys || buckets >= SLICE_BUCKETS
            },
        );
        slice.looked_at = looked_at.get();
        slice.ended = next.is_none();
        self.expiries.walked = next.unwrap_or(Place::START);
        self.expiries.walked_bound = self.expiries.walked_bound.min(bound);
        slice
    }

    /// The walk came to its end: its bound is the bound.
    fn end_walk(&mut self) {
        self.expiries.bound = std::mem::replace(&mut self.expiries.walked_bound, NEVER);
    }
}

/// Where the sweeps of a store are.
#[derive(Debug, Default)]
pub(crate) struct Sweeper {
    /// The stripe that the next sweep begins with; held by the sweep that is under way.
    next: Mutex<u32>,
    /// One more than the number of a stripe where a read met an expired key; 0: none.
    met: AtomicU32,
}

impl Sweeper {
    /// A read met an expired key in this stripe: the next sweep takes it first.
    pub(crate) fn met_expired(&self, stripe: u32) {
        self.met.store(stripe + 1, Ordering::Relaxed);
    }

    fn take_met(&self) -> Option<u32> {
        self.met.swap(0, Ordering::Relaxed).checked_sub(1)
    }
}

impl MemoryStore {
    /// As [`Store::expire_due`](crate::Store::expire_due). While one thread sweeps, another one's call does
    /// nothing.
    pub(super) fn sweep(&self, now: UnixMillis, budget_keys: usize) -> ExpireSweep {
        // A bound of `NEVER` is never due, whatever the clock says.
        let now = now.min(UnixMillis(NEVER.0 - 1));
        let mut sweep = ExpireSweep::default();
        let mut next = match self.sweeper.next.try_lock() {
            Ok(next) => next,
            Err(TryLockError::Poisoned(next)) => next.into_inner(),
            Err(TryLockError::WouldBlock) => return sweep,
        };
        if let Some(stripe) = self.sweeper.take_met() {
            self.sweep_stripe(stripe, now, budget_keys, &mut sweep);
        }
        for _ in 0..self.stripes.len() {
            if sweep.more {
                break;
            }
            self.sweep_stripe(*next, now, budget_keys, &mut sweep);
            if !sweep.more {
                *next = (*next + 1) & self.last_stripe();
            }
        }
        sweep
    }

    /// Removes what is due in one stripe, or sets `more` when the budget or the log does not allow it.
    fn sweep_stripe(
        &self,
        stripe: u32,
        now: UnixMillis,
        budget_keys: usize,
        sweep: &mut ExpireSweep,
    ) {
        while self.totals.due(stripe) <= now {
            let keys = budget_keys.saturating_sub(sweep.looked_at);
            if keys == 0 || self.sweep_slice(stripe, now, keys, sweep).is_err() {
                sweep.more = true;
                return;
            }
        }
    }

    /// One transaction of a sweep: walks on in the first table of the stripe that may have something due.
    fn sweep_slice(
        &self,
        stripe: u32,
        now: UnixMillis,
        keys: usize,
        sweep: &mut ExpireSweep,
    ) -> Result<(), Refusal> {
        self.admit(Size::Unknown)?;
        let mut access = Access::lock_stripe(self, stripe);
        let Some(db) = access.the_stripe().due_db(now) else {
            access.publish_due();
            return Ok(());
        };
        let at = At { db, now };
        let swept = self.transact(at, access, Size::Unknown, |txn| {
            let slice = txn.swept_table().walk_expiries(now, keys.min(SLICE_KEYS));
            sweep.looked_at += slice.looked_at;
            for key in &slice.due {
                match txn.delete_expired(key, Counting::KeysAndFields) {
                    None => sweep.removed += 1,
                    // Each counts as much as a key: it takes as long.
                    Some(fields) => {
                        sweep.looked_at += fields;
                        sweep.removed_fields += fields;
                    }
                }
            }
            if slice.ended {
                txn.swept_table().end_walk();
            }
            txn.view.access.publish_due();
        });
        swept.map(|((), _)| ())
    }
}

impl Txn<'_> {
    fn swept_table(&mut self) -> &mut Table {
        let db = self.view.at.db;
        self.view.access.the_stripe().table(db)
    }
}

#[cfg(test)]
mod field_tests;

#[cfg(test)]
mod tests {
    use crate::{
        At, Db, ExpireSweep, KeySet, MemoryOptions, MemoryStore, Store, StringValue, UnixMillis,
    };

    fn store(stripes: usize) -> MemoryStore {
        MemoryStore::new(MemoryOptions {
            stripes,
            ..MemoryOptions::default()
        })
    }

    fn set(store: &MemoryStore, db: u16, key: u32, expires: Option<i64>) {
        let at = At {
            db: Db(db),
            now: UnixMillis(0),
        };
        let key = key.to_le_bytes();
        let written = store.write_with(at, KeySet::One(&key), |txn| {
            txn.set_string(&key, StringValue::new(b"v"), expires.map(UnixMillis));
        });
        written.expect("no refusal");
    }

    #[test]
    fn stripes_without_anything_due_are_not_looked_at() {
        let store = store(8);
        for key in 0..100 {
            set(&store, 0, key, None);
            set(&store, 1, key + 500, Some(10_000));
        }
        assert_eq!(
            store.expire_due(UnixMillis(9_999), 100),
            ExpireSweep::default()
        );
        // The bound of one stripe only is reached.
        set(&store, 0, 1_000, Some(5_000));
        let sweep = store.expire_due(UnixMillis(5_000), 1_000);
        assert_eq!((sweep.removed, sweep.more), (1, false));
        assert!(sweep.looked_at < 60);
        // And it is exact again.
        assert_eq!(
            store.expire_due(UnixMillis(9_999), 100),
            ExpireSweep::default()
        );
    }

    #[test]
    fn a_sweep_that_is_interrupted_misses_nothing_set_meanwhile() {
        let store = store(1);
        for key in 0..400 {
            set(&store, 0, key, Some(1_000 + i64::from(key % 7)));
        }
        let mut removed = 0;
        for round in 0..2_000u32 {
            let sweep = store.expire_due(UnixMillis(2_000), 5);
            removed += sweep.removed;
            if round < 50 {
                set(&store, 0, 10_000 + round, Some(1_500));
            } else if !sweep.more {
                break;
            }
        }
        assert_eq!(removed, 450);
        assert_eq!(Store::len(&store, Db(0)), 0);
        assert_eq!(store.stats().expired, 450);
        assert_eq!(store.memory_used(), 0);
    }

    #[test]
    fn the_end_of_time_ends_a_sweep_too() {
        let store = store(2);
        set(&store, 0, 1, None);
        set(&store, 0, 2, Some(i64::MAX));
        set(&store, 0, 3, Some(i64::MAX - 1));
        let sweep = store.expire_due(UnixMillis(i64::MAX), 100);
        assert_eq!((sweep.removed, sweep.more), (1, false));
        assert_eq!(Store::len(&store, Db(0)), 2);
    }

    #[test]
    fn every_database_is_swept() {
        let store = store(2);
        for db in 0..16 {
            set(&store, db, 7, Some(100 + i64::from(db)));
        }
        assert_eq!(store.expire_due(UnixMillis(107), 1_000).removed, 8);
        assert_eq!(store.expire_due(UnixMillis(200), 1_000).removed, 8);
    }

    #[test]
    fn the_stripe_where_a_read_met_an_expired_key_goes_first() {
        // So few keys that no stripe has more than one bucket.
        let store = store(1024);
        for key in 0..50 {
            set(&store, 0, key, Some(100));
        }
        let at = At {
            db: Db(0),
            now: UnixMillis(100),
        };
        for met in [17u32, 3, 42] {
            let met = met.to_le_bytes();
            let (there, _) = store.read_with(at, KeySet::One(&met), |view| view.exists(&met));
            assert!(!there);
            assert!(store.expire_due(UnixMillis(100), 1).more);
            store.for_each(&mut |item| assert_ne!(item.key, met));
        }
        assert!(Store::len(&store, Db(0)) > 30);
    }

    #[test]
    fn looks_of_readers_are_counted() {
        let store = store(4);
        set(&store, 0, 1, None);
        set(&store, 0, 2, Some(50));
        let at = At {
            db: Db(0),
            now: UnixMillis(60),
        };
        for key in [1u32, 2, 3] {
            let key = key.to_le_bytes();
            store.read_with(at, KeySet::One(&key), |view| view.exists(&key));
        }
        let stats = store.stats();
        assert_eq!((stats.hits, stats.misses, stats.expired), (1, 2, 0));
        let keyspace = store.keyspace(Db(0), UnixMillis(20));
        assert_eq!((keyspace.keys, keyspace.expiring), (2, 1));
        assert_eq!(keyspace.mean_ttl_ms, Some(30));
    }
}
