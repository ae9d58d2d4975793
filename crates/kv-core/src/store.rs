//! The full contract of a store: transactions over declared keys, replay, and waiting for the log.

use crate::{Db, Effect, Lsn, Refusal, StoreError, Txn, UnixMillis, ValueRef, View};

/// Where and when a transaction takes place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At {
    /// The database that the transaction works on.
    pub db: Db,
    /// The time that the transaction takes for now: what expired before is not there.
    pub now: UnixMillis,
}

/// The keys that a transaction may touch, declared before it begins.
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

impl Item<'_> {
    /// Shows the effects that make this item in a store without its key, in their order.
    pub fn for_each_effect(&self, show: &mut dyn FnMut(&Effect<'_>)) {
        let (db, key, expires) = (self.db, self.key, self.expires);
        match self.value {
            ValueRef::String(string) => show(&Effect::SetString {
                db,
                key,
                value: string.to_value(),
                expires,
            }),
        }
    }
}

/// A store of transactions. Calls may come from many threads at once.
pub trait Store: Send + Sync {
    /// Runs `look` with a consistent view of `keys` and returns the newest LSN that what it saw may depend
    /// on: whoever shows the outcome must first wait for it.
    fn read(&self, at: At, keys: KeySet<'_>, look: &mut dyn FnMut(&mut View<'_>)) -> Lsn;

    /// Runs `change` alone on `keys` and hands what it changed to the log as one unit. Returns the LSN that
    /// the outcome depends on. After return the change is visible; it is durable after [`Store::wait`].
    ///
    /// # Errors
    ///
    /// The log's [`Refusal`], before anything is touched; `change` was not run then.
    fn write(
        &self,
        at: At,
        keys: KeySet<'_>,
        change: &mut dyn FnMut(&mut Txn<'_>),
    ) -> Result<Lsn, Refusal>;

    /// Applies one effect from a log or snapshot without logging it again. Only for a store that no one
    /// else uses yet.
    fn apply(&self, effect: &Effect<'_>);

    /// Waits until the store's promise holds for `lsn`.
    ///
    /// # Errors
    ///
    /// [`StoreError::LogFailed`] when it is unknown whether it ever will.
    fn wait(&self, lsn: Lsn) -> Result<(), StoreError>;

    /// How many keys `db` has, expired ones that are not yet removed included.
    fn len(&self, db: Db) -> u64;

    /// Shows every key of every database, stripe by stripe: each stripe as of one moment, the whole not.
    fn for_each(&self, show: &mut dyn FnMut(&Item<'_>));

    /// The newest LSN that a look at the whole keyspace may depend on. Asked after [`Store::len`] or
    /// [`Store::for_each`], it covers everything that they showed.
    fn newest(&self) -> Lsn;

    /// Removes keys that have expired by `now`, through transactions like any other, for about `budget_keys`
    /// looked at. A later call goes on where this one stopped.
    fn expire_due(&self, now: UnixMillis, budget_keys: usize) -> ExpireSweep;
}

/// What one call of [`Store::expire_due`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExpireSweep {
    /// How many keys with an expiry it looked at.
    pub looked_at: usize,
    /// How many keys it removed.
    pub removed: usize,
    /// Whether the budget ended before the keys that may have expired did.
    pub more: bool,
}
