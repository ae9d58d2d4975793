//! A walk: every entry as of one moment, shown in short slices while traffic goes on.
//!
//! A walk begins with all stripes locked for a moment, and then goes through them in hash order, a few buckets
//! at a time. Whoever is about to change an entry that the walk has not reached hands a copy over first, and
//! marks the entry as young: what was changed or made since the beginning is not shown. The walk takes the
//! marks away as it passes them, so it needs no memory per key. A flush hands its tables over as they are.
//!
//! The copy of a large string or collection shares what it copies. The first change of a collection that is
//! shared copies all its elements, with the stripe locked: once a walk for each large collection, and within
//! 2 ms up to about 10 000 elements (docs/hazards.md).
//!
//! Invariant: in front of a walk, an entry without the mark is what it was when the walk began, and an entry
//! that was there then and has changed since was handed over. Behind it, and without one, there are no marks.
//! Invariant: no lock is held for longer than a slice takes, and nobody waits for a walk.
//!
//! What was handed over waits in memory, at most as much as there was at the beginning. Whoever runs a walk
//! looks at [`WalkBacklog`] and holds up writers, before they take locks, when it grows too much.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::MemoryStore;
use super::garbage::Garbage;
use super::place::Place;
use super::raw::Slot;
use super::stripe::{Stripe, Tables, item};
use super::table::Table;
use crate::{Db, Effect, Item, Lsn};

/// Most buckets of one slice.
const SLICE_BUCKETS: usize = 32;

/// A slice ends after the bucket with which it has shown this much, in bytes without large strings.
const SLICE_BYTES: usize = 32 << 10;

/// The walk of a store.
#[derive(Debug, Default)]
pub(super) struct Walking {
    under_way: AtomicBool,
    backlog: WalkBacklog,
}

/// How much has been handed over to a walk that it has not shown yet.
#[derive(Clone, Debug, Default)]
pub struct WalkBacklog(Arc<AtomicUsize>);

impl WalkBacklog {
    /// Bytes of memory, without flushed tables.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.0.load(SeqCst)
    }
}

/// What a stripe knows of a walk that has not yet been through it.
pub(super) struct StripeWalk {
    /// Where the walk goes on: everything before was shown.
    db: Db,
    place: Place,
    handed: Arc<Handed>,
}

impl StripeWalk {
    fn is_ahead(&self, db: Db, place: Place) -> bool {
        (db, place) >= (self.db, self.place)
    }
}

/// Takes what is handed over.
struct Handed {
    over: Mutex<Over>,
    backlog: WalkBacklog,
    /// Nobody will show it any more.
    is_unwanted: AtomicBool,
}

#[derive(Default)]
struct Over {
    entries: Vec<(Db, Slot)>,
    tables: Vec<Rest>,
    /// Flushed tables that the walk had been through: only dropped, and not under a lock.
    spent: Vec<Table>,
}

impl Over {
    fn entry_bytes(&self) -> usize {
        let entries = self.entries.iter();
        entries.map(|(_, slot)| slot.entry().heap_bytes()).sum()
    }
}

/// A flushed table from where the walk had come.
struct Rest {
    db: Db,
    from: Place,
    table: Table,
}

impl Handed {
    fn lock(&self) -> MutexGuard<'_, Over> {
        // Nothing panics half way through a change under this lock.
        self.over.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn entry(&self, db: Db, slot: &Slot) {
        if self.is_unwanted.load(SeqCst) {
            return;
        }
        let copy = slot.duplicate();
        self.backlog.0.fetch_add(copy.entry().heap_bytes(), SeqCst);
        self.lock().entries.push((db, copy));
    }

    /// Takes tables that were flushed, the first that of `db`, unless nobody wants them.
    fn tables(&self, walk: &StripeWalk, db: Db, tables: Tables) -> Option<Tables> {
        if self.is_unwanted.load(SeqCst) {
            return Some(tables);
        }
        let mut over = self.lock();
        for (db, table) in (db.0..).map(Db).zip(tables.into_tables()) {
            if db < walk.db {
                over.spent.push(table);
                continue;
            }
            let from = if db == walk.db {
                walk.place
            } else {
                Place::START
            };
            over.tables.push(Rest { db, from, table });
        }
        None
    }
}

