//! What a transaction has changed, as it was: so that one that turns out to be larger than the log takes is taken
//! back whole, and nobody has seen any of it.
//!
//! Only kept for transactions whose size is not known when they begin: the first change of a key costs one more
//! look at it.
//!
//! Invariant: a key is kept before its first change and not again. Nothing large is copied: the value is shared.
//! Invariant: to a walk, taking back is a change like any other: what it has been handed stays right.

use std::collections::BTreeMap;

use super::access::Located;
use super::raw::Slot;
use super::stripe::Stripe;
use crate::Db;

/// Keys as they were before a transaction.
#[derive(Default)]
pub(super) struct Undo {
    before: BTreeMap<Db, BTreeMap<Box<[u8]>, Before>>,
}

/// Where a key is, and its entry, if it had one.
struct Before {
    located: Located,
    entry: Option<Slot>,
}

impl Undo {
    /// Keeps `key`, which is about to change in `stripe`, if this is its first change.
    pub(super) fn keep(&mut self, stripe: &Stripe, located: Located, db: Db, key: &[u8]) {
        let of_db = self.before.entry(db).or_default();
        if of_db.contains_key(key) {
            return;
        }
        let table = stripe.existing_table(db);
        let slot = table.and_then(|table| table.slot(located.place(), key));
        let entry = slot.map(Slot::duplicate);
        of_db.insert(key.into(), Before { located, entry });
    }

