//! One stripe: the tables of its part of the keyspace, one for each database.
//!
//! Invariant: memory changes in [`Stripe::apply`] and, where an effect is on two keys, in the two steps of
//! `Relocation` only, for live transactions and for replay alike.
//! Invariant: what a walk has still to show is handed over to it before it changes.

use std::sync::Arc;

use super::collect;
use super::expire::NEVER;
use super::garbage::Garbage;
use super::place::Place;
use super::raw::EntryRef;
use super::recent::Recent;
use super::table::Table;
use super::walk::StripeWalk;
use super::watch::Watches;
use crate::limits::STRING_BYTES_MAX;
use crate::{Db, Effect, Item, MemoryStats, UnixMillis, ValueLimits};

/// One stripe, behind its lock. What every look needs comes first, to share a cache line with the lock.
#[derive(Default)]
#[repr(C)]
pub(crate) struct Stripe {
    pub(crate) stats: MemoryStats,
    pub(super) tables: Tables,
    pub(crate) recent: Recent,
    /// The walk that has not yet been through this stripe.
    pub(super) walk: Option<StripeWalk>,
    /// Who wants to know of changes; `None` while nobody does.
    pub(super) watches: Option<Box<Watches>>,
    limits: Arc<ValueLimits>,
}

/// The tables of a stripe, by number of the database. That of the first one, which most programs use alone,
/// needs no step more to be reached.
#[derive(Default)]
#[repr(C)]
pub(crate) struct Tables {
    first: Table,
    others: Vec<Table>,
    /// The stamp of what is added or changed from now on.
    fresh: u32,
}

impl Tables {
    #[inline]
    fn get(&self, db: Db) -> Option<&Table> {
        match db.index().checked_sub(1) {
            None => Some(&self.first),
            Some(index) => self.others.get(index),
        }
    }

    /// The table of `db`, made if need be.
    fn get_or_make(&mut self, db: Db) -> &mut Table {
        let table = match db.index().checked_sub(1) {
            None => &mut self.first,
            Some(index) => {
                if self.others.len() <= index {
                    self.others.resize_with(index + 1, Table::default);
                }
                &mut self.others[index]
            }
        };
        table.fresh = self.fresh;
        table
    }

    fn get_mut(&mut self, db: Db) -> Option<&mut Table> {
        match db.index().checked_sub(1) {
            None => Some(&mut self.first),
            Some(index) => self.others.get_mut(index),
        }
    }

    fn swap(&mut self, one: Db, other: Db) {
        if one == other {
            return;
        }
        let taken = std::mem::take(self.get_or_make(one));
        let taken = std::mem::replace(self.get_or_make(other), taken);
        *self.get_or_make(one) = taken;
    }

    /// Bytes of heap of all tables and their entries.
    pub(super) fn heap_bytes(&self) -> usize {
        self.numbered().map(|(_, table)| table.heap_bytes()).sum()
    }

    /// The tables themselves, by number of the database.
    pub(super) fn into_tables(self) -> impl Iterator<Item = Table> {
        std::iter::once(self.first).chain(self.others)
    }

    /// How many tables were used, or lie before one that was.
    pub(super) fn len(&self) -> usize {
        1 + self.others.len()
    }

    fn numbered(&self) -> impl Iterator<Item = (Db, &Table)> {
        (0..)
            .map(Db)
            .zip(std::iter::once(&self.first).chain(&self.others))
    }
}

