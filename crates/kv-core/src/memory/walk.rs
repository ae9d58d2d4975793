//! A walk: every entry as of one moment, shown in short slices while traffic goes on.
//!
//! A walk begins with all stripes locked for a moment, and then goes through them in hash order, a few buckets
//! at a time. Whoever is about to change an entry that the walk has not reached hands a copy over first, and
//! marks the entry as young: what was changed or made since the beginning is not shown. The walk takes the
//! marks away as it passes them, so it needs no memory per key. A flush hands its tables over as they are.
//!
//! The copy of a large string or collection shares what it copies. A change of a collection that is shared copies
//! what lies around the change and no more, whatever its size (see `value/tree`).
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
use crate::{Db, Effect, Item, Libraries, Lsn};

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
    /// Since databases have changed places: the number that each had when the walk began.
    began_as: Vec<Db>,
    handed: Arc<Handed>,
}

impl StripeWalk {
    /// The number that the database, whose number is `db` now, had when the walk began.
    fn began_as(&self, db: Db) -> Db {
        self.began_as.get(db.index()).copied().unwrap_or(db)
    }

    /// The number that the database, which began as `db`, has now.
    fn now_at(&self, db: Db) -> Db {
        let place = self.began_as.iter().position(|began| *began == db);
        (0..).map(Db).nth(place.unwrap_or(db.index())).unwrap_or(db)
    }

    fn swap(&mut self, one: Db, other: Db) {
        let most = one.max(other).0;
        let from = u16::try_from(self.began_as.len()).unwrap_or(u16::MAX);
        self.began_as.extend((from..=most).map(Db));
        self.began_as.swap(one.index(), other.index());
    }

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
        entries
            .map(|(_, slot)| slot.entry().duplicate_bytes())
            .sum()
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
        self.backlog
            .0
            .fetch_add(copy.entry().duplicate_bytes(), SeqCst);
        self.lock().entries.push((db, copy));
    }

    /// Takes tables that were flushed, the first that of `db`, unless nobody wants them.
    fn tables(&self, walk: &StripeWalk, db: Db, tables: Tables) -> Option<Tables> {
        if self.is_unwanted.load(SeqCst) {
            return Some(tables);
        }
        let mut over = self.lock();
        let numbered = (db.0..).map(Db).zip(tables.into_tables());
        for (db, table) in numbered.map(|(db, table)| (walk.began_as(db), table)) {
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
        if let (Effect::SwapDbs { one, other }, Some(walk)) = (*effect, &mut self.walk) {
            walk.swap(one, other);
            return self.change(place, effect);
        }
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
        self.told(db, place, key, |stripe| stripe.change(place, effect))
    }

    /// Makes a change of one key, after handing over what a walk has still to show of it.
    pub(super) fn told<R>(
        &mut self,
        db: Db,
        place: Place,
        key: &[u8],
        change: impl FnOnce(&mut Self) -> R,
    ) -> R {
        let ahead = |walk: &&StripeWalk| walk.is_ahead(walk.began_as(db), place);
        let Some(walk) = self.walk.as_ref().filter(ahead) else {
            return change(self);
        };
        let before = self
            .existing_table(db)
            .and_then(|table| table.slot(place, key));
        if let Some(old) = before.filter(|slot| !slot.is_young()) {
            walk.handed.entry(walk.began_as(db), old);
        }
        let answer = change(self);
        let table = self.existing_table_mut(db);
        if let Some(slot) = table.and_then(|table| table.slot_mut(place, key)) {
            slot.set_young(true);
        }
        answer
    }

    /// Shows the next entries that are not young, and takes the marks of the others away; whether there is
    /// more to come. `show` tells how many bytes that were.
    fn walk_on(&mut self, mut show: impl FnMut(Db, &Slot) -> usize) -> bool {
        let Some(walk) = &self.walk else {
            return false;
        };
        let (db, place, now_at) = (walk.db, walk.place, walk.now_at(walk.db));
        if db.index() >= self.tables.len().max(walk.began_as.len()) {
            self.walk = None;
            return false;
        }
        let (mut buckets, shown_bytes) = (0, std::cell::Cell::new(0));
        let table = self.existing_table_mut(now_at);
        let next = table.and_then(|table| {
            table.walk_mut(
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
            )
        });
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
    libraries: Arc<Libraries>,
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
                began_as: Vec::new(),
                handed: Arc::clone(&handed),
            });
        }
        // Everything up to here has been appended, and nothing can be while the stripes are locked.
        let lsn = self.log.as_deref().map_or(Lsn::ZERO, |log| log.last());
        let (libraries, _) = self.shelf.look();
        drop(stripes);
        Some(Walk {
            store: self,
            lsn,
            keys,
            libraries,
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

    /// The libraries as they were when the walk began.
    #[must_use]
    pub fn libraries(&self) -> &Libraries {
        &self.libraries
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
            self.handed
                .backlog
                .0
                .fetch_sub(entry.duplicate_bytes(), SeqCst);
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
mod tests;