    /// Everything that was kept: where it is, its database and key, and its entry.
    pub(super) fn into_entries(
        self,
    ) -> impl Iterator<Item = (Located, Db, Box<[u8]>, Option<Slot>)> {
        let of_dbs = self.before.into_iter();
        of_dbs.flat_map(|(db, keys)| {
            let keys = keys.into_iter();
            keys.map(move |(key, before)| (before.located, db, key, before.entry))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use crate::testing::log::ManualLog;
    use crate::testing::model::{Model, ModelValue};
    use crate::{
        At, Db, Item, KeySet, ListEnd, MemoryOptions, MemoryStore, Refusal, Size, Store,
        StringValue, Txn, UnixMillis,
    };

    const AT: At = At {
        db: Db::FIRST,
        now: UnixMillis(100),
    };

    /// More than is taken without asking.
    const LIMIT: usize = 100_000;

    fn logged() -> (MemoryStore, Arc<ManualLog>) {
        let log = Arc::new(ManualLog::default());
        let options = MemoryOptions {
            databases: 2,
            stripes: 4,
            ..MemoryOptions::default()
        };
        let store = MemoryStore::new(options).with_log(Arc::clone(&log) as _);
        log.limit(LIMIT);
        (store, log)
    }

    /// One change of one of a few keys.
    #[derive(Clone, Debug)]
    enum Step {
        Set(u8, u8, Option<i64>),
        Append(u8, u8),
        Patch(u8, u16),
        Expire(u8, i64),
        Delete(u8),
        Push(u8, u8),
        Put(u8, u8),
        Move(u8, u8),
        Copy(u8, u8),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            (0..6_u8, any::<u8>(), prop::option::of(101..500_i64))
                .prop_map(|(key, value, expires)| Step::Set(key, value, expires)),
            (0..6_u8, any::<u8>()).prop_map(|(key, value)| Step::Append(key, value)),
            (0..6_u8, 0..9_000_u16).prop_map(|(key, at)| Step::Patch(key, at)),
            (0..6_u8, 101..500_i64).prop_map(|(key, at)| Step::Expire(key, at)),
            (0..12_u8).prop_map(Step::Delete),
            (6..9_u8, any::<u8>()).prop_map(|(key, value)| Step::Push(key, value)),
            (9..12_u8, any::<u8>()).prop_map(|(key, value)| Step::Put(key, value)),
            (0..6_u8, 0..6_u8).prop_map(|(from, to)| Step::Move(from, to)),
            (0..6_u8, 0..6_u8).prop_map(|(from, to)| Step::Copy(from, to)),
        ];
        prop::collection::vec(step, 0..30)
    }

    fn take(txn: &mut Txn<'_>, step: &Step) {
        let key = |number: u8| [b'k', number];
        match *step {
            Step::Set(number, value, expires) => {
                let bytes = vec![value; usize::from(value) * 40];
                txn.set_string(
                    &key(number),
                    StringValue::new(&bytes),
                    expires.map(UnixMillis),
                );
            }
            Step::Append(number, value) => txn.append_string(&key(number), &[value; 50]),
            Step::Patch(number, at) => {
                txn.patch_string(&key(number), usize::from(at), b"patch");
            }
            Step::Expire(number, at) => {
                txn.set_expiry(&key(number), Some(UnixMillis(at)));
            }
            Step::Delete(number) => {
                txn.delete(&key(number));
            }
            Step::Push(number, value) => {
                let _is_list = txn.list_push(&key(number), ListEnd::Back, &[&[value; 70], b"x"]);
            }
            Step::Put(number, value) => {
                let _is_hash = txn.hash_set(&key(number), &[&[value], &[value; 90]]);
            }
            Step::Move(from, to) => {
                txn.move_key(&key(from), Db::FIRST, &key(to));
            }
            Step::Copy(from, to) => {
                txn.copy_key(&key(from), Db(1), &key(to));
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: if cfg!(miri) { 2 } else { 64 },
            ..ProptestConfig::default()
        })]

        /// Beside a walk, which must show what was there when it began.
        #[test]
        fn a_transaction_that_outgrows_the_log_was_never_there(before in steps(), refused in steps(), walks: bool) {
            let (store, log) = logged();
            for step in &before {
                let taken = store.write_with(AT, KeySet::All, |txn| take(txn, step));
                prop_assert!(taken.is_ok());
            }
            let (model, last) = (Model::of(&store), log.last());
            let mut walk = walks.then(|| store.walk().expect("no other is under way"));
            let large = vec![b'x'; LIMIT];
            let outcome = store.write_with(AT, KeySet::All, |txn| {
                for step in &refused {
                    take(txn, step);
                }
                txn.set_string(b"large", StringValue::new(&large), None);
                txn.set_string(b"later", StringValue::new(b"v"), None);
                (txn.exists(b"later"), txn.effects())
            });
            prop_assert_eq!(outcome, Err(Refusal::TooLarge));
            prop_assert_eq!(log.last(), last);
            prop_assert_eq!(&Model::of(&store), &model);
            let mut shown = 0;
            let mut show = |item: &Item<'_>| {
                assert_eq!(Some(&ModelValue::of(item.value)), model.value(item.db, item.key));
                shown += 1;
            };
            while walk.as_mut().is_some_and(|walk| walk.slice(&mut show)) {}
            let keys = Store::len(&store, Db::FIRST) + Store::len(&store, Db(1));
            prop_assert!(shown == keys || !walks);
        }
    }

    #[test]
    fn only_what_outgrows_the_log_is_refused() {
        let (store, log) = logged();
        let half = vec![b'x'; LIMIT / 2];
        let both = |size| {
            let keys: [&[u8]; 2] = [b"a", b"b"];
            store.write_sized(AT, KeySet::Many(&keys), size, |txn| {
                for key in keys {
                    txn.set_string(key, StringValue::new(&half), None);
                }
            })
        };
        // With what goes with the values the second one is too much.
        assert_eq!(both(Size::Growing(0)), Err(Refusal::TooLarge));
        assert_eq!(both(Size::Growing(LIMIT + 1)), Err(Refusal::TooLarge));
        assert_eq!(Store::len(&store, Db::FIRST), 0);
        log.limit(LIMIT + 1000);
        assert!(both(Size::Growing(0)).is_ok());
        assert_eq!(Store::len(&store, Db::FIRST), 2);
    }
}
