//! The full contract of a store: transactions over declared keys, replay, and waiting for the log.

use std::sync::Arc;

use crate::{Db, Effect, Libraries, Lsn, Refusal, StoreError, Txn, UnixMillis, ValueRef, View};

/// Where and when a transaction takes place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At {
    /// The database that the transaction works on.
    pub db: Db,
    /// The time that the transaction takes for now: what expired before is not there.
    pub now: UnixMillis,
}

/// The keys that a transaction may touch, declared before it begins: in its own database, and in every other
/// one that it goes to ([`View::in_db`], [`Txn::in_db`]).
#[derive(Clone, Copy, Debug)]
pub enum KeySet<'k> {
    /// No key.
    None,
    /// This key.
    One(&'k [u8]),
    /// These keys, in any order, repetitions allowed.
    Many(&'k [&'k [u8]]),
    /// Every key of every database.
    All,
}

/// One key with all that belongs to it.
#[derive(Clone, Copy, Debug)]
pub struct Item<'a> {
    /// The database.
    pub db: Db,
    /// The key.
    pub key: &'a [u8],
    /// What it holds.
    pub value: ValueRef<'a>,
    /// When it expires; `None`: never.
    pub expires: Option<UnixMillis>,
}

/// A store of transactions. Calls may come from many threads at once.
///
/// What an implementation must do is also written as tests, for every store to run: `testing::conformance`,
/// with the feature `testing`.
pub trait Store: Send + Sync {
    /// Runs `look` with a view of `keys` and returns the newest LSN that what it saw may depend on: whoever
    /// shows the outcome must first wait for it.
    ///
    /// An implementation must show all keys, in all databases, as of one moment, and must show what has expired by `at.now` as not
    /// there.
    ///
    /// # Panics
    ///
    /// When `look` touches a key that is not in `keys`, or when there is no database `at.db`.
    fn read(&self, at: At, keys: KeySet<'_>, look: &mut dyn FnMut(&mut View<'_>)) -> Lsn;

    /// Runs `change` alone on `keys` and hands what it changed to the log as one unit. Returns the LSN that
    /// the outcome depends on: that of its own last effect, or when it changed nothing, that of what it saw.
    /// After return the change is visible; it is durable after [`Store::wait`].
    ///
    /// An implementation must run each transaction as if no other ran at the same time, must log effects in
    /// the order in which each key changed, and must remove what has expired of `keys` in `at.db` first, as an
    /// effect. What it changes in several databases is one unit like all else.
    ///
    /// # Errors
    ///
    /// The log's [`Refusal`], before anything is touched; `change` was not run then.
    ///
    /// # Panics
    ///
    /// As [`Store::read`].
    fn write(
        &self,
        at: At,
        keys: KeySet<'_>,
        change: &mut dyn FnMut(&mut Txn<'_>),
    ) -> Result<Lsn, Refusal>;

    /// Applies one effect from a log or snapshot without logging it again. Only for a store that no one
    /// else uses yet.
    ///
    /// # Panics
    ///
    /// When there is no database of the effect's number: whoever reads effects from a disk checks that.
    fn apply(&self, effect: &Effect<'_>);

    /// Waits until the store's promise holds for `lsn`.
    ///
    /// # Errors
    ///
    /// [`StoreError::LogFailed`] when it is unknown whether it ever will.
    fn wait(&self, lsn: Lsn) -> Result<(), StoreError>;

    /// How many keys `db` has, expired ones that are not yet removed included: no transaction shows those, so
    /// this may be more than anyone can find until [`Store::expire_due`] has been there. An implementation must
    /// be fast, whatever the number.
    ///
    /// # Panics
    ///
    /// When there is no such database.
    fn len(&self, db: Db) -> u64;

    /// Shows every key of every database, expired ones that are not yet removed included. An implementation
    /// must show each key once if it is there all the time; it may show different keys as of different
    /// moments. `show` must not call the store.
    fn for_each(&self, show: &mut dyn FnMut(&Item<'_>));

    /// The libraries as they are now.
    fn libraries(&self) -> Arc<Libraries>;

    /// The newest LSN that a look at the whole keyspace may depend on. Asked after [`Store::len`] or
    /// [`Store::for_each`], it must cover everything that they showed.
    fn newest(&self) -> Lsn;

    /// Removes keys that have expired by `now`, through transactions like any other, for about `budget_keys`
    /// looked at. A later call goes on where this one stopped.
    ///
    /// An implementation must hold no lock for long meanwhile, and must cost next to nothing when nothing is
    /// due. A caller that gets `more` and finds that much of what was looked at was removed should call again
    /// at once; otherwise the keys that are due are few, and the next turn is soon enough.
    fn expire_due(&self, now: UnixMillis, budget_keys: usize) -> ExpireSweep;
}

/// What one call of [`Store::expire_due`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExpireSweep {
    /// How many keys with an expiry it looked at.
    pub looked_at: usize,
    /// How many keys it removed.
    pub removed: usize,
    /// How many fields it removed of hashes that have others; they count as looked at.
    pub removed_fields: usize,
    /// Whether there may be more that is due: the budget ended, or the log refused a removal.
    pub more: bool,
}
