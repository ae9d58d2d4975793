//! Which keys of a stripe changed so recently that a crash could still take the change back.
//!
//! A read waits for the log only if it looked at one of these. Up to [`PRECISE_MAX`] keys of a stripe are
//! told apart; beyond that, reads of any key of the stripe may wait for the oldest changes, which settle
//! first.
//!
//! Invariant: a look never gets an LSN older than an unsettled change that it can see.

use super::place::Place;
use crate::Lsn;

/// How many changed keys of a stripe are told apart.
const PRECISE_MAX: usize = 64;

/// The unsettled changes of one stripe.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    /// Keys that changed, by their places, with the LSN of the change; in the order of LSNs. A key may be
    /// here more than once, and two keys may share a place: the newest counts.
    keys: Vec<(Place, Lsn)>,
    /// The newest change of a key that is not told apart.
    rest: Lsn,
    /// The newest change of all.
    newest: Lsn,
}

impl Recent {
    /// The newest unsettled change that a look at the key of `place` may show.
    #[inline]
    pub(crate) fn newest(&self, place: Place, settled: impl FnOnce() -> Lsn) -> Lsn {
        if self.newest == Lsn::ZERO || self.newest <= settled() {
            return Lsn::ZERO;
        }
        let mut latest_first = self.keys.iter().rev();
        let of_key = latest_first.find(|(key, _)| *key == place);
        of_key.map_or(self.rest, |(_, lsn)| *lsn)
    }

    /// The newest change of any key.
    pub(crate) fn newest_of_all(&self) -> Lsn {
        self.newest
    }

    /// The key of `place` changed as of `lsn`; changes up to `settled` need not be told apart any more.
    pub(crate) fn key_changed(&mut self, place: Place, lsn: Lsn, settled: Lsn) {
        if self.newest <= settled {
            self.keys.clear();
            self.rest = Lsn::ZERO;
        }
        if self.keys.len() == PRECISE_MAX {
            self.make_room(settled);
        }
        self.keys.push((place, lsn));
        self.newest = lsn;
    }

    /// Every key changed as of `lsn`.
    pub(crate) fn all_changed(&mut self, lsn: Lsn) {
        self.keys.clear();
        self.rest = lsn;
        self.newest = lsn;
    }

