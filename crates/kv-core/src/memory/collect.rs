//! Effects on collections.
//!
//! Invariant: no entry holds an empty collection, but for streams.
//! Invariant: nothing large is freed here: it is handed out, see [`Garbage`].

mod stream;

use super::garbage::Garbage;
use super::place::Place;
use super::raw::Slot;
use super::table::Table;
use crate::value::{Collection, Rest};
use crate::{CollectionKind, Effect, Hash, List, Set, ValueLimits, ZSet};

/// Changes memory as an effect on a collection says.
pub(super) fn apply(
    table: &mut Table,
    place: Place,
    effect: &Effect<'_>,
    limits: &ValueLimits,
) -> Option<Garbage> {
    match *effect {
        Effect::SetCollection {
            key,
            kind,
            elements,
            expires,
            ..
        } => {
            let mut new = Collection::empty(kind);
            new.extend(elements, limits);
            let removed = table.remove(place, key);
            if !new.is_empty() {
                let mut slot = Slot::of_collection(place.check(), key, new);
                slot.set_expiry(expires);
                table.insert(place, slot);
            }
            removed.and_then(Garbage::of_entry)
        }
        Effect::HashSet { key, fields, .. } => table.grow(
            place,
            key,
            Collection::empty(CollectionKind::Hash),
            |collection| {
                collection.extend(fields, limits);
            },
        ),
        Effect::HashDelete { key, fields, .. } => table.shrink_hash(place, key, |hash| {
            fields.iter().for_each(|field| hash.remove(field));
        }),
        Effect::HashExpire {
            key,
            expires,
            fields,
            ..
        } => table.shrink_hash(place, key, |hash| {
            fields.iter().for_each(|field| hash.expire(field, expires));
        }),
        Effect::SetAdd { key, members, .. } => table.grow(
            place,
            key,
            Collection::empty(CollectionKind::Set),
            |collection| {
                collection.extend(members, limits);
            },
        ),
        Effect::SetRemove { key, members, .. } => table.shrink_set(place, key, |set| {
            members.iter().for_each(|member| set.remove(member));
        }),
        Effect::ZSetAdd { key, members, .. } => table.grow(
            place,
            key,
            Collection::empty(CollectionKind::ZSet),
            |collection| {
                collection.extend(members, limits);
            },
        ),
        Effect::ZSetRemove { key, members, .. } => table.shrink_zset(place, key, |zset| {
            members.iter().for_each(|member| zset.remove(member));
        }),
        Effect::Stream { key, change, .. } => stream::apply(table, place, key, &change, limits),
        _ => apply_to_list(table, place, effect, limits),
    }
}

fn apply_to_list(
    table: &mut Table,
    place: Place,
    effect: &Effect<'_>,
    limits: &ValueLimits,
) -> Option<Garbage> {
    match *effect {
        Effect::ListPush {
            key, end, elements, ..
        } => table.grow_list(place, key, |list| {
            elements
                .iter()
                .for_each(|element| list.push(end, element, limits));
        }),
        Effect::ListInsert {
            key,
            index,
            element,
            ..
        } => table.grow_list(place, key, |list| {
            list.insert(to_usize(index), element, limits);
        }),
        Effect::ListPop {
            key, end, count, ..
        } => table.shrink_list(place, key, |list| {
            list.pop(end, to_usize(count), limits).map(Rest::List)
        }),
        Effect::ListSet {
            key,
            index,
            element,
            ..
        } => table.shrink_list(place, key, |list| {
            list.set(to_usize(index), element, limits);
            None
        }),
        Effect::ListRemove {
            key,
            from,
            count,
            element,
            ..
        } => table.shrink_list(place, key, |list| {
            list.remove_equal(from, to_usize(count), element, limits);
            None
        }),
        _ => unreachable!("no effect on a collection"),
    }
}

/// A count or an index of an effect; beyond memory is as good as the last.
fn to_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

impl Table {
    fn grow_list(
        &mut self,
        place: Place,
        key: &[u8],
        change: impl FnOnce(&mut List),
    ) -> Option<Garbage> {
        self.grow(
            place,
            key,
            Collection::empty(CollectionKind::List),
            |collection| {
                if let Collection::List(list) = collection {
                    change(list);
                }
            },
        )
    }

