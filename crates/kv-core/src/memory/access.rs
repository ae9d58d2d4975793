//! The stripes that a transaction holds, and the keys it declared.
//!
//! Invariant: stripes are locked in ascending order, so that no two transactions wait for each other.
//! Invariant: a declared key is hashed once. A handler passes the slice that it declared, so the same address
//! and length mean the same key; any other slice is hashed again.

use std::sync::{Arc, MutexGuard};

use smallvec::SmallVec;

use super::MemoryStore;
use super::garbage::Garbage;
use super::lookup::{Look, has_ended, is_expired};
use super::place::{Place, Spot};
use super::raw::{EntryRef, prefetch};
use super::relocate::Relocation;
use super::stripe::Stripe;
use super::table::Table;
use super::undo::Undo;
use super::usage::Usage;
use super::watch::{KeyWatcher, News};
use crate::library::Shelf;
use crate::{At, Db, Effect, KeySet, Lsn, Random, UnixMillis, ValueLimits, ValueRef};

/// A stripe's number and the stripe.
pub(super) type Locked<'s> = (u32, MutexGuard<'s, Stripe>);

/// The locked stripes of one transaction.
pub(crate) struct Access<'s> {
    store: &'s MemoryStore,
    declared: Declared<'s>,
    held: Held<'s>,
    /// Whether looks are a reader's: those are counted.
    reader: bool,
    /// Whether a reader has met a key whose time has come.
    met_expired: bool,
}

enum Declared<'s> {
    One(&'s [u8], Located),
    Many(Box<DeclaredMany<'s>>),
    Unknown,
}

/// The spot of a key, and the number of its stripe among those held.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Located {
    spot: Spot,
    index: u32,
}

impl Located {
    /// Where the key is.
    pub(super) fn spot(self) -> Spot {
        self.spot
    }

    /// The number of its stripe among those held.
    pub(super) fn index(self) -> usize {
        self.index as usize
    }

    /// Where in its stripe the key is.
    pub(super) fn place(self) -> Place {
        self.spot.place
    }
}

struct DeclaredMany<'s> {
    keys: &'s [&'s [u8]],
    located: Vec<Located>,
    /// The number of the key that was asked for last.
    last: usize,
}

