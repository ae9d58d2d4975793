//! What a store must hold: a map, and one number for all of it.

use std::collections::BTreeMap;

use kv_core::{Db, Item, ListEnd, Lsn, Store, StoreError, StringValue, Txn, UnixMillis, ValueRef};

use crate::testing::disk::{fingerprint, mix};

/// One change of a store, as a program asks for it.
#[derive(Clone, Debug)]
pub enum Step {
    /// Puts a string, with its expiry.
    Set(Vec<u8>, Vec<u8>, Option<UnixMillis>),
    /// Adds to the end of a string.
    Append(Vec<u8>, Vec<u8>),
    /// Adds an element at the back of a list.
    Push(Vec<u8>, Vec<u8>),
    /// Removes so many elements at the front of a list.
    Pop(Vec<u8>, usize),
    /// Puts a field with its value, a member, or a member with its score.
    Put(Vec<u8>, Keyed, Vec<u8>, Vec<u8>),
    /// Removes a field or member.
    Remove(Vec<u8>, Keyed, Vec<u8>),
    /// Changes the expiry of a key that is there.
    Expire(Vec<u8>, Option<UnixMillis>),
    /// Removes a key.
    Delete(Vec<u8>),
    /// Removes every key of the database.
    FlushDb,
    /// Removes every key of every database.
    FlushAll,
    /// Gives a library this code, or takes it away.
    Library(Vec<u8>, Option<Vec<u8>>),
}

/// Where a model keeps libraries: beside all databases.
const LIBRARIES: Db = Db(u16::MAX);

/// The kinds of collection that have names in them. Each has keys of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keyed {
    /// A hash.
    Hash,
    /// A set: the values are empty.
    Set,
    /// A sorted set: the values are scores.
    ZSet,
}

impl Keyed {
    fn put(
        self,
        txn: &mut Txn<'_>,
        key: &[u8],
        name: &[u8],
        value: &[u8],
    ) -> Result<(), StoreError> {
        match self {
            Self::Hash => txn.hash_set(key, &[name, value]).map(drop),
            Self::Set => txn.set_add(key, &[name]).map(drop),
            Self::ZSet => {
                let score = value.try_into().map_or(0.0, f64::from_le_bytes);
                txn.zset_add(key, &[(score, name)]).map(drop)
            }
        }
    }

    fn remove(self, txn: &mut Txn<'_>, key: &[u8], name: &[u8]) -> Result<(), StoreError> {
        let removed = match self {
            Self::Hash => txn.hash_delete(key, &[name]),
            Self::Set => txn.set_remove(key, &[name]),
            Self::ZSet => txn.zset_remove(key, &[name]),
        };
        removed.map(drop)
    }
}

impl Step {
    /// The key that it touches; `None`: all of them.
    pub(super) fn key(&self) -> Option<&[u8]> {
        match self {
            Self::Set(key, ..)
            | Self::Append(key, _)
            | Self::Push(key, _)
            | Self::Pop(key, _)
            | Self::Put(key, ..)
            | Self::Remove(key, ..)
            | Self::Expire(key, _)
            | Self::Delete(key) => Some(key),
            Self::FlushDb | Self::FlushAll | Self::Library(..) => None,
        }
    }

    /// Does it; whether it changed anything.
    ///
    /// # Panics
    ///
    /// When the key holds a value of another kind.
    pub(super) fn run(&self, txn: &mut Txn<'_>) -> bool {
        let before = txn.effects();
        match self {
            Self::Set(key, value, expires) => {
                txn.set_string(key, StringValue::new(value), *expires);
            }
            Self::Append(key, suffix) => txn.append_string(key, suffix),
            Self::Push(key, element) => {
                let pushed = txn.list_push(key, ListEnd::Back, &[element]);
                assert!(pushed.is_ok(), "lists have keys of their own");
            }
            Self::Pop(key, count) => {
                let popped = txn.list_pop(key, ListEnd::Front, *count);
                assert!(popped.is_ok(), "lists have keys of their own");
            }
            Self::Put(key, keyed, name, value) => {
                let put = keyed.put(txn, key, name, value);
                assert!(put.is_ok(), "each kind has keys of its own");
            }
            Self::Remove(key, keyed, name) => {
                let removed = keyed.remove(txn, key, name);
                assert!(removed.is_ok(), "each kind has keys of its own");
            }
            Self::Expire(key, expires) => {
                txn.set_expiry(key, *expires);
            }
            Self::Delete(key) => {
                txn.delete(key);
            }
            Self::FlushDb => txn.flush_db(),
            Self::FlushAll => txn.flush_all(),
            Self::Library(name, code) => {
                txn.set_library(name, code.as_deref());
            }
        }
        txn.effects() > before
    }
}

