//! [`View`]: looks at the keys of a transaction.

use std::sync::Arc;

use crate::memory::{Access, EntryRef, Usage};
use crate::observe::Notebook;
use crate::{
    At, Classes, Db, Expiry, HashRef, KeyWatcher, Kind, Libraries, List, Lsn, Random, Set,
    StoreError, Stream, StringRef, UnixMillis, Uses, ValueLimits, ValueRef, ZSet,
};

/// A consistent, read-only look at the declared keys: of one database at a time, see [`View::in_db`].
///
/// Its methods panic on a key that was not declared. A key is hashed once if the slices passed here are those
/// that were declared, not copies of them.
pub struct View<'s> {
    pub(crate) access: Access<'s>,
    pub(crate) at: At,
    pub(crate) seen: Lsn,
    /// Whether looks do not count as uses.
    pub(crate) leaves_no_trace: bool,
    pub(crate) notebook: Notebook,
}

impl View<'_> {
    /// The time this transaction takes for now.
    #[must_use]
    pub fn now(&self) -> UnixMillis {
        self.at.now
    }

    /// The database this transaction works on.
    #[must_use]
    pub fn db(&self) -> Db {
        self.at.db
    }

    /// How many databases the store has.
    #[must_use]
    pub fn databases(&self) -> u16 {
        self.access.databases()
    }

    /// Up to which sizes collections are packed.
    #[must_use]
    pub fn limits(&self) -> &ValueLimits {
        self.access.limits()
    }

    /// How many things there are to tell of this transaction so far: none while nobody listens.
    #[must_use]
    pub fn to_tell(&self) -> usize {
        self.notebook.len()
    }

    /// Lets `look` see the same keys, and the same moment, in the database `db`.
    ///
    /// # Panics
    ///
    /// When the store has no such database.
    pub fn in_db<R>(&mut self, db: Db, look: impl FnOnce(&mut Self) -> R) -> R {
        self.access.check_database(db);
        let before = std::mem::replace(&mut self.at.db, db);
        let answer = look(self);
        self.at.db = before;
        answer
    }

    /// Lets `watcher` know of every change of `key`, in the present database, that comes after this transaction,
    /// until [`MemoryStore::unwatch`](crate::MemoryStore::unwatch); or after this call, if this transaction goes
    /// on to change it. To ask again changes nothing. Whether `key` is there; that counts as no look at it.
    pub fn watch(&mut self, key: &[u8], watcher: &Arc<dyn KeyWatcher>) -> bool {
        self.access.watch(self.at, key, watcher)
    }

    /// Tells an [`Observer`](crate::Observer) who is at work: a number that means something to it.
    pub fn set_origin(&mut self, origin: u64) {
        self.notebook.origin = origin;
    }

    /// Whether a look of a reader has met something that has expired: it is not shown, and still there.
    #[must_use]
    pub fn met_expired(&self) -> bool {
        self.access.met_expired()
    }

    /// What the store remembers of uses.
    #[must_use]
    pub fn remembered(&self) -> Uses {
        self.access.usage().remembered()
    }

    /// Looks do not count as uses of keys from here on.
    pub fn leave_no_trace(&mut self) {
        self.leaves_no_trace = true;
    }

    /// Whether `key` is there. That is no use of it.
    #[must_use]
    pub fn exists(&mut self, key: &[u8]) -> bool {
        self.entry(key, false).is_some()
    }

    /// Whether `key` is there, which is a use of it whatever [`View::leave_no_trace`] said.
    #[must_use]
    pub fn touch(&mut self, key: &[u8]) -> bool {
        self.entry(key, true).is_some()
    }

    /// As [`View::value`], which is no use of the key.
    #[must_use]
    pub fn peek(&mut self, key: &[u8]) -> Option<ValueRef<'_>> {
        let now = self.at.now;
        self.entry(key, false)
            .map(|entry| entry.value().at_time(now))
    }

    /// For how many seconds `key` has not been used, if that is what the store remembers; `None` when there is no
    /// such key.
    #[must_use]
    pub fn idle_s(&mut self, key: &[u8]) -> Option<u32> {
        let now = self.at.now;
        self.entry(key, false)
            .map(|entry| Usage::idle_s(entry.stamp(), now))
    }

    /// How often `key` was used of late, from 0 to 255, if that is what the store remembers; `None` when there is
    /// no such key.
    #[must_use]
    pub fn frequency(&mut self, key: &[u8]) -> Option<u32> {
        let now = self.at.now;
        let stamp = self.entry(key, false)?.stamp();
        Some(self.access.usage().count(stamp, now))
    }

    /// The kind of value at `key`; `None` when there is no such key.
    #[must_use]
    pub fn kind(&mut self, key: &[u8]) -> Option<Kind> {
        self.peek(key).map(|value| value.kind())
    }

    /// The value at `key`, which is used by this; `None` when there is no such key.
    #[must_use]
    pub fn value(&mut self, key: &[u8]) -> Option<ValueRef<'_>> {
        let (now, uses) = (self.at.now, !self.leaves_no_trace);
        self.entry(key, uses)
            .map(|entry| entry.value().at_time(now))
    }

    /// The name that `OBJECT ENCODING` has for how the value at `key` is kept; `None` when there is no such key.
    /// An edit makes a string `raw` until it is set anew or loaded from disk; else the value alone decides.
    #[must_use]
    pub fn encoding(&mut self, key: &[u8]) -> Option<&'static str> {
        self.entry(key, false).map(EntryRef::encoding)
    }

    /// The string at `key`; `None` when there is no such key.
    ///
    /// # Errors
    ///
    /// [`StoreError::WrongKind`] when the key holds something else.
    pub fn string(&mut self, key: &[u8]) -> Result<Option<StringRef<'_>>, StoreError> {
        match self.value(key) {
            None => Ok(None),
            Some(ValueRef::String(string)) => Ok(Some(string)),
            Some(other) => Err(wrong_kind(Kind::String, other)),
        }
    }

    /// The list at `key`; `None` when there is no such key.
    ///
    /// # Errors
    ///
    /// [`StoreError::WrongKind`] when the key holds something else.
    pub fn list(&mut self, key: &[u8]) -> Result<Option<&List>, StoreError> {
        match self.value(key) {
            None => Ok(None),
            Some(ValueRef::List(list)) => Ok(Some(list)),
            Some(other) => Err(wrong_kind(Kind::List, other)),
        }
    }

    /// The hash at `key`, as of now: what has expired of it is not there. `None` when there is no such key.
    ///
    /// # Errors
    ///
    /// [`StoreError::WrongKind`] when the key holds something else.
    pub fn hash(&mut self, key: &[u8]) -> Result<Option<HashRef<'_>>, StoreError> {
        match self.value(key) {
            None => Ok(None),
            Some(ValueRef::Hash(hash)) => Ok(Some(hash)),
            Some(other) => Err(wrong_kind(Kind::Hash, other)),
        }
    }

    /// How many fields the hash at `key` has in memory: those that have expired and are not yet removed count. 0
    /// when there is no such key.
    ///
    /// # Errors
    ///
    /// [`StoreError::WrongKind`] when the key holds something else.
    pub fn hash_len(&mut self, key: &[u8]) -> Result<usize, StoreError> {
        let now = self.at.now;
        // At the beginning of time nothing has expired.
        let before_all = At {
            now: UnixMillis(i64::MIN),
            ..self.at
        };
        let tells_misses = self.notebook.wants(Classes::MISSED) && self.access.is_reader();
        let (entry, newest) = self.access.look(before_all, key, false);
        self.seen = self.seen.max(newest);
        let there = entry.filter(|entry| entry.expires().is_none_or(|expires| expires > now));
        match there.map(|entry| entry.value()) {
            Some(ValueRef::Hash(hash)) => Ok(hash.len()),
            Some(other) => Err(wrong_kind(Kind::Hash, other)),
            None => {
                if tells_misses {
                    self.notebook.missed(self.at.db, key);
                }
                Ok(0)
            }
        }
    }

    /// The set at `key`; `None` when there is no such key.
    ///
    /// # Errors
    ///
    /// [`StoreError::WrongKind`] when the key holds something else.
    pub fn set(&mut self, key: &[u8]) -> Result<Option<&Set>, StoreError> {
        match self.value(key) {
            None => Ok(None),
            Some(ValueRef::Set(set)) => Ok(Some(set)),
            Some(other) => Err(wrong_kind(Kind::Set, other)),
        }
    }

    /// The sorted set at `key`; `None` when there is no such key.
    ///
    /// # Errors
    ///
    /// [`StoreError::WrongKind`] when the key holds something else.
    pub fn zset(&mut self, key: &[u8]) -> Result<Option<&ZSet>, StoreError> {
        match self.value(key) {
            None => Ok(None),
            Some(ValueRef::ZSet(zset)) => Ok(Some(zset)),
            Some(other) => Err(wrong_kind(Kind::ZSet, other)),
        }
    }

    /// All libraries.
    ///
    /// # Panics
    ///
    /// When no key was declared: libraries are seen by whoever holds a stripe.
    #[must_use]
    pub fn libraries(&mut self) -> Arc<Libraries> {
        let (libraries, changed) = self.access.shelf().look();
        self.seen = self.seen.max(changed);
        libraries
    }

    /// A number that is another one after each change of a library, for as long as the store lives.
    ///
    /// # Panics
    ///
    /// As [`View::libraries`].
    #[must_use]
    pub fn libraries_version(&mut self) -> u64 {
        let (version, changed) = self.access.shelf().version();
        self.seen = self.seen.max(changed);
        version
    }

    /// The stream at `key`; `None` when there is no such key.
    ///
    /// # Errors
    ///
    /// [`StoreError::WrongKind`] when the key holds something else.
    pub fn stream(&mut self, key: &[u8]) -> Result<Option<&Stream>, StoreError> {
        match self.value(key) {
            None => Ok(None),
            Some(ValueRef::Stream(stream)) => Ok(Some(stream)),
            Some(other) => Err(wrong_kind(Kind::Stream, other)),
        }
    }

    /// Luck, as a stream of numbers of its own. What comes of it must be recorded as a result: an effect never
    /// leaves anything to chance.
    #[must_use]
    pub fn random(&self) -> Random {
        self.access.random()
    }

    /// Whether and when `key` expires.
    #[must_use]
    pub fn expiry(&mut self, key: &[u8]) -> Expiry {
        match self.entry(key, false) {
            None => Expiry::NoKey,
            Some(entry) => entry.expires().map_or(Expiry::Never, Expiry::At),
        }
    }

    /// Looks `key` up and remembers what the answer depends on. What has expired is not there.
    #[inline]
    pub(super) fn entry(&mut self, key: &[u8], uses: bool) -> Option<EntryRef<'_>> {
        let tells_misses = self.notebook.wants(Classes::MISSED) && self.access.is_reader();
        let (entry, newest) = self.access.look(self.at, key, uses);
        self.seen = self.seen.max(newest);
        if tells_misses && entry.is_none() {
            self.notebook.missed(self.at.db, key);
        }
        entry
    }
}

fn wrong_kind(expected: Kind, found: ValueRef<'_>) -> StoreError {
    StoreError::WrongKind {
        expected,
        found: found.kind(),
    }
}