enum Held<'s> {
    One(Locked<'s>),
    /// By ascending number.
    Many(Vec<Locked<'s>>),
}

/// What a transaction changed.
#[derive(Default)]
pub(crate) struct Changes {
    keys: SmallVec<[(Located, Db); 2]>,
    all: bool,
    libraries: bool,
    /// What was removed and takes long to free. A transaction drops it when it no longer holds a lock.
    garbage: Vec<Garbage>,
    /// What watchers are told at the end.
    news: Vec<News>,
    /// What was there before, if all of it may have to be taken back.
    undo: Option<Box<Undo>>,
}

/// What has expired at a key.
pub(crate) enum Expired {
    Nothing,
    /// The key with all that belongs to it.
    Key,
    /// All fields of a hash, so many, and the key with them.
    AllFields(usize),
    /// These fields of a hash, and perhaps others.
    Fields(Vec<Box<[u8]>>),
}

/// Most fields that are removed together because they have expired: what is left over is not shown, and goes with
/// the next write or sweep.
const EXPIRED_FIELDS_MAX: usize = 128;

impl Changes {
    /// Of a transaction that may have to be taken back.
    pub(crate) fn that_can_be_undone() -> Self {
        Self {
            undo: Some(Box::default()),
            ..Self::default()
        }
    }

    /// Whether all of it can be taken back.
    pub(crate) fn can_be_undone(&self) -> bool {
        self.undo.is_some()
    }

    /// What is left to be freed.
    pub(super) fn into_garbage(self) -> Vec<Garbage> {
        self.garbage
    }
}

impl<'s> Access<'s> {
    #[inline]
    pub(crate) fn lock(store: &'s MemoryStore, db: Db, keys: KeySet<'s>, reader: bool) -> Self {
        let (declared, held) = match keys {
            KeySet::One(key) => {
                let spot = store.placing.spot(key);
                let held = Held::One((spot.stripe, store.lock(spot.stripe)));
                (Declared::One(key, Located { spot, index: 0 }), held)
            }
            KeySet::Many(keys) => lock_many(store, db, keys),
            KeySet::None => (Declared::Unknown, Held::Many(Vec::new())),
            KeySet::All => (Declared::Unknown, lock_all(store)),
        };
        Self {
            store,
            declared,
            held,
            reader,
            met_expired: false,
        }
    }

    pub(crate) fn databases(&self) -> u16 {
        self.store.databases
    }

    /// # Panics
    ///
    /// When the store has no such database.
    pub(crate) fn check_database(&self, db: Db) {
        self.store.check_database(db);
    }

    /// Locks one whole stripe.
    pub(crate) fn lock_stripe(store: &'s MemoryStore, stripe: u32) -> Self {
        Self {
            store,
            declared: Declared::Unknown,
            held: Held::One((stripe, store.lock(stripe))),
            reader: false,
            met_expired: false,
        }
    }

    /// The entry at `key`, and the newest LSN that this answer depends on. What has expired is not there. `uses`:
    /// the look counts as a use of the entry.
    #[inline]
    pub(crate) fn look(&mut self, at: At, key: &[u8], uses: bool) -> (Option<EntryRef<'_>>, Lsn) {
        let located = self.locate(key);
        let reader = self.reader;
        let stripe = &mut self.held.as_mut_slice()[located.index as usize].1;
        let look = Look {
            db: at.db,
            used: uses.then_some(at.now),
            reader,
        };
        let seen = self
            .store
            .look_in(stripe, located.spot, key, look, || at.now);
        self.met_expired |= seen.met_expired;
        (seen.entry, seen.newest)
    }

    /// Whether a reader has met a key whose time has come, which is still there.
    pub(crate) fn met_expired(&self) -> bool {
        self.met_expired
    }

    /// Whether `key` may be touched: its stripe is held.
    pub(crate) fn holds(&self, key: &[u8]) -> bool {
        let stripe = self.store.placing.spot(key).stripe;
        match &self.held {
            Held::One((number, _)) => *number == stripe,
            Held::Many(held) => held
                .binary_search_by_key(&stripe, |(number, _)| *number)
                .is_ok(),
        }
    }

    /// Whether looks are a reader's.
    pub(crate) fn is_reader(&self) -> bool {
        self.reader
    }

    /// What has expired of the entry at `key`: nothing, usually.
    #[inline]
    pub(crate) fn expired(&mut self, at: At, key: &[u8]) -> Expired {
        let located = self.locate(key);
        let Some(table) = self.stripe(located).existing_table(at.db) else {
            return Expired::Nothing;
        };
        // The bound first: most writes then need no look at the old entry here.
        if table.expiries.bound() > at.now {
            return Expired::Nothing;
        }
        match table.get(located.spot.place, key) {
            None => Expired::Nothing,
            Some(entry) if has_ended(entry, at) => Expired::Key,
            Some(entry) if is_expired(entry, at) => Expired::AllFields(fields_of(entry)),
            Some(entry) => match expired_fields(entry, at) {
                fields if fields.is_empty() => Expired::Nothing,
                fields => Expired::Fields(fields),
            },
        }
    }

    /// Lets `watcher` know of changes of `key` from now on; whether it is there.
    pub(crate) fn watch(&mut self, at: At, key: &[u8], watcher: &Arc<dyn KeyWatcher>) -> bool {
        let is_stale = matches!(self.expired(at, key), Expired::Key | Expired::AllFields(_));
        let located = self.locate(key);
        let place = located.spot.place;
        let stripe = self.stripe(located);
        stripe.watch((at.db, key), place, is_stale, watcher);
        let table = stripe.existing_table(at.db);
        !is_stale && table.is_some_and(|table| table.get(place, key).is_some())
    }

    /// `key`, or so many fields of it, were removed because they had expired.
    pub(crate) fn count_expired(&mut self, key: &[u8], fields: Option<usize>) {
        let located = self.locate(key);
        let stats = &mut self.stripe(located).stats;
        match fields {
            None => stats.expired += 1,
            Some(fields) => stats.expired_fields += fields as u64,
        }
    }

    /// `key` is about to be removed to make room: how many bytes it takes; 0 when it is not there.
    pub(crate) fn count_evicted(&mut self, db: Db, key: &[u8]) -> usize {
        let located = self.locate(key);
        let stripe = self.stripe(located);
        let (stats, entry) = stripe.stats_and_entry(db, located.spot.place, key);
        stats.evicted += u64::from(entry.is_some());
        entry.map_or(0, EntryRef::heap_bytes)
    }

    /// Up to which sizes collections are packed.
    pub(crate) fn limits(&self) -> &ValueLimits {
        &self.store.limits
    }

    /// What the store remembers of uses.
    pub(crate) fn usage(&self) -> &Usage {
        &self.store.usage
    }

    /// Luck for this transaction.
    pub(crate) fn random(&self) -> Random {
        self.store.random()
    }

    /// Changes memory and remembers what changed, for [`Access::finish`].
    pub(crate) fn apply(&mut self, effect: &Effect<'_>, now: UnixMillis, changes: &mut Changes) {
        let fresh = self.store.usage.fresh(now);
        if effect.source().is_some() {
            if let Some(relocation) = Relocation::of(effect) {
                self.relocate(effect, &relocation, fresh, changes);
            }
            return;
        }
        if let Some((db, key)) = effect.key() {
            let located = self.locate(key);
            let stripe = self.stripe(located);
            if let Some(undo) = &mut changes.undo {
                undo.keep(stripe, located, db, key);
            }
            stripe.set_fresh(fresh);
            if stripe.watches.is_some() {
                stripe.note_change(effect, &mut changes.news);
            }
            let garbage = stripe.apply(located.spot.place, effect);
            changes.garbage.extend(garbage);
            changes.keys.push((located, db));
            return;
        }
        let stripes = self.store.stripes.len();
        let held = self.held.as_mut_slice();
        assert_eq!(
            held.len(),
            stripes,
            "a change of whole databases, or of libraries, holds every stripe"
        );
        // Neither whole databases nor libraries are kept.
        changes.undo = None;
        if self.store.shelf.apply(effect) {
            changes.libraries = true;
            return;
        }
        changes.all = true;
        for (_, stripe) in held {
            stripe.note_changes(effect, now, &mut changes.news);
            changes.garbage.extend(stripe.apply(Place::START, effect));
        }
    }

    /// Moves or copies the value of a key to another one.
    fn relocate(
        &mut self,
        effect: &Effect<'_>,
        relocation: &Relocation<'_>,
        fresh: u32,
        changes: &mut Changes,
    ) {
        self.check_database(relocation.db);
        let from = self.locate(relocation.from);
        let to = self.locate(relocation.key);
        if let Some(undo) = &mut changes.undo {
            undo.keep(self.stripe(from), from, relocation.from_db, relocation.from);
            undo.keep(self.stripe(to), to, relocation.db, relocation.key);
        }
        let source = self.stripe(from);
        if let Some(end) = relocation.end_of_source() {
            source.note_change(&end, &mut changes.news);
        }
        let new = relocation.take(source, from.spot.place, to.spot.place);
        let target = self.stripe(to);
        target.set_fresh(fresh);
        target.note_change(effect, &mut changes.news);
        let garbage = relocation.put(target, to.spot.place, new);
        changes.garbage.extend(garbage);
        changes.keys.push((from, relocation.from_db));
        changes.keys.push((to, relocation.db));
    }

    /// Makes every key again what it was before `changes`, of which nobody is told.
    pub(crate) fn take_back(&mut self, changes: &mut Changes) {
        let undo = changes.undo.take().unwrap_or_default();
        for (located, db, key, entry) in undo.into_entries() {
            let garbage = self
                .stripe(located)
                .put_entry(db, located.place(), &key, entry);
            changes.garbage.extend(garbage);
        }
        changes.keys.clear();
        changes.news.clear();
    }

    /// Publishes what changed, before the locks are given back: as of the LSN `numbered.0` if there is a log,
    /// where nothing up to `numbered.1` can be taken back any more.
    pub(crate) fn finish(&mut self, changes: &Changes, numbered: Option<(Lsn, Lsn)>) {
        for news in &changes.news {
            news.tell(numbered.map_or(Lsn::ZERO, |(lsn, _)| lsn));
        }
        if let (true, Some((lsn, _))) = (changes.libraries, numbered) {
            self.store.shelf.changed(lsn);
        }
        let totals = &self.store.totals;
        if changes.all {
            for (number, stripe) in self.held.as_mut_slice() {
                if let Some((lsn, _)) = numbered {
                    stripe.recent.all_changed(lsn);
                }
                totals.publish_all(*number, stripe);
            }
            return;
        }
        for (located, db) in &changes.keys {
            let spot = located.spot;
            let stripe = self.stripe(*located);
            if let Some((lsn, settled)) = numbered {
                stripe.recent.key_changed(spot.place, lsn, settled);
            }
            totals.publish(spot.stripe, *db, stripe);
        }
    }

    /// Publishes the bound of the expiries of the one stripe that is held.
    pub(crate) fn publish_due(&mut self) {
        let Held::One((number, stripe)) = &self.held else {
            unreachable!("a sweep holds one stripe")
        };
        self.store.totals.publish_due(*number, stripe);
    }

    /// Every stripe of the store.
    ///
    /// # Panics
    ///
    /// When the transaction does not hold them all.
    pub(crate) fn all_stripes(&self) -> impl Iterator<Item = &Stripe> {
        let held = match &self.held {
            Held::One(held) => std::slice::from_ref(held),
            Held::Many(held) => held,
        };
        let all = held.len() == self.store.stripes.len();
        assert!(all, "a look at whole databases holds every stripe");
        held.iter().map(|(_, stripe)| &**stripe)
    }

    /// The libraries.
    ///
    /// # Panics
    ///
    /// When the transaction holds no stripe.
    pub(crate) fn shelf(&self) -> &Shelf {
        let held = match &self.held {
            Held::One(_) => 1,
            Held::Many(held) => held.len(),
        };
        assert!(held > 0, "a look at libraries holds a stripe");
        &self.store.shelf
    }

    /// The newest change that a look at whole databases may show.
    pub(crate) fn newest(&self) -> Lsn {
        self.store.totals.newest()
    }

    /// The stripe of a transaction that holds one.
    pub(crate) fn the_stripe(&mut self) -> &mut Stripe {
        let Held::One((_, stripe)) = &mut self.held else {
            unreachable!("a sweep holds one stripe")
        };
        stripe
    }

    /// Where `key` is: known if it is the declared slice itself, else looked for.
    #[inline]
    fn locate(&mut self, key: &[u8]) -> Located {
        let known = match &mut self.declared {
            Declared::One(declared, located) => std::ptr::eq(*declared, key).then_some(*located),
            Declared::Many(many) => many.locate(key),
            Declared::Unknown => None,
        };
        known.unwrap_or_else(|| self.locate_anew(key))
    }

    #[cold]
    fn locate_anew(&mut self, key: &[u8]) -> Located {
        let spot = self.store.placing.spot(key);
        let held = self.held.as_mut_slice();
        match held.binary_search_by_key(&spot.stripe, |(number, _)| *number) {
            Ok(index) => Located {
                spot,
                index: u32::try_from(index).unwrap_or(u32::MAX),
            },
            Err(_) => panic!("a transaction touched a key that it had not declared"),
        }
    }

    #[inline]
    fn stripe(&mut self, located: Located) -> &mut Stripe {
        &mut self.held.as_mut_slice()[located.index as usize].1
    }
}

impl DeclaredMany<'_> {
    fn locate(&mut self, key: &[u8]) -> Option<Located> {
        // Handlers go through their keys in order, and ask for each once or more.
        for index in [self.last, self.last + 1] {
            if self
                .keys
                .get(index)
                .is_some_and(|declared| std::ptr::eq(*declared, key))
            {
                self.last = index;
                return Some(self.located[index]);
            }
        }
        None
    }
}

