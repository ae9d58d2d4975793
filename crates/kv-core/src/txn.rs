//! The two ways to meet data: [`View`] looks, [`Txn`] looks and changes.
//!
//! Invariant: a `Txn` changes memory only by [`Txn::apply`], which records what it applies.
//! Invariant: neither touches a key whose stripe it has not locked; trying to is a bug and panics.
//!
//! A key's stripe holds it for every database, so a declared key may be looked at and changed in all of them:
//! [`View::in_db`], [`Txn::in_db`]. That costs those who stay in one database nothing.

mod collections;
mod keys;
mod stream;
mod zset;

use std::sync::Arc;

pub use zset::ZSetAdded;

use crate::memory::{Access, Changes, EntryRef, Expired};
use crate::observe::Notebook;
use crate::{
    At, Classes, Db, Effect, EffectLog, Elements, Event, Expiry, HashRef, KeySet, KeyWatcher, Kind,
    List, Lsn, Random, Refusal, Set, Size, StoreError, Stream, StringRef, StringValue, UnixMillis,
    ValueLimits, ValueRef, ZSet,
};

/// A consistent, read-only look at the declared keys: of one database at a time, see [`View::in_db`].
///
/// Its methods panic on a key that was not declared. A key is hashed once if the slices passed here are those
/// that were declared, not copies of them.
pub struct View<'s> {
    pub(crate) access: Access<'s>,
    pub(crate) at: At,
    pub(crate) seen: Lsn,
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

    /// Whether `key` is there.
    #[must_use]
    pub fn exists(&mut self, key: &[u8]) -> bool {
        self.entry(key).is_some()
    }

    /// The kind of value at `key`; `None` when there is no such key.
    #[must_use]
    pub fn kind(&mut self, key: &[u8]) -> Option<Kind> {
        self.value(key).map(|value| value.kind())
    }

    /// The value at `key`; `None` when there is no such key.
    #[must_use]
    pub fn value(&mut self, key: &[u8]) -> Option<ValueRef<'_>> {
        let now = self.at.now;
        self.entry(key).map(|entry| entry.value().at_time(now))
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

    /// How large packed collections may be.
    #[must_use]
    pub fn limits(&self) -> &ValueLimits {
        self.access.limits()
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
        match self.entry(key) {
            None => Expiry::NoKey,
            Some(entry) => entry.expires().map_or(Expiry::Never, Expiry::At),
        }
    }

    /// Looks `key` up and remembers what the answer depends on. What has expired is not there.
    #[inline]
    fn entry(&mut self, key: &[u8]) -> Option<EntryRef<'_>> {
        let tells_misses = self.notebook.wants(Classes::MISSED) && self.access.is_reader();
        let (entry, newest) = self.access.look(self.at, key);
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

/// A look at the declared keys that can also change them. Everything it changes is recorded for the log.
///
/// Whoever puts a new key or value here has checked its length, see [`limits`](crate::limits): a key that no
/// entry can hold panics.
pub struct Txn<'s> {
    pub(crate) view: View<'s>,
    pub(crate) log: Option<&'s dyn EffectLog>,
    pub(crate) encoded: Vec<u8>,
    pub(crate) effects: u32,
    pub(crate) admission: Admission,
    /// Keys that this transaction changed without saying by which name. Only where assertions are on.
    #[cfg(debug_assertions)]
    pub(crate) unnamed: Vec<Vec<u8>>,
    /// After `view`, so that what takes long to free is dropped when no stripe is locked any more.
    pub(crate) changes: Changes,
}

/// A first change of so many bytes or fewer is never asked for, in bytes: the log has room for it, having admitted the
/// transaction.
const SMALL_BYTES: usize = 64 << 10;

/// What the log takes of a transaction.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Admission {
    /// A first change of so many bytes; it is asked before a larger one.
    UpTo(usize),
    /// All that is still to come.
    Whole,
    /// Nothing of it: nothing is changed any more.
    Refused(Refusal),
}

impl Admission {
    /// That of a transaction which was admitted with this size.
    pub(crate) fn of(size: Size) -> Self {
        match size {
            Size::Unknown | Size::Encoded(_) => Self::UpTo(SMALL_BYTES),
            Size::AtMost(bytes) => Self::UpTo(bytes.max(SMALL_BYTES)),
        }
    }
}

impl<'s> std::ops::Deref for Txn<'s> {
    type Target = View<'s>;

