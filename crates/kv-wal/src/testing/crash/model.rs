//! What a store must hold: a map, and one number for all of it.

use std::collections::BTreeMap;

use kv_core::{Db, Item, Lsn, Store, StringValue, Txn, UnixMillis, ValueRef};

use crate::testing::disk::{fingerprint, mix};

/// One change of a store, as a program asks for it.
#[derive(Clone, Debug)]
pub enum Step {
    /// Puts a string, with its expiry.
    Set(Vec<u8>, Vec<u8>, Option<UnixMillis>),
    /// Adds to the end of a string.
    Append(Vec<u8>, Vec<u8>),
    /// Changes the expiry of a key that is there.
    Expire(Vec<u8>, Option<UnixMillis>),
    /// Removes a key.
    Delete(Vec<u8>),
    /// Removes every key of the database.
    FlushDb,
    /// Removes every key of every database.
    FlushAll,
}

impl Step {
    /// The key that it touches; `None`: all of them.
    pub(super) fn key(&self) -> Option<&[u8]> {
        match self {
            Self::Set(key, ..)
            | Self::Append(key, _)
            | Self::Expire(key, _)
            | Self::Delete(key) => Some(key),
            Self::FlushDb | Self::FlushAll => None,
        }
    }

    /// Does it; whether it changed anything.
    pub(super) fn run(&self, txn: &mut Txn<'_>) -> bool {
        let before = txn.effects();
        match self {
            Self::Set(key, value, expires) => {
                txn.set_string(key, StringValue::new(value), *expires);
            }
            Self::Append(key, suffix) => txn.append_string(key, suffix),
            Self::Expire(key, expires) => {
                txn.set_expiry(key, *expires);
            }
            Self::Delete(key) => {
                txn.delete(key);
            }
            Self::FlushDb => txn.flush_db(),
            Self::FlushAll => txn.flush_all(),
        }
        txn.effects() > before
    }
}

/// What one key holds.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    value: Vec<u8>,
    expires: Option<UnixMillis>,
}

/// The contents of a store.
#[derive(Clone, Debug, Default)]
pub struct Model {
    entries: BTreeMap<(Db, Vec<u8>), Entry>,
    digest: u64,
}

impl Model {
    /// The contents of `store`.
    pub fn of(store: &dyn Store) -> Self {
        let mut model = Self::default();
        store.for_each(&mut |item| {
            let ValueRef::String(string) = item.value else {
                return;
            };
            let entry = Entry {
                value: string.to_bytes().to_vec(),
                expires: item.expires,
            };
            model.put(item.db, item.key, Some(entry));
        });
        model
    }

    /// A number that differs, as far as chance allows, where the contents differ.
    #[must_use]
    pub fn digest(&self) -> u64 {
        self.digest
    }

    /// The digest of what `key` holds, its expiry aside; `None` when it is not there.
    #[must_use]
    pub fn value_print(&self, db: Db, key: &[u8]) -> Option<u64> {
        let entry = self.entries.get(&(db, key.to_vec()))?;
        Some(fingerprint(&entry.value))
    }

    /// Applies one step on `db`.
    pub fn apply(&mut self, db: Db, step: &Step) {
        match step {
            Step::Set(key, value, expires) => {
                let (value, expires) = (value.clone(), *expires);
                self.put(db, key, Some(Entry { value, expires }));
            }
            Step::Append(key, suffix) => {
                let mut entry = self.entry(db, key).unwrap_or(Entry {
                    value: Vec::new(),
                    expires: None,
                });
                entry.value.extend_from_slice(suffix);
                self.put(db, key, Some(entry));
            }
            Step::Expire(key, expires) => {
                let entry = self.entry(db, key);
                let expires = *expires;
                self.put(db, key, entry.map(|entry| Entry { expires, ..entry }));
            }
            Step::Delete(key) => self.put(db, key, None),
            Step::FlushDb => self.flush(|of| of == db),
            Step::FlushAll => self.flush(|_| true),
        }
    }

    /// Where this and `other` differ, in words.
    #[must_use]
    pub fn difference(&self, other: &Self) -> String {
        let keys = self.entries.keys().chain(other.entries.keys());
        let differs = |key: &&(Db, Vec<u8>)| self.entries.get(*key) != other.entries.get(*key);
        let told = keys.filter(differs).take(3).map(|key| {
            let of = |model: &Self| model.entries.get(key).map(Entry::in_words);
            let name = String::from_utf8_lossy(&key.1);
            format!(
                "db {} {name}: {:?} instead of {:?}",
                key.0,
                of(self),
                of(other)
            )
        });
        told.collect::<Vec<_>>().join("; ")
    }

    fn entry(&self, db: Db, key: &[u8]) -> Option<Entry> {
        self.entries.get(&(db, key.to_vec())).cloned()
    }

    fn put(&mut self, db: Db, key: &[u8], entry: Option<Entry>) {
        let added = entry.as_ref().map(|entry| entry.print(db, key));
        let before = match entry {
            Some(entry) => self.entries.insert((db, key.to_vec()), entry),
            None => self.entries.remove(&(db, key.to_vec())),
        };
        let removed = before.map(|entry| entry.print(db, key));
        self.digest = self
            .digest
            .wrapping_add(added.unwrap_or_default())
            .wrapping_sub(removed.unwrap_or_default());
    }

    fn flush(&mut self, goes: impl Fn(Db) -> bool) {
        let gone: Vec<_> = self
            .entries
            .keys()
            .filter(|key| goes(key.0))
            .cloned()
            .collect();
        for (db, key) in gone {
            self.put(db, &key, None);
        }
    }
}

impl Entry {
    fn print(&self, db: Db, key: &[u8]) -> u64 {
        print_of(db, key, &self.value, self.expires)
    }

    fn in_words(&self) -> String {
        let head = &self.value[..self.value.len().min(24)];
        format!(
            "{} bytes {:?} until {:?}",
            self.value.len(),
            String::from_utf8_lossy(head),
            self.expires
        )
    }
}

fn print_of(db: Db, key: &[u8], value: &[u8], expires: Option<UnixMillis>) -> u64 {
    let expires = expires.map_or(1, |expires| expires.0.cast_unsigned() << 1);
    let words = [
        u64::from(db.0),
        fingerprint(key),
        fingerprint(value),
        expires,
    ];
    words.into_iter().fold(0, mix)
}

/// The digest that a [`Model`] of `store` would have.
pub(super) fn digest_of(store: &dyn Store) -> u64 {
    let mut digest = 0_u64;
    store.for_each(&mut |item: &Item<'_>| {
        let ValueRef::String(string) = item.value else {
            return;
        };
        let print = print_of(item.db, item.key, &string.to_bytes(), item.expires);
        digest = digest.wrapping_add(print);
    });
    digest
}

/// What a reader saw of one key.
#[derive(Clone, Debug)]
pub(super) struct Sight {
    pub(super) db: Db,
    pub(super) key: Vec<u8>,
    /// The fingerprint of the value; `None`: the key was not there.
    pub(super) value: Option<u64>,
    /// What the history had surely reached when the reader looked.
    pub(super) not_before: Lsn,
}