    /// Changes the collection at `key`; where there is none of its kind, `new`, which is empty.
    fn grow(
        &mut self,
        place: Place,
        key: &[u8],
        mut new: Collection,
        change: impl FnOnce(&mut Collection),
    ) -> Option<Garbage> {
        let there = self.get(place, key).map(|entry| entry.value().kind());
        if there == Some(new.kind()) {
            self.change(place, key, |slot| {
                slot.change_collection(change);
            });
            return None;
        }
        change(&mut new);
        if new.is_empty() {
            return None;
        }
        let other = self.remove(place, key);
        self.insert(place, Slot::of_collection(place.check(), key, new));
        other.and_then(Garbage::of_entry)
    }

    fn shrink_list(
        &mut self,
        place: Place,
        key: &[u8],
        change: impl FnOnce(&mut List) -> Option<Rest>,
    ) -> Option<Garbage> {
        self.shrink(place, key, |collection| match collection {
            Collection::List(list) => change(list),
            _ => None,
        })
    }

    fn shrink_hash(
        &mut self,
        place: Place,
        key: &[u8],
        change: impl FnOnce(&mut Hash),
    ) -> Option<Garbage> {
        self.shrink(place, key, |collection| {
            if let Collection::Hash(hash) = collection {
                change(hash);
            }
            None
        })
    }

    fn shrink_set(
        &mut self,
        place: Place,
        key: &[u8],
        change: impl FnOnce(&mut Set),
    ) -> Option<Garbage> {
        self.shrink(place, key, |collection| {
            if let Collection::Set(set) = collection {
                change(set);
            }
            None
        })
    }

    fn shrink_zset(
        &mut self,
        place: Place,
        key: &[u8],
        change: impl FnOnce(&mut ZSet),
    ) -> Option<Garbage> {
        self.shrink(place, key, |collection| {
            if let Collection::ZSet(zset) = collection {
                change(zset);
            }
            None
        })
    }