    fn deref(&self) -> &Self::Target {
        &self.view
    }
}

impl std::ops::DerefMut for Txn<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.view
    }
}

impl Txn<'_> {
    /// How many effects this transaction has recorded so far.
    #[must_use]
    pub fn effects(&self) -> u32 {
        self.effects
    }

    /// How many bytes its effects take in the log so far; 0 without a log.
    #[must_use]
    pub fn recorded_bytes(&self) -> usize {
        self.encoded.len()
    }

    /// Lets `change` work in the database `db`, as a part of this transaction. Those of `keys` that have expired
    /// there are removed first, as the beginning of the transaction does for its own database: they are the keys
    /// that `change` touches, and have been declared with the transaction, in whichever database.
    ///
    /// # Panics
    ///
    /// When the store has no such database, or a key was not declared.
    pub fn in_db<R>(&mut self, db: Db, keys: KeySet<'_>, change: impl FnOnce(&mut Self) -> R) -> R {
        self.view.access.check_database(db);
        let before = std::mem::replace(&mut self.view.at.db, db);
        self.delete_expired_of(keys);
        let answer = change(self);
        self.view.at.db = before;
        answer
    }

    /// Tells those who watch events of its class that this is what happened to `key`. Every change of a key is
    /// announced, after it was made, by whoever knows its name, or said to have none.
    #[inline]
    pub fn announce(&mut self, key: &[u8], event: Event) {
        let View { notebook, at, .. } = &mut self.view;
        if notebook.is_wanted() {
            notebook.event(at.db, key, event);
        }
        self.announce_nothing(key);
    }

    /// Says that what happened to `key` has no name.
    #[inline]
    pub fn announce_nothing(&mut self, key: &[u8]) {
        #[cfg(debug_assertions)]
        self.unnamed.retain(|unnamed| unnamed != key);
        #[cfg(not(debug_assertions))]
        let _ = key;
    }

    /// A key that was changed and that was neither announced nor said to have no name: a bug of whoever changed
    /// it, looked for where assertions are on.
    #[must_use]
    pub fn unannounced(&self) -> Option<Vec<u8>> {
        #[cfg(debug_assertions)]
        return self.unnamed.first().cloned();
        #[cfg(not(debug_assertions))]
        None
    }

    /// Puts a string at `key`, whatever was there, with this expiry. A time that has come already deletes the
    /// key.
    pub fn set_string(&mut self, key: &[u8], value: StringValue<'_>, expires: Option<UnixMillis>) {
        if expires.is_some_and(|expires| expires <= self.view.at.now) {
            self.delete(key);
            return;
        }
        self.apply(&Effect::SetString {
            db: self.view.at.db,
            key,
            value,
            expires,
        });
    }

    /// Adds `suffix` to the end of the string at `key`; a missing key counts as an empty string.
    pub fn append_string(&mut self, key: &[u8], suffix: &[u8]) {
        self.apply(&Effect::AppendString {
            db: self.view.at.db,
            key,
            suffix,
        });
    }

    /// Changes when `key` expires, `None` for never; whether the key was there and its expiry changed. A time
    /// that has come already deletes the key.
    pub fn set_expiry(&mut self, key: &[u8], expires: Option<UnixMillis>) -> bool {
        let db = self.view.at.db;
        match (self.view.expiry(key), expires) {
            (Expiry::NoKey, _) | (Expiry::Never, None) => return false,
            (_, Some(at)) if at <= self.view.at.now => self.apply(&Effect::Delete { db, key }),
            _ => self.apply(&Effect::SetExpiry { db, key, expires }),
        }
        true
    }

    /// Removes `key`; whether it was there.
    pub fn delete(&mut self, key: &[u8]) -> bool {
        let there = self.view.exists(key);
        if there {
            self.apply(&Effect::Delete {
                db: self.view.at.db,
                key,
            });
        }
        there
    }

    /// Removes every key of this transaction's database. Needs [`KeySet::All`](crate::KeySet::All).
    pub fn flush_db(&mut self) {
        self.apply(&Effect::FlushDb {
            db: self.view.at.db,
        });
    }

    /// Removes every key of every database. Needs [`KeySet::All`](crate::KeySet::All).
    pub fn flush_all(&mut self) {
        self.apply(&Effect::FlushAll);
    }

    /// Removes those of `keys` that have expired, before a handler meets them.
    #[inline]
    pub(crate) fn delete_expired_of(&mut self, keys: KeySet<'_>) {
        match keys {
            KeySet::One(key) => {
                self.delete_expired(key);
            }
            KeySet::Many(keys) => {
                for key in keys {
                    self.delete_expired(key);
                }
            }
            KeySet::None | KeySet::All => {}
        }
    }

    /// Removes `key`, or some of its fields, if they expired: the record that makes expiry the same for every reader
    /// of the log. `None`: the key is gone; else so many of its fields are.
    #[inline]
    pub(crate) fn delete_expired(&mut self, key: &[u8]) -> Option<usize> {
        let View { access, at, .. } = &mut self.view;
        let db = at.db;
        match access.expired(*at, key) {
            Expired::Nothing => Some(0),
            Expired::Key => {
                access.count_expired(key, None);
                self.view.notebook.expired(db, key);
                self.record_expiry(&Effect::Delete { db, key });
                None
            }
            Expired::AllFields(fields) => {
                access.count_expired(key, Some(fields));
                self.view.notebook.fields_expired(db, key, true);
                self.record_expiry(&Effect::Delete { db, key });
                None
            }
            Expired::Fields(fields) => {
                access.count_expired(key, Some(fields.len()));
                self.view.notebook.fields_expired(db, key, false);
                let fields: Vec<&[u8]> = fields.iter().map(|field| &**field).collect();
                self.record_expiry(&Effect::HashDelete {
                    db,
                    key,
                    fields: Elements::new(&fields),
                });
                Some(fields.len())
            }
        }
    }

    /// As the beginning of a transaction: always taken.
    fn record_expiry(&mut self, effect: &Effect<'_>) {
        self.encode(effect);
        self.change(effect);
    }

    /// Changes memory, unless the log does not take it.
    fn apply(&mut self, effect: &Effect<'_>) {
        if matches!(self.admission, Admission::Refused(_)) {
            return;
        }
        let before = self.encoded.len();
        self.encode(effect);
        if let Admission::UpTo(most) = self.admission {
            self.admission = Admission::Whole;
            let bytes = self.encoded.len() - before;
            if bytes > most && self.is_refused(bytes) {
                self.encoded.truncate(before);
                return;
            }
        }
        self.record(effect);
    }

    /// Changes memory, and notes what there is to tell of it; the effect has been encoded.
    fn record(&mut self, effect: &Effect<'_>) {
        #[cfg(debug_assertions)]
        {
            let moved = effect.moved_from();
            let keys = [effect.key(), moved].into_iter().flatten();
            self.unnamed.extend(keys.map(|(_, key)| key.to_vec()));
        }
        if self.view.notebook.is_wanted() {
            self.note(effect);
        }
        self.change(effect);
    }

    /// Whether the log refuses a first change of so many bytes.
    #[cold]
    fn is_refused(&mut self, bytes: usize) -> bool {
        match self.log.map(|log| log.admit(Size::Encoded(bytes))) {
            // Stripes are locked: this is no time to wait.
            None | Some(Ok(()) | Err(Refusal::Behind)) => false,
            Some(Err(refusal)) => {
                self.admission = Admission::Refused(refusal);
                true
            }
        }
    }

    #[cold]
    fn note(&mut self, effect: &Effect<'_>) {
        let View {
            notebook,
            access,
            at,
            ..
        } = &mut self.view;
        let Some((db, key)) = effect.key() else {
            return match *effect {
                Effect::FlushDb { db } => notebook.flushed(Some(db)),
                // Nobody who knows keys of either database knows what they hold now.
                Effect::SwapDbs { one, other } => {
                    notebook.flushed(Some(one));
                    notebook.flushed(Some(other));
                }
                _ => notebook.flushed(None),
            };
        };
        if let Some((db, from)) = effect.moved_from() {
            notebook.changed(db, from);
        }
        let at = At { db, ..*at };
        if notebook.wants(Classes::NEW) && effect.makes_keys() && access.look(at, key).0.is_none() {
            notebook.new_key(db, key);
        }
        notebook.changed(db, key);
    }

    fn encode(&mut self, effect: &Effect<'_>) {
        if let Some(log) = self.log {
            log.encode(effect, &mut self.encoded);
        }
    }

    /// The one place where a transaction changes memory; the effect has been encoded.
    fn change(&mut self, effect: &Effect<'_>) {
        self.effects += 1;
        self.view.access.apply(effect, &mut self.changes);
    }
}