impl Stripe {
    /// An empty one, whose packed collections keep to `limits`.
    pub(super) fn new(limits: Arc<ValueLimits>) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }

    /// What is added or changed from now on gets this stamp.
    #[inline]
    pub(super) fn set_fresh(&mut self, stamp: u32) {
        self.tables.fresh = stamp;
    }

    /// The entry at `key`, expired or not, beside what counts looks.
    #[inline]
    pub(crate) fn stats_and_entry(
        &mut self,
        db: Db,
        place: Place,
        key: &[u8],
    ) -> (&mut MemoryStats, Option<EntryRef<'_>>) {
        let table = self.tables.get(db);
        (
            &mut self.stats,
            table.and_then(|table| table.get(place, key)),
        )
    }

    /// Changes memory: the only function that does, beside the steps of a relocation. Returns what is to be
    /// dropped when no lock is held any more.
    pub(crate) fn apply(&mut self, place: Place, effect: &Effect<'_>) -> Option<Garbage> {
        if self.walk.is_some() {
            return self.apply_under_walk(place, effect);
        }
        self.change(place, effect)
    }

    /// Makes the change, whatever a walk has still to show.
    pub(super) fn change(&mut self, place: Place, effect: &Effect<'_>) -> Option<Garbage> {
        let removed = match *effect {
            Effect::SetString {
                db,
                key,
                value,
                expires,
            } => self.table(db).set_string(place, key, value, expires),
            Effect::AppendString { db, key, suffix } => {
                self.table(db).append_string(place, key, suffix)
            }
            Effect::PatchString { bytes: [], .. } => None,
            Effect::PatchString {
                db,
                key,
                offset,
                bytes,
            } => {
                let end = offset.saturating_add(bytes.len() as u64);
                assert!(
                    end <= STRING_BYTES_MAX as u64,
                    "a patch beyond the longest string"
                );
                let offset = usize::try_from(offset).unwrap_or(usize::MAX);
                self.table(db).patch_string(place, key, offset, bytes)
            }
            Effect::CopyKey { .. } | Effect::MoveKey { .. } => {
                unreachable!("an effect on two keys is two steps, see `Relocation`")
            }
            Effect::SwapDbs { one, other } => {
                self.tables.swap(one, other);
                None
            }
            Effect::SetExpiry { db, key, expires } => {
                self.table(db).set_expiry(place, key, expires);
                None
            }
            Effect::Delete { db, key } => self.table(db).remove(place, key),
            Effect::FlushDb { db } => {
                self.existing_table(db)?;
                let first = std::mem::take(self.table(db));
                return Some(Garbage::of_tables(Tables {
                    first,
                    ..Tables::default()
                }));
            }
            Effect::FlushAll => return Some(Garbage::of_tables(std::mem::take(&mut self.tables))),
            Effect::SetLibrary { .. } => unreachable!("libraries are in no stripe, see `Shelf`"),
            Effect::SetCollection { db, .. }
            | Effect::ListPush { db, .. }
            | Effect::ListPop { db, .. }
            | Effect::ListSet { db, .. }
            | Effect::ListInsert { db, .. }
            | Effect::ListRemove { db, .. }
            | Effect::HashSet { db, .. }
            | Effect::HashDelete { db, .. }
            | Effect::SetAdd { db, .. }
            | Effect::SetRemove { db, .. }
            | Effect::HashExpire { db, .. }
            | Effect::ZSetAdd { db, .. }
            | Effect::ZSetRemove { db, .. }
            | Effect::Stream { db, .. } => {
                let table = self.tables.get_or_make(db);
                return collect::apply(table, place, effect, &self.limits);
            }
        };
        removed.and_then(Garbage::of_entry)
    }

    /// The table of `db`, made if need be.
    #[inline]
    pub(crate) fn table(&mut self, db: Db) -> &mut Table {
        self.tables.get_or_make(db)
    }

    /// The table of `db`; `None` when it was never used.
    #[inline]
    pub(crate) fn existing_table(&self, db: Db) -> Option<&Table> {
        self.tables.get(db)
    }

    /// As [`Stripe::existing_table`], to change it.
    pub(super) fn existing_table_mut(&mut self, db: Db) -> Option<&mut Table> {
        self.tables.get_mut(db)
    }

    /// The tables that were used, with their databases.
    pub(crate) fn tables(&self) -> impl Iterator<Item = (Db, &Table)> {
        self.tables.numbered()
    }

    /// A lower bound of all expiries.
    pub(crate) fn expiry_bound(&self) -> UnixMillis {
        let bounds = self.tables().map(|(_, table)| table.expiries.bound());
        bounds.min().unwrap_or(NEVER)
    }

    /// The first database that may have something due by `now`.
    pub(crate) fn due_db(&self, now: UnixMillis) -> Option<Db> {
        self.tables()
            .find(|(_, table)| table.expiries.bound() <= now)
            .map(|(db, _)| db)
    }

    pub(crate) fn for_each(&self, show: &mut dyn FnMut(&Item<'_>)) {
        for (db, table) in self.tables() {
            table.for_each(|entry| show(&item(db, entry)));
        }
    }
}

/// An entry as it is shown outside.
pub(crate) fn item(db: Db, entry: EntryRef<'_>) -> Item<'_> {
    Item {
        db,
        key: entry.key(),
        value: entry.value(),
        expires: entry.expires(),
    }
}
