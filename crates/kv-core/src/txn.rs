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
mod view;
mod zset;

pub use view::View;
pub use zset::ZSetAdded;

use crate::memory::{Access, Changes, Expired, Usage, counted};
use crate::{
    At, Classes, Db, Effect, EffectLog, Elements, Event, Expiry, KeySet, Refusal, Size,
    StringValue, UnixMillis,
};

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

/// What is counted of what has expired. Fields are counted by sweeps alone, as in Valkey.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counting {
    Keys,
    KeysAndFields,
}

impl Counting {
    fn fields(self, access: &mut Access<'_>, key: &[u8], fields: usize) {
        if self == Self::KeysAndFields {
            access.count_expired(key, Some(fields));
        }
    }
}

/// What the log takes of a transaction.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Admission {
    /// A first change of so many bytes; it is asked before a larger one.
    UpTo(usize),
    /// Changes of so many bytes together; it is asked before more, and if it does not take that, all are taken back at
    /// the end.
    Growing(usize),
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
            Size::Growing(bytes) => Self::Growing(bytes.max(SMALL_BYTES)),
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

    /// Why the log takes nothing of this transaction, if so. It changes nothing any more, and what it has changed is
    /// taken back at its end.
    #[must_use]
    pub fn refusal(&self) -> Option<Refusal> {
        match self.admission {
            Admission::Refused(refusal) => Some(refusal),
            _ => None,
        }
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
            (_, Some(at)) if at <= self.view.at.now => {
                self.view.access.count_expired(key, None);
                self.apply(&Effect::Delete { db, key });
            }
            _ => self.apply(&Effect::SetExpiry { db, key, expires }),
        }
        true
    }

    /// Says that `key` has not been used for so many seconds. Not a change: nothing is recorded.
    pub fn set_idle_s(&mut self, key: &[u8], idle_s: u32) {
        let now = self.view.at.now;
        if let Some(entry) = self.view.entry(key, false) {
            entry.set_stamp(Usage::idle_since(now, idle_s));
        }
    }

    /// Says how often `key` was used of late, from 0 to 255. Not a change: nothing is recorded.
    pub fn set_frequency(&mut self, key: &[u8], frequency: u32) {
        let now = self.view.at.now;
        if let Some(entry) = self.view.entry(key, false) {
            entry.set_stamp(counted(now, frequency));
        }
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

    /// Gives the library `name` this code, `None` for none; whether there was one. Needs
    /// [`KeySet::All`](crate::KeySet::All).
    pub fn set_library(&mut self, name: &[u8], code: Option<&[u8]>) -> bool {
        let there = self.view.libraries().contains_key(name);
        if there || code.is_some() {
            self.apply(&Effect::SetLibrary { name, code });
        }
        there
    }

    /// Removes those of `keys` that have expired, before a handler meets them.
    #[inline]
    pub(crate) fn delete_expired_of(&mut self, keys: KeySet<'_>) {
        match keys {
            KeySet::One(key) => {
                self.delete_expired(key, Counting::Keys);
            }
            KeySet::Many(keys) => {
                for key in keys {
                    self.delete_expired(key, Counting::Keys);
                }
            }
            KeySet::None | KeySet::All => {}
        }
    }

    /// Removes `key`, or some of its fields, if they expired: the record that makes expiry the same for every reader
    /// of the log. `None`: the key is gone; else so many of its fields are.
    #[inline]
    pub(crate) fn delete_expired(&mut self, key: &[u8], counting: Counting) -> Option<usize> {
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
                counting.fields(access, key, fields);
                self.view.notebook.fields_expired(db, key, true);
                self.record_expiry(&Effect::Delete { db, key });
                None
            }
            Expired::Fields(fields) => {
                counting.fields(access, key, fields.len());
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
    pub(crate) fn record_expiry(&mut self, effect: &Effect<'_>) {
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
        if let Admission::Growing(most) = self.admission
            && self.encoded.len() > most
            && self.changes.can_be_undone()
            && self.is_too_much()
        {
            return;
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

    /// Whether the log refuses what has been recorded so far. If not, it takes that, and some more if it can.
    #[cold]
    fn is_too_much(&mut self) -> bool {
        let bytes = self.encoded.len();
        let ahead = bytes.saturating_add(bytes / 4);
        let grown = [ahead, bytes]
            .into_iter()
            .find(|bytes| !self.is_refused(*bytes));
        if let Some(grown) = grown {
            self.admission = Admission::Growing(grown);
        }
        grown.is_none()
    }

    /// Makes this transaction, which has been refused, one that has changed nothing, if it can be taken back.
    ///
    /// Not before its end: whoever has begun to change something goes on with what it has seen of it.
    #[cold]
    pub(crate) fn take_back(&mut self) {
        if !self.changes.can_be_undone() {
            return;
        }
        self.encoded.clear();
        self.effects = 0;
        self.view.access.take_back(&mut self.changes);
        self.view.notebook.forget();
        #[cfg(debug_assertions)]
        self.unnamed.clear();
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
                Effect::SetLibrary { .. } => {}
                _ => notebook.flushed(None),
            };
        };
        if let Some((db, from)) = effect.moved_from() {
            notebook.changed(db, from);
        }
        let at = At { db, ..*at };
        if notebook.wants(Classes::NEW)
            && effect.makes_keys()
            && access.look(at, key, false).0.is_none()
        {
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
        let now = self.view.at.now;
        self.view.access.apply(effect, now, &mut self.changes);
    }
}