impl<'s> Held<'s> {
    #[inline]
    fn as_mut_slice(&mut self) -> &mut [Locked<'s>] {
        match self {
            Self::One(held) => std::slice::from_mut(held),
            Self::Many(held) => held,
        }
    }
}

#[inline(never)]
fn lock_many<'s>(store: &'s MemoryStore, db: Db, keys: &'s [&'s [u8]]) -> (Declared<'s>, Held<'s>) {
    let (located, held) = lock_in_order(store, db, keys);
    let declared = DeclaredMany {
        keys,
        located,
        last: 0,
    };
    (Declared::Many(Box::new(declared)), Held::Many(held))
}

/// Locks the stripes of `keys`, and asks the processor for what a look at them in `db` needs.
pub(super) fn lock_in_order<'s>(
    store: &'s MemoryStore,
    db: Db,
    keys: &[&[u8]],
) -> (Vec<Located>, Vec<Locked<'s>>) {
    let locate = |key: &&[u8]| {
        let spot = store.placing.spot(key);
        prefetch(&raw const store.stripes[spot.stripe as usize]);
        Located { spot, index: 0 }
    };
    let mut located: Vec<Located> = keys.iter().map(locate).collect();
    let mut held: Vec<Locked<'_>> = Vec::with_capacity(keys.len());
    for number in by_stripe(&located) {
        let key = &mut located[number];
        let stripe = key.spot.stripe;
        if held.last().is_none_or(|(last, _)| *last != stripe) {
            held.push((stripe, store.lock(stripe)));
        }
        key.index = last_index(&held);
    }
    prefetch_keys(&held, db, &located);
    (located, held)
}

