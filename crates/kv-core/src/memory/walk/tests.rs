//! Walks beside random changes, against a model of the moment at which each began.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::testing::generate::{DATABASES, OwnedEffect, effects};
use crate::testing::log::ManualLog;
use crate::testing::model::ModelValue;
use crate::{
    At, KeySet, ListEnd, MemoryOptions, Store, StringRef, StringValue, UnixMillis, ValueRef, View,
};

const CASES: u32 = if cfg!(miri) { 3 } else { 64 };

type Held = BTreeMap<(Db, Vec<u8>), (ModelValue, Option<UnixMillis>)>;

fn store(stripes: usize) -> MemoryStore {
    MemoryStore::new(MemoryOptions {
        databases: DATABASES,
        stripes,
        ..MemoryOptions::default()
    })
}

fn note(held: &mut Held, item: &Item<'_>) {
    let value = (ModelValue::of(item.value), item.expires);
    let before = held.insert((item.db, item.key.to_vec()), value);
    assert_eq!(before, None, "key {:?} was shown twice", item.key);
}

fn held(store: &MemoryStore) -> Held {
    let mut held = Held::new();
    store.for_each(&mut |item| note(&mut held, item));
    held
}

/// What the rest of `walk` shows.
fn finish(walk: &mut Walk<'_>, shown: &mut Held) {
    while walk.slice(|item| note(shown, item)) {}
}

/// What may come between two slices.
#[derive(Clone, Debug)]
enum Step {
    Effects(Vec<OwnedEffect>),
    /// Sets keys with these numbers, so that tables grow.
    Fill(u16),
    /// Removes them, so that tables shrink.
    Clear(u16),
    /// The walk goes on by some slices.
    Walk(u8),
    /// The walk is given up, and another begun.
    Restart,
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => vec(effects(), 0..30).prop_map(Step::Effects),
        2 => (0u16..600).prop_map(Step::Fill),
        2 => (0u16..600).prop_map(Step::Clear),
        10 => (1u8..6).prop_map(Step::Walk),
        1 => Just(Step::Restart),
    ]
}

fn fill(store: &MemoryStore, numbers: u16) {
    for number in 0..numbers {
        store.apply(&Effect::SetString {
            db: Db(number % DATABASES),
            key: &number.to_le_bytes(),
            value: StringValue::new(b"filled"),
            expires: (number % 3 == 0).then_some(UnixMillis(i64::from(number))),
        });
    }
}

fn clear(store: &MemoryStore, numbers: u16) {
    for number in 0..numbers {
        store.apply(&Effect::Delete {
            db: Db(number % DATABASES),
            key: &number.to_le_bytes(),
        });
    }
}

/// No entry of a store that is not being walked is marked.
fn assert_unmarked(store: &MemoryStore) {
    for number in 0..=store.last_stripe() {
        let stripe = store.lock(number);
        assert!(stripe.walk.is_none());
        for (_, table) in stripe.tables() {
            table.walk(Place::START, |slot| assert!(!slot.is_young()), || false);
        }
    }
    assert_eq!(store.walk_backlog().bytes(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: CASES,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_walk_shows_what_was_there_when_it_began(
        stripes in prop_oneof![Just(1usize), Just(4)],
        before in vec(effects(), 0..60),
        filled in 0u16..600,
        steps in vec(steps(), 0..if cfg!(miri) { 8 } else { 60 }),
    ) {
        let store = store(stripes);
        before.iter().for_each(|effect| effect.with(|effect| store.apply(effect)));
        fill(&store, filled);
        let mut expected = held(&store);
        let mut libraries = store.libraries();
        let mut shown = Held::new();
        let mut walk = store.walk().expect("no other walk");
        prop_assert!(store.walk().is_none());
        for step in &steps {
            match step {
                Step::Effects(effects) => {
                    for effect in effects {
                        effect.with(|effect| store.apply(effect));
                    }
                }
                Step::Fill(numbers) => fill(&store, *numbers),
                Step::Clear(numbers) => clear(&store, *numbers),
                Step::Walk(slices) => {
                    for _ in 0..*slices {
                        walk.slice(|item| note(&mut shown, item));
                    }
                }
                Step::Restart => {
                    drop(walk);
                    assert_unmarked(&store);
                    expected = held(&store);
                    libraries = store.libraries();
                    shown.clear();
                    walk = store.walk().expect("no other walk");
                }
            }
        }
        finish(&mut walk, &mut shown);
        prop_assert_eq!(walk.keys(), expected.len() as u64);
        prop_assert!(shown == expected);
        prop_assert_eq!(walk.libraries(), &*libraries);
        drop(walk);
        assert_unmarked(&store);
    }
}

const AT: At = At {
    db: Db::FIRST,
    now: UnixMillis(100),
};

fn set(store: &MemoryStore, key: &[u8], value: &[u8]) {
    let written = store.write_with(AT, KeySet::One(key), |txn| {
        txn.set_string(key, StringValue::new(value), None);
    });
    written.expect("no refusal");
}

#[test]
fn a_walk_knows_the_last_effect_that_it_shows() {
    let log = Arc::new(ManualLog::default());
    let store = store(4).with_log(log.clone());
    set(&store, b"a", b"1");
    set(&store, b"b", b"2");
    let mut walk = store.walk().expect("no other walk");
    set(&store, b"c", b"3");
    assert_eq!(walk.lsn(), Lsn(2));
    let mut shown = Held::new();
    finish(&mut walk, &mut shown);
    assert_eq!(shown.len(), 2);
}

#[test]
fn what_is_handed_over_counts_until_it_is_shown() {
    let store = store(4);
    let large = vec![b'x'; 100_000];
    set(&store, b"large", &large);
    let mut walk = store.walk().expect("no other walk");
    set(&store, b"large", b"small");
    set(&store, b"large", b"smaller");
    assert!(store.walk_backlog().bytes() >= large.len());
    let mut shared = 0;
    while walk.slice(|item| {
        shared += usize::from(matches!(item.value, ValueRef::String(StringRef::Shared(_))));
    }) {}
    assert_eq!((shared, store.walk_backlog().bytes()), (1, 0));
}

/// Each thread moves money between two accounts of its own; what a walk shows adds up.
#[test]
fn a_walk_beside_writers_is_of_one_moment() {
    const THREADS: u32 = 3;
    const PAIRS: u32 = if cfg!(miri) { 5 } else { 500 };
    const WALKS: usize = if cfg!(miri) { 2 } else { 8 };
    let store = store(8);
    let key = |account: u32, side: u8| [&account.to_le_bytes()[..], &[side]].concat();
    for account in 0..THREADS * PAIRS {
        set(&store, &key(account, 0), b"1000");
        set(&store, &key(account, 1), b"1000");
    }
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (store, done) = (&store, &done);
            scope.spawn(move || {
                for turn in 0.. {
                    if done.load(SeqCst) {
                        return;
                    }
                    let account = thread * PAIRS + turn % PAIRS;
                    transfer(store, &key(account, 0), &key(account, 1));
                }
            });
        }
        for _ in 0..WALKS {
            let mut walk = store.walk().expect("no other walk");
            let mut shown = Held::new();
            finish(&mut walk, &mut shown);
            assert_eq!(shown.len(), (THREADS * PAIRS * 2) as usize);
            for account in 0..THREADS * PAIRS {
                let side = |side| match &shown[&(Db::FIRST, key(account, side))].0 {
                    ModelValue::String(bytes) => number(bytes),
                    other => panic!("an account is {other:?}"),
                };
                assert_eq!(side(0) + side(1), 2000);
            }
        }
        done.store(true, SeqCst);
    });
    assert_unmarked(&store);
}

