//! The stripes that a transaction holds, and the keys it declared.
//!
//! Invariant: stripes are locked in ascending order, so that no two transactions wait for each other.
//! Invariant: a declared key is hashed once. A handler passes the slice that it declared, so the same address
//! and length mean the same key; any other slice is hashed again.

use std::sync::MutexGuard;

use smallvec::SmallVec;

use super::MemoryStore;
use super::place::{Place, Spot};
use super::raw::{EntryRef, prefetch};
use super::stripe::{Stripe, Tables};
use crate::{At, Db, Effect, KeySet, Lsn};

/// The locked stripes of one transaction.
pub(crate) struct Access<'s> {
    store: &'s MemoryStore,
    declared: Declared<'s>,
    /// By ascending number of the stripe.
    held: SmallVec<[(u32, MutexGuard<'s, Stripe>); 1]>,
    /// Whether looks are a reader's: those are counted.
    reader: bool,
    /// What this transaction changed.
    changed: Changed,
    /// What a flush emptied. Dropped after `held`, so that no lock is held meanwhile.
    emptied: Vec<Tables>,
}

enum Declared<'s> {
    One(&'s [u8], Spot),
    /// With the number of the key that was asked for last.
    Many(&'s [&'s [u8]], SmallVec<[Spot; 8]>, usize),
    Unknown,
}

#[derive(Default)]
struct Changed {
    keys: SmallVec<[(Spot, Db); 2]>,
    all: bool,
}

impl<'s> Access<'s> {
    #[inline]
    pub(crate) fn lock(store: &'s MemoryStore, db: Db, keys: KeySet<'s>) -> Self {
        match keys {
            KeySet::None => Self::new(store, Declared::Unknown, SmallVec::new()),
            KeySet::One(key) => {
                let spot = store.placing.spot(key);
                let held = SmallVec::from_buf([(spot.stripe, store.lock(spot.stripe))]);
                Self::new(store, Declared::One(key, spot), held)
            }
            KeySet::Many(keys) => Self::lock_many(store, db, keys),
            KeySet::All => {
                let held = (0..=store.last_stripe())
                    .map(|stripe| (stripe, store.lock(stripe)))
                    .collect();
                Self::new(store, Declared::Unknown, held)
            }
        }
    }

    /// Locks one whole stripe.
    pub(crate) fn lock_stripe(store: &'s MemoryStore, stripe: u32) -> Self {
        let held = SmallVec::from_buf([(stripe, store.lock(stripe))]);
        Self::new(store, Declared::Unknown, held)
    }