impl Stripe {
    /// Changes memory as [`Stripe::change`] does, after handing over what a walk has still to show.
    pub(super) fn apply_under_walk(
        &mut self,
        place: Place,
        effect: &Effect<'_>,
    ) -> Option<Garbage> {
        let Some((db, key)) = effect.key() else {
            let db = match *effect {
                Effect::FlushDb { db } => db,
                _ => Db::FIRST,
            };
            let tables = match self.change(place, effect)?.into_tables() {
                Ok(tables) => tables,
                Err(other) => return Some(other),
            };
            let left = match &self.walk {
                Some(walk) => walk.handed.tables(walk, db, tables),
                None => Some(tables),
            };
            return left.map(Garbage::of_tables);
        };
        let Some(walk) = self.walk.as_ref().filter(|walk| walk.is_ahead(db, place)) else {
            return self.change(place, effect);
        };
        let before = self
            .existing_table(db)
            .and_then(|table| table.slot(place, key));
        if let Some(old) = before.filter(|slot| !slot.is_young()) {
            walk.handed.entry(db, old);
        }
        let garbage = self.change(place, effect);
        let table = self.existing_table_mut(db);
        if let Some(slot) = table.and_then(|table| table.slot_mut(place, key)) {
            slot.set_young(true);
        }
        garbage
    }

    /// Shows the next entries that are not young, and takes the marks of the others away; whether there is
    /// more to come. `show` tells how many bytes that were.
    fn walk_on(&mut self, mut show: impl FnMut(Db, &Slot) -> usize) -> bool {
        let Some(StripeWalk { db, place, .. }) = self.walk else {
            return false;
        };
        let Some(table) = self.existing_table_mut(db) else {
            self.walk = None;
            return false;
        };
        let (mut buckets, shown_bytes) = (0, std::cell::Cell::new(0));
        let next = table.walk_mut(
            place,
            |slot| {
                if slot.is_young() {
                    slot.set_young(false);
                    return;
                }
                shown_bytes.set(shown_bytes.get() + show(db, slot));
            },
            || {
                buckets += 1;
                buckets >= SLICE_BUCKETS || shown_bytes.get() >= SLICE_BYTES
            },
        );
        if let Some(walk) = &mut self.walk {
            (walk.db, walk.place) = match next {
                Some(place) => (db, place),
                None => (Db(db.0 + 1), Place::START),
            };
        }
        true
    }
}

/// Every entry of a store as of the moment when the walk began. Dropping a walk ends it; the next one does not
/// notice.
pub struct Walk<'s> {
    store: &'s MemoryStore,
    lsn: Lsn,
    keys: u64,
    /// The stripe to go on with; one more than the last: all are done.
    stripe: u32,
    handed: Arc<Handed>,
    /// What was handed over and is shown next.
    over: Over,
}

impl MemoryStore {
    /// Begins a walk; `None` while another one is under way. Locks every stripe for a moment.
    #[must_use]
    pub fn walk(&self) -> Option<Walk<'_>> {
        if self.walking.under_way.swap(true, SeqCst) {
            return None;
        }
        let handed = Arc::new(Handed {
            over: Mutex::default(),
            backlog: self.walking.backlog.clone(),
            is_unwanted: AtomicBool::new(false),
        });
        let mut stripes: Vec<_> = (0..=self.last_stripe())
            .map(|number| self.lock(number))
            .collect();
        let mut keys = 0;
        for stripe in &mut stripes {
            keys += stripe
                .tables()
                .map(|(_, table)| table.len() as u64)
                .sum::<u64>();
            stripe.walk = Some(StripeWalk {
                db: Db::FIRST,
                place: Place::START,
                handed: Arc::clone(&handed),
            });
        }
        // Everything up to here has been appended, and nothing can be while the stripes are locked.
        let lsn = self.log.as_deref().map_or(Lsn::ZERO, |log| log.last());
        drop(stripes);
        Some(Walk {
            store: self,
            lsn,
            keys,
            stripe: 0,
            handed,
            over: Over::default(),
        })
    }

    /// How much a walk of this store has still to show of what was handed over to it.
    #[must_use]
    pub fn walk_backlog(&self) -> WalkBacklog {
        self.walking.backlog.clone()
    }
}

