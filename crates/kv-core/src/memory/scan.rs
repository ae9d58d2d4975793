//! Walking a database in hash order, a few keys at a time.

use super::MemoryStore;
use super::place::{Place, Spot};
use super::stripe::{Stripe, item};
use crate::{At, Cursor, Item, ValueRef, View};

/// Buckets without what is looked for that one call passes over, for each key asked for.
const BUCKETS_PER_KEY: usize = 10;

impl MemoryStore {
    /// Shows about `count` keys of the database from `cursor` on, and returns where to go on;
    /// [`Cursor::START`] when there are no more. What has expired is not shown.
    ///
    /// Every key that is there from the first call to the last is shown exactly once, whatever other keys come
    /// and go. A cursor is good for the life of the store; one that this store never gave shows nothing or
    /// begins somewhere.
    ///
    /// `show` runs while a stripe is locked: it must not call the store.
    ///
    /// # Panics
    ///
    /// When the store has no such database.
    pub fn scan_at(
        &self,
        at: At,
        cursor: Cursor,
        count: usize,
        show: &mut dyn FnMut(&Item<'_>),
    ) -> Cursor {
        self.check_database(at.db);
        let look = |number, look: &mut dyn FnMut(&Stripe)| look(&self.lock(number));
        scan_stripes(at, cursor, count, self.last_stripe(), show, look)
    }
}

impl MemoryStore {
    /// The cursor from which a scan begins at `point` of the hash order, where 0 is its start and [`u64::MAX`] its
    /// end: of a number drawn by lot, a place drawn by lot.
    #[must_use]
    pub fn cursor_at(&self, point: u64) -> Cursor {
        let bits = self.stripes.len().trailing_zeros() + Place::BITS;
        Cursor(point >> (u64::BITS - bits))
    }
}

impl View<'_> {
    /// As [`MemoryStore::scan_at`], of the present database and time, from within a transaction on
    /// [`KeySet::All`](crate::KeySet::All), which sees its own changes.
    ///
    /// # Panics
    ///
    /// In any other transaction.
    pub fn scan(
        &mut self,
        cursor: Cursor,
        count: usize,
        show: &mut dyn FnMut(&Item<'_>),
    ) -> Cursor {
        self.seen = self.seen.max(self.access.newest());
        let stripes: Vec<&Stripe> = self.access.all_stripes().collect();
        let last = u32::try_from(stripes.len() - 1).unwrap_or(u32::MAX);
        let look = |number: u32, look: &mut dyn FnMut(&Stripe)| look(stripes[number as usize]);
        scan_stripes(self.at, cursor, count, last, show, look)
    }
}

/// Scans the stripes up to `last`, each of which `look` shows.
fn scan_stripes(
    at: At,
    cursor: Cursor,
    count: usize,
    last: u32,
    show: &mut dyn FnMut(&Item<'_>),
    look: impl Fn(u32, &mut dyn FnMut(&Stripe)),
) -> Cursor {
    let Some(mut spot) = Spot::of_cursor(cursor) else {
        return Cursor::START;
    };
    let mut wanted = count.max(1);
    let mut buckets = wanted.saturating_mul(BUCKETS_PER_KEY);
    while spot.stripe <= last {
        let mut next = None;
        look(spot.stripe, &mut |stripe| {
            next = scan_stripe(stripe, at, spot, &mut wanted, &mut buckets, show);
        });
        spot = next.unwrap_or_else(|| Spot::start_of(spot.stripe + 1));
        if wanted == 0 || buckets == 0 {
            break;
        }
    }
    if spot.stripe <= last {
        spot.cursor()
    } else {
        Cursor::START
    }
}

/// Shows what one stripe has from `spot` on, taking what is shown off `wanted` and the buckets it passes
/// off `buckets`. Returns where to go on in this stripe.
fn scan_stripe(
    stripe: &Stripe,
    at: At,
    spot: Spot,
    wanted: &mut usize,
    buckets: &mut usize,
    show: &mut dyn FnMut(&Item<'_>),
) -> Option<Spot> {
    let table = stripe.existing_table(at.db)?;
    let wanted = std::cell::Cell::from_mut(wanted);
    let next = table.walk(
        spot.place,
        |slot| {
            let mut item = item(at.db, slot.entry());
            item.value = item.value.at_time(at.now);
            let all_expired = matches!(item.value, ValueRef::Hash(hash) if hash.is_empty());
            if item.expires.is_none_or(|expires| expires > at.now) && !all_expired {
                show(&item);
                wanted.set(wanted.get().saturating_sub(1));
            }
        },
        || {
            *buckets -= 1;
            wanted.get() == 0 || *buckets == 0
        },
    );
    next.map(|place| Spot { place, ..spot })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use crate::{
        At, Cursor, Db, KeySet, KeyValue, MemoryOptions, MemoryStore, StringValue, UnixMillis,
    };

    /// Few where an interpreter runs the tests.
    const KEYS: u32 = if cfg!(miri) { 40 } else { 300 };

    const AT: At = At {
        db: Db(3),
        now: UnixMillis(1_000),
    };

    #[test]
    fn a_scan_within_a_transaction_sees_its_changes() {
        let store = MemoryStore::new(MemoryOptions::default());
        for key in 0..KEYS {
            set(&store, &key.to_le_bytes(), None);
        }
        let written = store.write_with(AT, KeySet::All, |txn| {
            txn.delete(&0u32.to_le_bytes());
            txn.set_string(&KEYS.to_le_bytes(), StringValue::new(b"v"), None);
            let (mut seen, mut cursor) = (0, Cursor::START);
            loop {
                cursor = txn.scan(cursor, 7, &mut |item| {
                    assert_ne!(item.key, 0u32.to_le_bytes());
                    seen += 1;
                });
                if cursor == Cursor::START {
                    break;
                }
            }
            (seen, txn.len())
        });
        let ((seen, len), _) = written.expect("no refusal");
        assert_eq!((seen, len), (KEYS, u64::from(KEYS)));
    }

    fn set(store: &MemoryStore, key: &[u8], expires: Option<i64>) {
        let written = store.write_with(AT, KeySet::One(key), |txn| {
            txn.set_string(key, StringValue::new(key), expires.map(UnixMillis));
        });
        written.expect("no refusal");
    }

    /// How often each key is shown, calling `between` after each call.
    fn scan(
        store: &MemoryStore,
        at: At,
        count: usize,
        mut between: impl FnMut(),
    ) -> BTreeMap<Vec<u8>, u32> {
        let mut seen = BTreeMap::new();
        let mut cursor = Cursor::START;
        loop {
            let mut shown = 0;
            cursor = store.scan_at(at, cursor, count, &mut |item| {
                shown += 1;
                *seen.entry(item.key.to_vec()).or_default() += 1;
            });
            assert!(
                shown <= count + 20,
                "{shown} keys where {count} were asked for"
            );
            if cursor == Cursor::START {
                return seen;
            }
            between();
        }
    }

    #[test]
    fn every_key_is_shown_exactly_once() {
        for stripes in [1, 8, if cfg!(miri) { 16 } else { 1024 }] {
            let store = MemoryStore::new(MemoryOptions {
                stripes,
                ..MemoryOptions::default()
            });
            for key in 0..KEYS {
                set(&store, &key.to_le_bytes(), None);
            }
            for count in [1, 10, 1_000] {
                let seen = scan(&store, AT, count, || {});
                assert_eq!(seen.len(), KEYS as usize);
                assert!(seen.values().all(|times| *times == 1));
            }
            let elsewhere = At { db: Db(2), ..AT };
            assert!(scan(&store, elsewhere, 10, || {}).is_empty());
        }
    }

    #[test]
    fn few_keys_come_in_one_call() {
        let store = MemoryStore::new(MemoryOptions::default());
        for key in 0..5u32 {
            set(&store, &key.to_le_bytes(), None);
        }
        let mut shown = 0;
        let next = store.scan_at(AT, Cursor::START, 10, &mut |_| shown += 1);
        assert_eq!((next, shown), (Cursor::START, 5));
    }

    #[test]
    fn keys_that_stay_are_shown_once_while_tables_grow_and_shrink() {
        let store = MemoryStore::new(MemoryOptions {
            stripes: 2,
            ..MemoryOptions::default()
        });
        for key in 0..KEYS {
            set(&store, &key.to_le_bytes(), None);
        }
        let mut round = 0;
        let seen = scan(&store, AT, 3, || {
            round += 1;
            for key in 1_000..1_000 + 2 * KEYS {
                let key = key.to_le_bytes();
                if round % 2 == 1 {
                    set(&store, &key, None);
                } else {
                    let deleted = store.write_with(AT, KeySet::One(&key), |txn| txn.delete(&key));
                    assert!(deleted.expect("no refusal").0);
                }
            }
        });
        for key in 0..KEYS {
            assert_eq!(
                seen.get(key.to_le_bytes().as_slice()),
                Some(&1),
                "key {key}"
            );
        }
    }

    #[test]
    fn what_has_expired_is_not_shown() {
        let store = MemoryStore::new(MemoryOptions::default());
        for key in 0..100u32 {
            set(&store, &key.to_le_bytes(), Some(1_500 + i64::from(key)));
        }
        let later = At {
            now: UnixMillis(1_549),
            ..AT
        };
        assert_eq!(scan(&store, later, 10, || {}).len(), 50);
    }

    #[test]
    fn every_point_is_a_cursor() {
        let store = MemoryStore::new(MemoryOptions::default());
        KeyValue::set(&store, b"k", b"v").expect("no refusal");
        assert_eq!(store.cursor_at(0), Cursor::START);
        let behind = Cursor(store.cursor_at(u64::MAX).0 + 1);
        let from = |cursor| store.scan(cursor, 10).expect("no error").1.len();
        assert_eq!(from(behind), 0);
        let halves = [0, 1 << 63].map(|point| from(store.cursor_at(point)));
        assert!(halves == [1, 0] || halves == [1, 1]);
    }

    #[test]
    fn a_cursor_of_nowhere_is_harmless() {
        let store = MemoryStore::new(MemoryOptions::default());
        KeyValue::set(&store, b"k", b"v").expect("no refusal");
        for cursor in [1, 1 << 24, 1 << 33, 1 << 34, 1 << 56, u64::MAX] {
            let (next, keys) = store.scan(Cursor(cursor), 10).expect("no error");
            assert!(keys.len() <= 1);
            assert_eq!(next, Cursor::START);
        }
    }
}