    fn lock_many(store: &'s MemoryStore, db: Db, keys: &'s [&'s [u8]]) -> Self {
        let spots: SmallVec<[Spot; 8]> = keys.iter().map(|key| store.placing.spot(key)).collect();
        let mut wanted: SmallVec<[u32; 16]> = spots.iter().map(|spot| spot.stripe).collect();
        wanted.sort_unstable();
        wanted.dedup();
        for stripe in &wanted {
            prefetch(&raw const store.stripes[*stripe as usize]);
        }
        let held = wanted
            .iter()
            .map(|stripe| (*stripe, store.lock(*stripe)))
            .collect();
        let access = Self::new(store, Declared::Unknown, held);
        access.prefetch(db, &spots);
        Self {
            declared: Declared::Many(keys, spots, 0),
            ..access
        }
    }

    fn new(
        store: &'s MemoryStore,
        declared: Declared<'s>,
        held: SmallVec<[(u32, MutexGuard<'s, Stripe>); 1]>,
    ) -> Self {
        Self {
            store,
            declared,
            held,
            reader: false,
            changed: Changed::default(),
            emptied: Vec::new(),
        }
    }

    /// Asks the processor for all buckets, then for all entries, so that their cache misses overlap.
    fn prefetch(&self, db: Db, spots: &[Spot]) {
        let tables = || {
            spots.iter().filter_map(|spot| {
                let table = self.held_stripe(spot.stripe)?.existing_table(db)?;
                Some((table, spot.place))
            })
        };
        tables().for_each(|(table, place)| table.prefetch_bucket(place));
        tables().for_each(|(table, place)| table.prefetch_entry(place));
    }

    /// This access for a reader, whose looks are counted.
    pub(crate) fn for_reader(self) -> Self {
        Self {
            reader: true,
            ..self
        }
    }

    /// The entry at `key`, and the newest LSN that this answer depends on. What has expired is not there.
    #[inline]
    pub(crate) fn look(&mut self, at: At, key: &[u8]) -> (Option<EntryRef<'_>>, Lsn) {
        let spot = self.spot(key);
        let (store, reader) = (self.store, self.reader);
        let stripe = self.stripe(spot);
        let newest = store.log.as_deref().map_or(Lsn::ZERO, |log| {
            stripe.recent.newest(spot.place, || log.settled())
        });
        let (stats, entry) = stripe.stats_and_entry(at.db, spot.place, key);
        let live = entry.filter(|entry| !is_expired(*entry, at));
        if reader {
            stats.hits += u64::from(live.is_some());
            stats.misses += u64::from(live.is_none());
            if entry.is_some() && live.is_none() {
                store.sweeper.met_expired(spot.stripe);
            }
        }
        (live, newest)
    }

    /// Whether there is an expired entry at `key`.
    #[inline]
    pub(crate) fn has_expired(&mut self, at: At, key: &[u8]) -> bool {
        let spot = self.spot(key);
        let Some(table) = self.stripe(spot).existing_table(at.db) else {
            return false;
        };
        // The bound first: most writes then need no look at the old entry here.
        table.expiries.bound() <= at.now
            && table
                .get(spot.place, key)
                .is_some_and(|entry| is_expired(entry, at))
    }

    /// `key` was removed because it had expired.
    pub(crate) fn count_expired(&mut self, key: &[u8]) {
        let spot = self.spot(key);
        self.stripe(spot).stats.expired += 1;
    }

    /// Changes memory and remembers what changed, for [`Access::finish`].
    pub(crate) fn apply(&mut self, effect: &Effect<'_>) {
        if let Some((db, key)) = effect.key() {
            let spot = self.spot(key);
            self.stripe(spot).apply(spot.place, effect);
            self.changed.keys.push((spot, db));
            return;
        }
        let stripes = self.store.stripes.len();
        assert_eq!(self.held.len(), stripes, "a flush holds every stripe");
        self.changed.all = true;
        for (_, stripe) in &mut self.held {
            self.emptied.extend(stripe.apply(Place::START, effect));
        }
    }

    /// Publishes what changed, before the locks are given back: as of the LSN `numbered.0` if there is a log,
    /// where nothing up to `numbered.1` can be taken back any more.
    pub(crate) fn finish(&mut self, numbered: Option<(Lsn, Lsn)>) {
        let totals = &self.store.totals;
        if self.changed.all {
            for (number, stripe) in &mut self.held {
                if let Some((lsn, _)) = numbered {
                    stripe.recent.all_changed(lsn);
                }
                totals.publish_all(*number, stripe);
            }
            return;
        }
        for (spot, db) in std::mem::take(&mut self.changed.keys) {
            let stripe = self.stripe(spot);
            if let Some((lsn, settled)) = numbered {
                stripe.recent.key_changed(spot.place, lsn, settled);
            }
            totals.publish(spot.stripe, db, stripe);
        }
    }

    /// Publishes the bound of the expiries of the one stripe that is held.
    pub(crate) fn publish_due(&mut self) {
        let (number, stripe) = &self.held[0];
        self.store.totals.publish_due(*number, stripe);
    }

    /// The stripe of a transaction that holds one.
    pub(crate) fn the_stripe(&mut self) -> &mut Stripe {
        assert_eq!(self.held.len(), 1, "one stripe is held");
        &mut self.held[0].1
    }

    /// The spot of `key`: known if it is the declared slice itself, else hashed.
    #[inline]
    fn spot(&mut self, key: &[u8]) -> Spot {
        match &mut self.declared {
            Declared::One(declared, spot) if std::ptr::eq(*declared, key) => *spot,
            Declared::Many(declared, spots, last) => {
                // Handlers go through their keys in order, and ask for each once or more.
                for index in [*last, *last + 1] {
                    if declared
                        .get(index)
                        .is_some_and(|declared| std::ptr::eq(*declared, key))
                    {
                        *last = index;
                        return spots[index];
                    }
                }
                self.store.placing.spot(key)
            }
            Declared::One(..) | Declared::Unknown => self.store.placing.spot(key),
        }
    }

    #[inline]
    fn stripe(&mut self, spot: Spot) -> &mut Stripe {
        let place = self.place_of(spot.stripe);
        match place {
            Some(place) => &mut self.held[place].1,
            None => panic!("a transaction touched a key that it had not declared"),
        }
    }

    fn held_stripe(&self, stripe: u32) -> Option<&Stripe> {
        self.place_of(stripe).map(|place| &*self.held[place].1)
    }

    #[inline]
    fn place_of(&self, stripe: u32) -> Option<usize> {
        match self.held.as_slice() {
            [(only, _)] => (*only == stripe).then_some(0),
            held => held
                .binary_search_by_key(&stripe, |(stripe, _)| *stripe)
                .ok(),
        }
    }
}

fn is_expired(entry: EntryRef<'_>, at: At) -> bool {
    entry.expires().is_some_and(|expires| expires <= at.now)
}
