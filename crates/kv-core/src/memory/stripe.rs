//! One stripe: the tables of its part of the keyspace, one for each database.
//!
//! Invariant: memory changes in [`Stripe::apply`] only, for live transactions and for replay alike.

use smallvec::SmallVec;

use super::expire::NEVER;
use super::place::Place;
use super::raw::EntryRef;
use super::recent::Recent;
use super::table::Table;
use crate::{Db, Effect, Item, MemoryStats, UnixMillis};

/// The tables of a stripe; that of the first database lies in the stripe itself.
pub(crate) type Tables = SmallVec<[Table; 1]>;

/// One stripe, behind its lock.
#[derive(Default)]
pub(crate) struct Stripe {
    tables: Tables,
    pub(crate) recent: Recent,
    pub(crate) stats: MemoryStats,
}

impl Stripe {
    /// The entry at `key`, expired or not, beside what counts looks.
    #[inline]
    pub(crate) fn stats_and_entry(
        &mut self,
        db: Db,
        place: Place,
        key: &[u8],
    ) -> (&mut MemoryStats, Option<EntryRef<'_>>) {
        let table = self.tables.get(db.index());
        (
            &mut self.stats,
            table.and_then(|table| table.get(place, key)),
        )
    }

    /// Changes memory: the only function that does. Returns the tables that a flush emptied, to be dropped
    /// when no lock is held any more.
    pub(crate) fn apply(&mut self, place: Place, effect: &Effect<'_>) -> Option<Tables> {
        match *effect {
            Effect::SetString {
                db,
                key,
                value,
                expires,
            } => {
                self.table(db).set_string(place, key, value, expires);
            }
            Effect::AppendString { db, key, suffix } => {
                self.table(db).append_string(place, key, suffix);
            }
            Effect::SetExpiry { db, key, expires } => {
                self.table(db).set_expiry(place, key, expires);
            }
            Effect::Delete { db, key } => {
                self.table(db).remove(place, key);
            }
            Effect::FlushDb { db } => {
                let table = self.tables.get_mut(db.index())?;
                return Some(SmallVec::from_buf([std::mem::take(table)]));
            }
            Effect::FlushAll => return Some(std::mem::take(&mut self.tables)),
        }
        None
    }

    /// The table of `db`, made if need be.
    pub(crate) fn table(&mut self, db: Db) -> &mut Table {
        if self.tables.len() <= db.index() {
            self.tables.resize_with(db.index() + 1, Table::default);
        }
        &mut self.tables[db.index()]
    }

    /// The table of `db`; `None` when it was never used.
    #[inline]
    pub(crate) fn existing_table(&self, db: Db) -> Option<&Table> {
        self.tables.get(db.index())
    }

    /// The tables that were used, by number of the database.
    pub(crate) fn tables(&self) -> &[Table] {
        &self.tables
    }

    /// A lower bound of all expiries.
    pub(crate) fn expiry_bound(&self) -> UnixMillis {
        let bounds = self.tables.iter().map(|table| table.expiries.bound());
        bounds.min().unwrap_or(NEVER)
    }

    /// The first database that may have something due by `now`, or the first one.
    pub(crate) fn due_db(&self, now: UnixMillis) -> Db {
        self.numbered()
            .find(|(_, table)| table.expiries.bound() <= now)
            .map_or(Db::FIRST, |(db, _)| db)
    }

    pub(crate) fn for_each(&self, show: &mut dyn FnMut(&Item<'_>)) {
        for (db, table) in self.numbered() {
            table.for_each(|entry| show(&item(db, entry)));
        }
    }

    fn numbered(&self) -> impl Iterator<Item = (Db, &Table)> {
        (0..).map(Db).zip(&self.tables)
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