/// The numbers of the keys, by ascending stripe.
fn by_stripe(located: &[Located]) -> impl Iterator<Item = usize> + use<> {
    // One word of both, which compares as fast as a number.
    let both = |(key, number): (&Located, u64)| u64::from(key.spot.stripe) << u32::BITS | number;
    let mut numbers: SmallVec<[u64; 16]> = located.iter().zip(0..).map(both).collect();
    numbers.sort_unstable();
    #[expect(clippy::cast_possible_truncation, reason = "the lower half is meant")]
    numbers.into_iter().map(|both| both as u32 as usize)
}

#[inline(never)]
fn lock_all(store: &MemoryStore) -> Held<'_> {
    let lock = |number| (number, store.lock(number));
    Held::Many((0..=store.last_stripe()).map(lock).collect())
}

/// The number of the last stripe of some, which are not more than a store has.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a store has at most STRIPES_MAX"
)]
fn last_index(held: &[Locked<'_>]) -> u32 {
    (held.len() - 1) as u32
}

/// Asks the processor for all buckets, then for all entries, so that their cache misses overlap.
fn prefetch_keys(held: &[Locked<'_>], db: Db, located: &[Located]) {
    for ask in [Table::prefetch_bucket, Table::prefetch_entry] {
        for key in located {
            let (_, stripe) = &held[key.index as usize];
            if let Some(table) = stripe.existing_table(db) {
                ask(table, key.spot.place);
            }
        }
    }
}

/// How many fields a hash has, those that have expired included.
fn fields_of(entry: EntryRef<'_>) -> usize {
    match entry.value() {
        ValueRef::Hash(hash) => hash.len(),
        _ => 0,
    }
}

/// The first fields that have expired.
fn expired_fields(entry: EntryRef<'_>, at: At) -> Vec<Box<[u8]>> {
    let ValueRef::Hash(hash) = entry.value() else {
        return Vec::new();
    };
    let expiring = hash.expiring();
    let expired = expiring.take_while(|(expires, _)| *expires <= at.now);
    let fields = expired.map(|(_, field)| field.into());
    fields.take(EXPIRED_FIELDS_MAX).collect()
}