/// What one key holds.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    /// As [`bytes_of`] has it.
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
            let entry = Entry {
                value: bytes_of(item.value),
                expires: item.expires,
            };
            model.put(item.db, item.key, Some(entry));
        });
        for (name, code) in &*store.libraries() {
            model.put(LIBRARIES, name, Some(Entry::of_code(code)));
        }
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
            Step::Append(key, suffix) => self.grow(db, key, suffix),
            Step::Push(key, element) => self.grow(db, key, &framed(element)),
            Step::Pop(key, count) => {
                let shorter = self.entry(db, key).map(|entry| Entry {
                    value: without_front(&entry.value, *count).to_vec(),
                    ..entry
                });
                self.put(db, key, shorter.filter(|entry| !entry.value.is_empty()));
            }
            Step::Put(key, _, name, value) => {
                let entry = self.entry(db, key);
                let mut names = entry.as_ref().map_or_else(BTreeMap::new, Entry::names);
                names.insert(name.clone(), value.clone());
                let value = bytes_of_names(names);
                let expires = entry.and_then(|entry| entry.expires);
                self.put(db, key, Some(Entry { value, expires }));
            }
            Step::Remove(key, _, name) => {
                let shorter = self.entry(db, key).map(|entry| {
                    let mut names = entry.names();
                    names.remove(name);
                    let value = bytes_of_names(names);
                    Entry { value, ..entry }
                });
                self.put(db, key, shorter.filter(|entry| !entry.value.is_empty()));
            }
            Step::Expire(key, expires) => {
                let entry = self.entry(db, key);
                let expires = *expires;
                self.put(db, key, entry.map(|entry| Entry { expires, ..entry }));
            }
            Step::Delete(key) => self.put(db, key, None),
            Step::FlushDb => self.flush(|of| of == db),
            Step::FlushAll => self.flush(|of| of != LIBRARIES),
            Step::Library(name, code) => {
                self.put(LIBRARIES, name, code.as_deref().map(Entry::of_code));
            }
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

    fn grow(&mut self, db: Db, key: &[u8], suffix: &[u8]) {
        let mut entry = self.entry(db, key).unwrap_or(Entry {
            value: Vec::new(),
            expires: None,
        });
        entry.value.extend_from_slice(suffix);
        self.put(db, key, Some(entry));
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
    fn of_code(code: &[u8]) -> Self {
        Self {
            value: code.to_vec(),
            expires: None,
        }
    }

    /// What [`bytes_of_names`] was made of.
    fn names(&self) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let mut rest = self.value.as_slice();
        let mut names = BTreeMap::new();
        while !rest.is_empty() {
            let (name, value) = (take_framed(&mut rest), take_framed(&mut rest));
            names.insert(name.to_vec(), value.to_vec());
        }
        names
    }

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

/// A value as the model has it: the bytes of a string; each element of a list behind its length; or the names of
/// another collection in their order, with their values, each behind its length.
fn bytes_of(value: ValueRef<'_>) -> Vec<u8> {
    match value {
        ValueRef::String(string) => string.to_bytes().to_vec(),
        ValueRef::List(list) => list.iter().flat_map(framed).collect(),
        ValueRef::Hash(hash) => {
            let owned = |(field, value): (&[u8], &[u8])| (field.to_vec(), value.to_vec());
            bytes_of_names(hash.iter().map(owned).collect())
        }
        ValueRef::Set(set) => {
            let owned = |member: &[u8]| (member.to_vec(), Vec::new());
            bytes_of_names(set.iter().map(owned).collect())
        }
        ValueRef::ZSet(zset) => {
            let owned = |(member, score): (&[u8], f64)| {
                let score = score.to_le_bytes();
                (member.to_vec(), score.to_vec())
            };
            bytes_of_names(zset.iter().map(owned).collect())
        }
        other => panic!("no step makes a {}", other.kind()),
    }
}

fn bytes_of_names(names: BTreeMap<Vec<u8>, Vec<u8>>) -> Vec<u8> {
    let pairs = names.into_iter();
    pairs
        .flat_map(|(name, value)| [framed(&name), framed(&value)].concat())
        .collect()
}

fn framed(element: &[u8]) -> Vec<u8> {
    [&(element.len() as u64).to_le_bytes(), element].concat()
}

/// Takes what [`framed`] put.
fn take_framed<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let Some((length, behind)) = rest.split_first_chunk() else {
        *rest = &[];
        return &[];
    };
    let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
    let (taken, behind) = behind.split_at(length.min(behind.len()));
    *rest = behind;
    taken
}

/// What [`bytes_of`] says of a list without its first `count` elements.
fn without_front(mut list: &[u8], count: usize) -> &[u8] {
    for _ in 0..count {
        take_framed(&mut list);
    }
    list
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
        let print = print_of(item.db, item.key, &bytes_of(item.value), item.expires);
        digest = digest.wrapping_add(print);
    });
    for (name, code) in &*store.libraries() {
        digest = digest.wrapping_add(print_of(LIBRARIES, name, code, None));
    }
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
