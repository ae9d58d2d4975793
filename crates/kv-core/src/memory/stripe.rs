//! One stripe: the tables of its part of the keyspace, one for each database.

use super::recent::Recent;
use super::table::{EntryRef, Table};
use crate::{Db, Effect, Item, UnixMillis};

#[derive(Default)]
pub(crate) struct Stripe {
    tables: Vec<Table>,
    pub(crate) recent: Recent,
}

impl Stripe {
    pub(crate) fn get(&self, db: Db, hash: u64, key: &[u8]) -> Option<EntryRef<'_>> {
        self.tables.get(db.index())?.get(hash, key)
    }

    /// Changes memory: the only function that does, for live transactions and for replay.
    pub(crate) fn apply(&mut self, hash: u64, effect: &Effect<'_>) {
        match *effect {
            Effect::SetString {
                db,
                key,
                value,
                expires,
            } => {
                self.table(db).set_string(hash, key, value, expires);
            }
            Effect::AppendString { db, key, suffix } => {
                self.table(db).append_string(hash, key, suffix);
            }
            Effect::SetExpiry { db, key, expires } => {
                self.table(db).set_expiry(hash, key, expires);
            }
            Effect::Delete { db, key } => {
                self.table(db).remove(hash, key);
            }
            Effect::FlushDb { db } => {
                if let Some(table) = self.tables.get_mut(db.index()) {
                    *table = Table::default();
                }
            }
            Effect::FlushAll => self.tables.clear(),
        }
    }

    pub(crate) fn len(&self, db: Db) -> u64 {
        self.tables
            .get(db.index())
            .map_or(0, |table| table.len() as u64)
    }

    pub(crate) fn for_each(&self, show: &mut dyn FnMut(&Item<'_>)) {
        for (db, table) in self.numbered() {
            table.for_each(&mut |entry: EntryRef<'_>| {
                let (key, value, expires) = (entry.key(), entry.value(), entry.expires());
                show(&Item {
                    db,
                    key,
                    value,
                    expires,
                });
            });
        }
    }

    /// The keys that expired.
    pub(crate) fn due(&self, now: UnixMillis) -> Vec<(Db, Vec<u8>)> {
        let mut due = Vec::new();
        for (db, table) in self.numbered() {
            table.for_each(&mut |entry: EntryRef<'_>| {
                if entry.expires().is_some_and(|expires| expires <= now) {
                    due.push((db, entry.key().to_vec()));
                }
            });
        }
        due
    }

    fn numbered(&self) -> impl Iterator<Item = (Db, &Table)> {
        (0..).map(Db).zip(&self.tables)
    }

    fn table(&mut self, db: Db) -> &mut Table {
        if self.tables.len() <= db.index() {
            self.tables.resize_with(db.index() + 1, Table::default);
        }
        &mut self.tables[db.index()]
    }
}