impl Walk<'_> {
    /// The newest effect that the walk shows: it shows all up to this one and no other.
    #[must_use]
    pub fn lsn(&self) -> Lsn {
        self.lsn
    }

    /// How many entries the walk shows, expired ones that are not yet removed included.
    #[must_use]
    pub fn keys(&self) -> u64 {
        self.keys
    }

    /// Shows some of the entries that were not shown yet, in no order that means anything; whether there may
    /// be more. `show` may be called with a stripe locked: it must be quick, and must not call the store.
    pub fn slice(&mut self, mut show: impl FnMut(&Item<'_>)) -> bool {
        self.show_handed(&mut show)
            || self.walk_on(|db, slot| {
                let entry = slot.entry();
                show(&item(db, entry));
                entry.own_bytes()
            })
    }

    /// Shows some of what was handed over; `false` when there is nothing.
    fn show_handed(&mut self, show: &mut impl FnMut(&Item<'_>)) -> bool {
        if self.over.entries.is_empty() && self.over.tables.is_empty() {
            self.over = std::mem::take(&mut *self.handed.lock());
            self.over.spent.clear();
        }
        let mut shown_bytes = 0;
        while shown_bytes < SLICE_BYTES
            && let Some((db, slot)) = self.over.entries.pop()
        {
            let entry = slot.entry();
            show(&item(db, entry));
            shown_bytes += entry.own_bytes();
            self.handed.backlog.0.fetch_sub(entry.heap_bytes(), SeqCst);
        }
        if shown_bytes > 0 {
            return true;
        }
        let Some(mut rest) = self.over.tables.pop() else {
            return false;
        };
        let mut buckets = 0;
        let next = rest.table.walk(
            rest.from,
            |slot| {
                if !slot.is_young() {
                    show(&item(rest.db, slot.entry()));
                }
            },
            || {
                buckets += 1;
                buckets >= SLICE_BUCKETS
            },
        );
        if let Some(from) = next {
            rest.from = from;
            self.over.tables.push(rest);
        }
        true
    }

    /// Goes on through the stripes; `false` when they are all done and nothing can be handed over any more.
    fn walk_on(&mut self, show: impl FnMut(Db, &Slot) -> usize) -> bool {
        if self.stripe > self.store.last_stripe() {
            return false;
        }
        if !self.store.lock(self.stripe).walk_on(show) {
            self.stripe += 1;
        }
        true
    }
}

impl Drop for Walk<'_> {
    fn drop(&mut self) {
        self.handed.is_unwanted.store(true, SeqCst);
        // Only the marks are left to be taken away, without a look at entries.
        while self.walk_on(|_, _| 0) {}
        let left = self.over.entry_bytes() + self.handed.lock().entry_bytes();
        self.handed.backlog.0.fetch_sub(left, SeqCst);
        self.store.walking.under_way.store(false, SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::testing::generate::{DATABASES, OwnedEffect, effects};
    use crate::testing::log::ManualLog;
    use crate::testing::model::ModelValue;
    use crate::{
        At, KeySet, ListEnd, MemoryOptions, Store, StringRef, StringValue, UnixMillis, ValueRef,
        View,
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
                        shown.clear();
                        walk = store.walk().expect("no other walk");
                    }
                }
            }
            finish(&mut walk, &mut shown);
            prop_assert_eq!(walk.keys(), expected.len() as u64);
            prop_assert!(shown == expected);
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
}