/// A writer does not change what a walk has still to show, and a clone does not hinder it.
#[test]
fn large_collections_are_shown_as_they_were() {
    let store = store(1);
    let elements: Vec<String> = (0..3_000).map(|number: u32| number.to_string()).collect();
    let elements: Vec<&[u8]> = elements.iter().map(String::as_bytes).collect();
    let keys: [&[u8]; 4] = [b"list", b"hash", b"set", b"gone"];
    let [list, hash, set, gone] = keys;
    let fill = store.write_with(AT, KeySet::Many(&keys), |txn| {
        txn.list_push(list, ListEnd::Back, &elements)
            .expect("a list");
        txn.hash_set(hash, &elements).expect("a hash");
        txn.set_add(set, &elements).expect("a set");
        txn.set_add(gone, &elements).expect("a set");
    });
    fill.expect("no refusal");
    let expected = held(&store);
    let mut walk = store.walk().expect("no other walk");
    let change = store.write_with(AT, KeySet::Many(&keys), |txn| {
        txn.list_pop(list, ListEnd::Front, 1_000).expect("a list");
        txn.list_set(list, 3, b"other").expect("a list");
        txn.list_insert(list, 5, b"new").expect("a list");
        txn.list_remove(list, ListEnd::Front, 1, b"2999")
            .expect("a list");
        txn.hash_set(hash, &[b"0", b"new"]).expect("a hash");
        txn.hash_delete(hash, &[b"2"]).expect("a hash");
        txn.set_add(set, &[b"new"]).expect("a set");
        txn.set_remove(set, &[b"0"]).expect("a set");
        txn.delete(gone);
    });
    change.expect("no refusal");
    assert!(store.walk_backlog().bytes() > 0);
    let mut shown = Held::new();
    finish(&mut walk, &mut shown);
    assert!(shown == expected);
    drop(walk);
    assert_unmarked(&store);
    for key in keys {
        store.apply(&Effect::Delete { db: Db::FIRST, key });
    }
    assert_eq!(store.memory_used(), 0);
}

fn number(text: &[u8]) -> i64 {
    std::str::from_utf8(text)
        .expect("digits")
        .parse()
        .expect("a number")
}

fn transfer(store: &MemoryStore, from: &[u8], to: &[u8]) {
    let keys = [from, to];
    let written = store.write_with(AT, KeySet::Many(&keys), |txn| {
        let balance = |view: &mut View<'_>, key: &[u8]| {
            let string = view.string(key).expect("a string").expect("a key");
            number(&string.to_bytes())
        };
        let (of_from, of_to) = (balance(txn, from), balance(txn, to));
        txn.set_string(from, StringValue::Int(of_from - 7), None);
        txn.set_string(to, StringValue::Int(of_to + 7), None);
    });
    written.expect("no refusal");
}