    /// Forgets what is settled and what a newer change of the same key covers; if that is not enough, the
    /// older half is no longer told apart.
    fn make_room(&mut self, settled: Lsn) {
        self.keys.retain(|(_, lsn)| *lsn > settled);
        let mut kept = 0;
        for index in 0..self.keys.len() {
            let (place, _) = self.keys[index];
            if !self.keys[index + 1..]
                .iter()
                .any(|(later, _)| *later == place)
            {
                self.keys.swap(kept, index);
                kept += 1;
            }
        }
        self.keys.truncate(kept);
        if kept > PRECISE_MAX / 2 {
            let older = self.keys.drain(..kept - PRECISE_MAX / 2);
            self.rest = older.map(|(_, lsn)| lsn).max().unwrap_or_default();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::testing::log::ManualLog;
    use crate::{
        At, Db, KeySet, MemoryOptions, MemoryStore, Refusal, Size, Store, StringValue, UnixMillis,
    };

    const STEPS: usize = if cfg!(miri) { 20 } else { 200 };

    const AT: At = At {
        db: Db::FIRST,
        now: UnixMillis(100),
    };

    fn logged(stripes: usize) -> (MemoryStore, Arc<ManualLog>) {
        let log = Arc::new(ManualLog::default());
        let store = MemoryStore::new(MemoryOptions {
            stripes,
            ..MemoryOptions::default()
        });
        (store.with_log(log.clone()), log)
    }

    fn set(store: &MemoryStore, key: &[u8], expires: Option<UnixMillis>) -> Lsn {
        let (_, lsn) = store
            .write_with(AT, KeySet::One(key), |txn| {
                txn.set_string(key, StringValue::new(b"v"), expires);
            })
            .expect("no refusal");
        lsn
    }

    fn read(store: &MemoryStore, key: &[u8]) -> (bool, Lsn) {
        store.read_with(AT, KeySet::One(key), |view| view.exists(key))
    }

    #[test]
    fn a_read_waits_for_the_unsettled_write_it_saw_and_no_other() {
        let (store, log) = logged(1);
        let first = set(&store, b"first", None);
        let second = set(&store, b"second", None);
        assert!(second > first);
        assert_eq!(read(&store, b"first"), (true, first));
        assert_eq!(read(&store, b"second"), (true, second));
        assert_eq!(read(&store, b"untouched"), (false, Lsn::ZERO));
        log.settle(first);
        assert_eq!(read(&store, b"second"), (true, second));
        log.settle(second);
        assert_eq!(read(&store, b"second"), (true, Lsn::ZERO));
    }

    #[test]
    fn what_is_no_longer_there_is_waited_for_too() {
        let (store, log) = logged(4);
        log.settle(set(&store, b"k", None));
        let deleted = store
            .write_with(AT, KeySet::One(b"k"), |txn| txn.delete(b"k"))
            .expect("no refusal");
        assert_eq!(read(&store, b"k"), (false, deleted.1));
        log.settle(deleted.1);

        log.settle(set(&store, b"k", None));
        let ((), flushed) = store
            .write_with(AT, KeySet::All, |txn| txn.flush_all())
            .expect("no refusal");
        assert_eq!(read(&store, b"k"), (false, flushed));
        assert_eq!(read(&store, b"never there"), (false, flushed));
        assert_eq!(store.newest(), flushed);
    }

    #[test]
    fn a_write_that_changes_nothing_waits_for_what_it_saw() {
        let (store, _log) = logged(4);
        let written = set(&store, b"k", None);
        let unless_there = |key: &[u8]| {
            store
                .write_with(AT, KeySet::One(key), |txn| {
                    if !txn.exists(key) {
                        txn.set_string(key, StringValue::new(b"mine"), None);
                    }
                    txn.effects()
                })
                .expect("no refusal")
        };
        assert_eq!(unless_there(b"k"), (0, written));
        let (effects, other) = unless_there(b"other");
        assert_eq!(effects, 1);
        assert!(other > written);
        assert_eq!(unless_there(b"k"), (0, written));
    }

    #[test]
    fn an_expired_key_hides_behind_the_write_that_let_it_expire() {
        let (store, log) = logged(1);
        log.settle(set(&store, b"k", Some(UnixMillis(200))));
        let (_, shortened) = store
            .write_with(AT, KeySet::One(b"k"), |txn| {
                txn.set_expiry(b"k", Some(UnixMillis(150)))
            })
            .expect("no refusal");
        let later = At {
            now: UnixMillis(150),
            ..AT
        };
        let (there, lsn) = store.read_with(later, KeySet::One(b"k"), |view| view.exists(b"k"));
        assert_eq!((there, lsn), (false, shortened));
    }

    #[test]
    fn a_count_of_keys_waits_for_the_newest_change() {
        let (store, _log) = logged(8);
        assert_eq!(store.newest(), Lsn::ZERO);
        let mut last = Lsn::ZERO;
        for key in 0..100u32 {
            last = set(&store, &key.to_le_bytes(), None);
            assert_eq!(store.newest(), last);
        }
        assert_eq!(Store::len(&store, Db::FIRST), 100);
        let sweep = store.expire_due(UnixMillis(1_000), 10);
        assert_eq!((sweep.looked_at, store.newest()), (0, last));
    }

    #[test]
    fn a_refused_write_touches_nothing() {
        let (store, log) = logged(4);
        set(&store, b"k", Some(UnixMillis(200)));
        log.refuse(Some(Refusal::DiskFull));
        let refused = store.write_with(AT, KeySet::One(b"k"), |txn| txn.delete(b"k"));
        assert_eq!(refused, Err(Refusal::DiskFull));
        assert!(read(&store, b"k").0);
        let sweep = store.expire_due(UnixMillis(200), 10);
        assert_eq!((sweep.removed, sweep.more), (0, true));
        log.refuse(None);
        assert_eq!(store.expire_due(UnixMillis(200), 10).removed, 1);
    }

    #[test]
    fn a_write_that_is_too_large_touches_nothing() {
        const LIMIT: usize = 100_000;

        let (store, log) = logged(4);
        log.limit(LIMIT);
        let (small, large) = (vec![b'x'; LIMIT / 2], vec![b'x'; LIMIT]);
        let set_both = |size, value: &[u8]| {
            let keys: [&[u8]; 2] = [b"a", b"b"];
            store.write_sized(AT, KeySet::Many(&keys), size, |txn| {
                for key in keys {
                    txn.set_string(key, StringValue::new(value), None);
                }
            })
        };
        // Said before it began, or found at its first change.
        assert_eq!(
            set_both(Size::AtMost(LIMIT + 1), &small),
            Err(Refusal::TooLarge)
        );
        assert_eq!(set_both(Size::Unknown, &large), Err(Refusal::TooLarge));
        assert_eq!((Store::len(&store, Db::FIRST), log.last()), (0, Lsn::ZERO));
        assert!(set_both(Size::AtMost(LIMIT), b"v").is_ok());
        assert_eq!((Store::len(&store, Db::FIRST), log.last()), (2, Lsn(2)));
    }

    /// What had expired is gone whether what comes after it is taken or not.
    #[test]
    fn a_large_write_to_an_expired_key_is_refused_all_the_same() {
        let (store, log) = logged(4);
        set(&store, b"k", Some(UnixMillis(200)));
        log.limit(70_000);
        let later = At {
            now: UnixMillis(200),
            ..AT
        };
        let value = vec![b'x'; 80_000];
        let refused = store.write_sized(later, KeySet::One(b"k"), Size::Unknown, |txn| {
            txn.set_string(b"k", StringValue::new(&value), None);
        });
        assert_eq!(refused, Err(Refusal::TooLarge));
        assert_eq!((Store::len(&store, Db::FIRST), log.last()), (0, Lsn(2)));
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: if cfg!(miri) { 2 } else { 64 },
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        /// Against a list of all changes: never older than the key's newest unsettled change, and exact
        /// while few keys are unsettled.
        #[test]
        fn a_look_never_gets_too_old_an_lsn(steps in vec((0u32..200, 0u64..3, 0u32..60), 0..STEPS)) {
            let mut recent = Recent::default();
            let mut newest = std::collections::BTreeMap::new();
            let (mut lsn, mut settled) = (0, 0);
            for (key, settle, rare) in steps {
                lsn += 1;
                if rare == 0 {
                    recent.all_changed(Lsn(lsn));
                    newest = (0..200).map(|key| (key, lsn)).collect();
                } else {
                    recent.key_changed(Place::new(key), Lsn(lsn), Lsn(settled));
                    newest.insert(key, lsn);
                }
                settled = (settled + settle).min(lsn);
                let unsettled = newest.values().filter(|lsn| **lsn > settled).count();
                for key in 0..200 {
                    let of_key = newest.get(&key).copied().unwrap_or_default();
                    let told = recent.newest(Place::new(key), || Lsn(settled)).0;
                    prop_assert!(told >= of_key || of_key <= settled, "too old");
                    prop_assert!(told <= lsn);
                    if unsettled <= PRECISE_MAX / 2 && of_key > settled {
                        prop_assert_eq!(told, of_key);
                    }
                }
            }
        }
    }
}