    /// Changes the collection at `key`, if there is one; one that became empty is gone.
    fn shrink(
        &mut self,
        place: Place,
        key: &[u8],
        change: impl FnOnce(&mut Collection) -> Option<Rest>,
    ) -> Option<Garbage> {
        let (mut cut_off, mut empty) = (None, false);
        self.change(place, key, |slot| {
            slot.change_collection(|collection| {
                cut_off = change(collection);
                empty = collection.is_empty();
            });
        });
        let removed = empty.then(|| self.remove(place, key)).flatten();
        match cut_off {
            Some(rest) => Garbage::of_rest(rest),
            None => removed.and_then(Garbage::of_entry),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::ListEnd;
    use crate::testing::generate::{OnCollection, OwnedEffect, on_collections};
    use crate::testing::log::ManualLog;
    use crate::testing::model::{Model, ModelValue};
    use crate::{
        At, CollectionKind, Db, KeySet, MemoryOptions, MemoryStore, Store, UnixMillis, ValueRef,
        ZSetAdded,
    };

    const CASES: u32 = if cfg!(miri) { 2 } else { 64 };

    fn store() -> MemoryStore {
        MemoryStore::new(MemoryOptions {
            stripes: 1,
            ..MemoryOptions::default()
        })
    }

    /// On a key of its own for each kind, so that collections live long enough to grow.
    fn effect(change: OnCollection) -> OwnedEffect {
        let key: &[u8] = match &change {
            OnCollection::HashSet(_)
            | OnCollection::HashDelete(_)
            | OnCollection::HashExpire(..)
            | OnCollection::Set(CollectionKind::Hash, ..) => b"hash",
            OnCollection::ZSetAdd(_)
            | OnCollection::ZSetRemove(_)
            | OnCollection::Set(CollectionKind::ZSet, ..) => b"zset",
            OnCollection::Set(CollectionKind::Set, ..)
            | OnCollection::SetAdd(_)
            | OnCollection::SetRemove(_) => b"set",
            OnCollection::Stream(_) => b"stream",
            _ => b"list",
        };
        OwnedEffect::OnCollection(Db::FIRST, key.to_vec(), change)
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: CASES,
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn collections_mean_what_the_model_says(
            changes in vec(on_collections(), 0..80),
            expires in 0i64..3,
        ) {
            let store = store();
            let mut model = Model::default();
            let mut all: Vec<OwnedEffect> = changes.into_iter().map(effect).collect();
            let expiry = OwnedEffect::SetExpiry {
                db: Db::FIRST,
                key: b"list".to_vec(),
                expires: (expires > 0).then_some(UnixMillis(expires)),
            };
            all.insert(all.len() / 2, expiry);
            for effect in &all {
                effect.with(|effect| store.apply(effect));
                effect.with(|effect| model.apply(effect));
                let key = effect.with(|effect| effect.key().expect("no flush").1.to_vec());
                let (shown, _) = store.read_with(before_all_expiries(), KeySet::One(&key), |view| {
                    view.value(&key).map(ModelValue::of)
                });
                prop_assert_eq!(shown.as_ref(), model.value(Db::FIRST, &key));
            }
            prop_assert_eq!(&Model::of(&store), &model);
            let again = self::store();
            store.for_each(&mut |item| item.for_each_effect(&mut |effect| again.apply(effect)));
            prop_assert_eq!(&Model::of(&again), &model);
            for key in [b"hash".as_slice(), b"set", b"list", b"zset", b"stream"] {
                again.apply(&Effect::Delete { db: Db::FIRST, key });
            }
            prop_assert_eq!(again.memory_used(), 0);
        }
    }

    fn before_all_expiries() -> At {
        At {
            db: Db::FIRST,
            now: UnixMillis(i64::MIN),
        }
    }

    fn at() -> At {
        At {
            db: Db::FIRST,
            now: UnixMillis(0),
        }
    }

    #[test]
    fn calls_and_the_log_agree() {
        let log = std::sync::Arc::new(ManualLog::default());
        let store = store().with_log(log.clone());
        let numbers: Vec<String> = (0..500).map(|number: u32| number.to_string()).collect();
        let numbers: Vec<&[u8]> = numbers.iter().map(String::as_bytes).collect();
        let keys: [&[u8]; 3] = [b"l", b"h", b"s"];
        let run = store.write_with(at(), KeySet::Many(&keys), |txn| {
            let [list, hash, set] = keys;
            assert_eq!(txn.list_push(list, ListEnd::Back, &numbers), Ok(500));
            assert_eq!(txn.list_push(list, ListEnd::Front, &[b"a", b"b"]), Ok(502));
            assert_eq!(txn.list_pop(list, ListEnd::Back, 100), Ok(100));
            assert_eq!(txn.list_set(list, 402, b"x"), Ok(false));
            assert_eq!(txn.list_set(list, 2, b"b"), Ok(true));
            assert_eq!(txn.list_insert(list, 0, b"b"), Ok(Some(403)));
            assert_eq!(txn.list_insert(b"l", 1, b"c"), Ok(Some(404)));
            assert_eq!(txn.list_remove(list, ListEnd::Back, 2, b"b"), Ok(2));
            let shown = txn.list(list).unwrap().unwrap();
            let first: Vec<&[u8]> = shown.range(0..4).collect();
            assert_eq!(first, [b"b".as_slice(), b"c", b"a", b"1"]);
            assert_eq!(shown.range(401..900).collect::<Vec<_>>(), [b"399"]);
            assert_eq!(shown.get(402), None);

            assert_eq!(txn.hash_set(hash, &numbers), Ok(250));
            assert_eq!(txn.hash_set(hash, &[b"0", b"zero", b"new", b""]), Ok(1));
            assert_eq!(txn.hash_delete(hash, &[b"2", b"2", b"none"]), Ok(1));
            let shown = txn.hash(hash).unwrap().unwrap();
            assert_eq!(shown.get(b"0"), Some(b"zero".as_slice()));
            assert_eq!((shown.len(), shown.contains(b"2")), (250, false));

            assert_eq!(txn.set_add(set, &numbers), Ok(500));
            let before = txn.effects();
            assert_eq!(txn.set_add(set, &[b"1", b"2"]), Ok(0));
            assert_eq!(txn.set_remove(set, &[b"none"]), Ok(0));
            assert_eq!(txn.effects(), before, "no change, no record");
            assert_eq!(txn.set_remove(set, &[b"1", b"1", b"2"]), Ok(2));
            assert_eq!(txn.set(set).unwrap().unwrap().len(), 498);

            let wrong = txn.list_push(set, ListEnd::Back, &[b"x"]).unwrap_err();
            assert_eq!(wrong.to_string(), "the key holds a set, not a list");
            assert!(txn.hash_set(list, &[b"f", b"v"]).is_err());
            assert!(txn.set_add(hash, &[b"m"]).is_err());
            assert!(txn.string(hash).is_err());
        });
        run.unwrap();
        let replayed = self::store();
        log.replay(&replayed);
        assert_eq!(Model::of(&replayed), Model::of(&store));
    }

    #[test]
    fn sorted_sets_and_the_log_agree() {
        let log = std::sync::Arc::new(ManualLog::default());
        let store = store().with_log(log.clone());
        let keys: [&[u8]; 2] = [b"z", b"copy"];
        let run = store.write_with(at(), KeySet::Many(&keys), |txn| {
            let [key, copy] = keys;
            let added = txn.zset_add(key, &[(1.0, b"a"), (2.0, b"b"), (3.0, b"a")]);
            assert_eq!(added.map(|told| (told.added, told.changed)), Ok((2, 0)));
            let before = txn.effects();
            let added = txn.zset_add(key, &[(2.0, b"b"), (3.0, b"a")]);
            assert_eq!((added, txn.effects()), (Ok(ZSetAdded::default()), before));
            let added = txn.zset_add(key, &[(9.0, b"b"), (2.0, b"b"), (4.0, b"c")]);
            assert_eq!(added.map(|told| (told.added, told.changed)), Ok((1, 1)));
            assert_eq!(txn.zset(key).unwrap().unwrap().score(b"b"), Some(2.0));
            let many = (0..5_000u32).map(|number| (f64::from(number % 10), number.to_string()));
            txn.set_zset(key, many);
            let source = txn.zset(key).unwrap().unwrap().clone();
            txn.set_zset(
                copy,
                source
                    .range(10..4_000)
                    .map(|(member, score)| (score, member)),
            );
            assert_eq!(txn.zset(copy).unwrap().unwrap().len(), 3_990);
            assert_eq!(txn.zset_remove(key, &[b"7", b"7", b"none"]), Ok(1));
            assert_eq!(txn.zset(key).unwrap().unwrap().len(), 4_999);
            assert!(txn.set_add(key, &[b"m"]).is_err());
            let members = (0..3_000u32).map(|number| number.to_string());
            assert_eq!(txn.set_elements(copy, CollectionKind::Set, members), 3_000);
            assert_eq!(txn.set(copy).unwrap().unwrap().len(), 3_000);
            txn.set_zset(key, std::iter::empty::<(f64, &[u8])>());
            assert!(!txn.exists(key));
        });
        run.unwrap();
        let replayed = self::store();
        log.replay(&replayed);
        assert_eq!(Model::of(&replayed), Model::of(&store));
    }

    #[test]
    fn the_last_element_takes_the_key_along() {
        let store = store();
        let run = store.write_with(at(), KeySet::One(b"k"), |txn| {
            txn.list_push(b"k", ListEnd::Back, &[b"a"]).unwrap();
            assert_eq!(txn.list_pop(b"k", ListEnd::Front, 9), Ok(1));
            assert!(!txn.exists(b"k"));
            txn.set_add(b"k", &[b"a"]).unwrap();
            assert_eq!(txn.set_remove(b"k", &[b"a"]), Ok(1));
            assert!(!txn.exists(b"k"));
            txn.hash_set(b"k", &[b"f", b"v"]).unwrap();
            assert_eq!(txn.hash_delete(b"k", &[b"f"]), Ok(1));
            assert_eq!(txn.kind(b"k"), None);
        });
        run.unwrap();
        assert_eq!(store.memory_used(), 0);
    }

    #[test]
    fn the_borders_of_the_packed_form_do_not_show() {
        for length in [1usize, 63, 64, 65] {
            for count in [127u32, 128, 129] {
                let store = store();
                let mut model = Model::default();
                let mut both = |effect: &OwnedEffect| {
                    effect.with(|effect| store.apply(effect));
                    effect.with(|effect| model.apply(effect));
                    assert_eq!(Model::of(&store), model, "{length} {count}");
                };
                let numbers = (0..count).map(|number| number.to_string().into_bytes());
                let numbers: Vec<Vec<u8>> = numbers.collect();
                let fields = numbers.iter().flat_map(|field| [field.clone(), vec![]]);
                let long = vec![b'x'; length];
                both(&effect(OnCollection::ListPush(
                    ListEnd::Front,
                    numbers.clone(),
                )));
                both(&effect(OnCollection::ListSet(5, long.clone())));
                both(&effect(OnCollection::ListInsert(3, long.clone())));
                both(&effect(OnCollection::HashSet(fields.collect())));
                both(&effect(OnCollection::HashSet(vec![
                    b"7".to_vec(),
                    long.clone(),
                ])));
                both(&effect(OnCollection::SetAdd(numbers.clone())));
                both(&effect(OnCollection::SetAdd(vec![long.clone(), long])));
                both(&effect(OnCollection::HashDelete(numbers.clone())));
                both(&effect(OnCollection::SetRemove(numbers)));
            }
        }
    }

    #[test]
    fn limits_decide_what_is_packed_and_the_encoding_tells() {
        use std::sync::atomic::Ordering::Relaxed;

        let store = store();
        let limits = store.limits();
        limits.hash_entries.store(2, Relaxed);
        limits.set_value_bytes.store(300, Relaxed);
        limits.zset_entries.store(0, Relaxed);
        limits.list_size.store(3, Relaxed);
        let keys: [&[u8]; 5] = [b"h", b"s", b"z", b"l", b"i"];
        let run = store.write_with(at(), KeySet::Many(&keys), |txn| {
            let [hash, set, zset, list, _] = keys;
            let encoding =
                |txn: &mut crate::Txn<'_>, key| txn.value(key).map(|value| value.encoding());
            txn.hash_set(hash, &[b"a", b"1", b"b", b"2"]).unwrap();
            assert_eq!(encoding(txn, hash), Some("listpack"));
            txn.hash_set(hash, &[b"c", b"3"]).unwrap();
            assert_eq!(encoding(txn, hash), Some("hashtable"));
            txn.set_add(set, &[b"1", b"-2"]).unwrap();
            assert_eq!(encoding(txn, set), Some("intset"));
            txn.set_add(set, &[&[b'x'; 300]]).unwrap();
            assert_eq!(encoding(txn, set), Some("listpack"));
            txn.set_add(set, &[&[b'x'; 301]]).unwrap();
            // Tests of other servers ask for a packed set of integers in this way.
            limits.intset_entries.store(0, Relaxed);
            txn.set_add(b"i", &[b"1", b"2"]).unwrap();
            assert_eq!(encoding(txn, b"i"), Some("listpack"));
            assert_eq!(encoding(txn, set), Some("hashtable"));
            assert_eq!(txn.set(set).unwrap().unwrap().len(), 4);
            txn.zset_add(zset, &[(1.0, b"m")]).unwrap();
            assert_eq!(encoding(txn, zset), Some("skiplist"));
            txn.list_push(list, ListEnd::Back, &[b"1", b"2", b"3"])
                .unwrap();
            assert_eq!(encoding(txn, list), Some("listpack"));
            txn.list_push(list, ListEnd::Back, &[b"4"]).unwrap();
            assert_eq!(encoding(txn, list), Some("quicklist"));
        });
        run.unwrap();
    }

    #[test]
    fn what_takes_long_to_free_is_handed_out() {
        let limits = ValueLimits::default();
        let apply =
            |table: &mut Table, place, effect: &Effect<'_>| apply(table, place, effect, &limits);
        let mut table = Table::default();
        let (db, key, place) = (Db::FIRST, b"k".as_slice(), Place::START);
        let elements = vec![b"element".as_slice(); 10_000];
        let push = Effect::ListPush {
            db,
            key,
            end: ListEnd::Back,
            elements: crate::Elements::new(&elements),
        };
        let pop = |count| Effect::ListPop {
            db,
            key,
            end: ListEnd::Front,
            count,
        };
        assert!(apply(&mut table, place, &push).is_none());
        assert!(apply(&mut table, place, &pop(10)).is_none());
        assert!(apply(&mut table, place, &pop(5_000)).is_some());
        assert!(apply(&mut table, place, &pop(10_000)).is_some());
        assert_eq!(table.heap_bytes(), 0);
        assert!(apply(&mut table, place, &push).is_none());
        let member = [b"m".as_slice()];
        let add = Effect::SetAdd {
            db,
            key,
            members: crate::Elements::new(&member),
        };
        assert!(apply(&mut table, place, &add).is_some());
        let value = table
            .get(place, key)
            .map(|entry| ModelValue::of(entry.value()));
        assert_eq!(value, Some(ModelValue::Set([b"m".to_vec()].into())));
        assert!(matches!(
            table
                .get(place, key)
                .map(super::super::raw::EntryRef::value),
            Some(ValueRef::Set(_))
        ));
    }
}
