//! [`DurableStore`]: the memory engine, its log and its gate, recovered from a directory.
//!
//! Invariant: no call returns before the store's policy holds for everything that its answer shows.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use kv_core::{
    At, Cursor, Db, Effect, Expiry, Item, KeySet, KeyValue, Kind, Libraries, Lsn, MemoryStore,
    Refusal, Size, Store, StoreError, StringValue, Txn, UnixMillis, View, limits,
};

use crate::compact::{kept_bytes, remove_from};
use crate::dir::LogDir;
use crate::file::{IoFailure, failed};
use crate::format::{SegmentHeader, VERSION};
use crate::headroom::fitting_segment_bytes;
use crate::keeper::first_segment_bytes;
use crate::log::Log;
use crate::manifest::Manifest;
use crate::replay::Found;
use crate::restore::{Restored, restore};
use crate::segment::{Blank, LiveSegment};
use crate::snapshot::Snapshots;
use crate::threads::Threads;
use crate::{
    CommitGate, Durability, DurableOptions, LogFailure, LogStats, OpenError, Recovered,
    SnapshotError, SnapshotInfo, SnapshotRule, SnapshotStatus,
};

/// A store that is as durable as its [`Durability`] says. Many threads use one through a shared reference.
pub struct DurableStore {
    memory: Arc<MemoryStore>,
    pub(crate) log: Arc<Log>,
    /// Until the store is closed.
    threads: Option<Threads>,
    recovered: Recovered,
}

impl DurableStore {
    /// Opens the directory `dir`, made when missing, and replays what is in it. After return everything that
    /// was found is durable.
    ///
    /// # Errors
    ///
    /// [`OpenError::Locked`] when it is open elsewhere, [`OpenError::Damaged`] when durable data is not what
    /// it was, and the others as they say.
    pub fn open(dir: impl AsRef<Path>, options: DurableOptions) -> Result<Self, OpenError> {
        let (log, live, memory, recovered) = Self::recover(dir.as_ref(), options)?;
        let path = log.dir.path().to_owned();
        let log = Arc::new(log);
        let memory = Arc::new(memory.with_log(Arc::clone(&log) as _));
        let threads = Threads::start(Arc::clone(&log), live, Arc::clone(&memory))
            .map_err(failed("start the threads of the log in", path))?;
        Ok(Self {
            memory,
            log,
            threads: Some(threads),
            recovered,
        })
    }

    /// As [`DurableStore::open`], as if the process were killed right after it: what was recovered, and what was
    /// found. Much cheaper, for tests that recover very often.
    ///
    /// # Errors
    ///
    /// The same.
    #[cfg(feature = "testing")]
    pub fn recover_and_stop(
        dir: impl AsRef<Path>,
        options: DurableOptions,
    ) -> Result<(MemoryStore, Recovered), OpenError> {
        let (_, _, memory, recovered) = Self::recover(dir.as_ref(), options)?;
        Ok((memory, recovered))
    }

    /// Everything about opening that does not need threads.
    fn recover(
        dir: &Path,
        options: DurableOptions,
    ) -> Result<(Log, LiveSegment, MemoryStore, Recovered), OpenError> {
        let begun = Instant::now();
        let dir = LogDir::open(&*options.fs, dir)?;
        let disk_bytes = dir.space().map_or(u64::MAX, |space| space.total);
        let options = DurableOptions {
            segment_bytes: fitting_segment_bytes(options.segment_bytes, disk_bytes),
            ..options
        };
        let manifest = Self::manifest(&dir, &options)?;
        let Restored {
            memory,
            mut found,
            manifest,
        } = restore(&dir, &manifest, &options)?;
        found.report.took = begun.elapsed();
        dir.remove_unfinished()?;
        if found.report.passed_over.is_none() {
            remove_from(&dir, &manifest)?;
        }
        let base_segment = manifest.newest.map_or(0, |start| start.segment);
        let kept_bytes = kept_bytes(&dir, &manifest, base_segment)?;
        let live = Self::go_on(&dir, &options, &manifest, &found)?;
        let manifest = Manifest {
            newest_segment: live.number(),
            durable: live.last_lsn(),
            ..manifest
        };
        manifest.replace(&dir)?;
        let snapshots = Snapshots::new(
            options.snapshots,
            options.snapshot_bytes_per_second,
            memory.walk_backlog(),
            found.report.snapshot,
            found.report.bytes,
        );
        let stored_bytes = found.stored_bytes + kept_bytes;
        let log = Log::new(dir, &options, &live, manifest, stored_bytes, snapshots);
        Ok((log, live, memory, found.report))
    }

    /// The manifest of the directory, or of a new database.
    fn manifest(dir: &LogDir, options: &DurableOptions) -> Result<Manifest, OpenError> {
        if let Some(manifest) = Manifest::read(dir)? {
            return Ok(manifest);
        }
        let id = u128::from(options.fs.random()) << 64 | u128::from(options.fs.random());
        let manifest = Manifest {
            database: id.to_be_bytes(),
            first_segment: 1,
            newest_segment: 0,
            durable: Lsn::ZERO,
            older: None,
            newest: None,
        };
        manifest.replace(dir)?;
        Ok(manifest)
    }

    /// Makes the segment that goes on after what was found.
    fn go_on(
        dir: &LogDir,
        options: &DurableOptions,
        manifest: &Manifest,
        found: &Found,
    ) -> Result<LiveSegment, OpenError> {
        let bytes = first_segment_bytes(options.segment_bytes);
        let blank = Blank::make(dir, 0, bytes, || Ok::<_, IoFailure>(()))?;
        let header = SegmentHeader {
            version: VERSION,
            database: manifest.database,
            number: found.next,
            first_lsn: found.report.last_lsn.advanced_by(1),
            salt: options.fs.random(),
            capacity: bytes,
            predecessor: found.predecessor,
            encoding: options.encoding,
            unsynced_max: 0,
            epoch: 0,
        };
        Ok(LiveSegment::publish(dir, blank, header)?)
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
        self.log.durability
    }

    /// What was found when the directory was opened.
    #[must_use]
    pub fn recovered(&self) -> &Recovered {
        &self.recovered
    }

    /// What the log has done since.
    #[must_use]
    pub fn stats(&self) -> LogStats {
        self.log.stats()
    }

    /// Makes a snapshot of everything that was written before, and waits for it. Does not hold up other
    /// threads. What only older snapshots needed of the log is removed then.
    ///
    /// # Errors
    ///
    /// Why it was not made, [`SnapshotError::Busy`] when one is under way; the store goes on as before.
    pub fn snapshot(&self) -> Result<SnapshotInfo, SnapshotError> {
        let (sender, outcome) = std::sync::mpsc::sync_channel(1);
        self.snapshot_then(false, move |outcome| {
            // Whoever waits for it is still there.
            let _ = sender.send(outcome.clone());
        })?;
        outcome.recv().unwrap_or(Err(SnapshotError::Closed))
    }

    /// Begins to make a snapshot; how it goes is told by [`DurableStore::snapshot_status`].
    ///
    /// # Errors
    ///
    /// [`SnapshotError::Busy`] when one is under way, and [`SnapshotError::Closed`].
    pub fn snapshot_in_background(&self) -> Result<(), SnapshotError> {
        self.log.snapshots.ask(false, None)
    }

    /// As [`DurableStore::snapshot_in_background`]; `done` is told the outcome, on the thread that makes
    /// snapshots, and must not block. While one is under way, `schedule` has another one made after it.
    ///
    /// # Errors
    ///
    /// [`SnapshotError::Busy`] without `schedule`, and [`SnapshotError::Closed`]; `done` is not called then.
    pub fn snapshot_then(
        &self,
        schedule: bool,
        done: impl FnOnce(&Result<SnapshotInfo, SnapshotError>) + Send + 'static,
    ) -> Result<(), SnapshotError> {
        self.log.snapshots.ask(schedule, Some(Box::new(done)))
    }

    /// What there is to tell of the snapshots.
    #[must_use]
    pub fn snapshot_status(&self) -> SnapshotStatus {
        self.log.snapshots.status(&self.log)
    }

    /// When a snapshot is made without being asked for.
    #[must_use]
    pub fn snapshot_rule(&self) -> SnapshotRule {
        self.log.snapshots.rule()
    }

    /// Changes when a snapshot is made without being asked for.
    pub fn set_snapshot_rule(&self, rule: SnapshotRule) {
        self.log.snapshots.set_rule(rule);
    }

    /// Writes and syncs what is pending, marks the log as cleanly shut down and unlocks the directory.
    /// Dropping the store does the same and cannot tell how it went.
    ///
    /// # Errors
    ///
    /// What failed, now or before: the log then has no clean end.
    pub fn close(mut self) -> Result<(), LogFailure> {
        self.threads.take().map_or(Ok(()), Threads::close)
    }

    /// Blocks until the log, which has refused a write with [`Refusal::Behind`], has caught up, or refuses
    /// for another reason.
    pub fn wait_until_caught_up(&self) {
        self.log.wait_until_caught_up();
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
        loop {
            // One change: nothing can outgrow what was admitted.
            let size = Size::Unknown;
            match self
                .memory
                .write_sized(self.here(), keys, size, &mut change)
            {
                Ok((answer, lsn)) => {
                    self.wait(lsn)?;
                    return Ok(answer);
                }
                Err(Refusal::Behind) => self.log.wait_until_caught_up(),
                Err(refusal) => return Err(refusal.into()),
            }
        }
    }

    fn put(&self, key: &[u8], value: &[u8], expires: Option<UnixMillis>) -> Result<(), StoreError> {
        limits::check_key(key)?;
        limits::check_string(value.len())?;
        self.change(KeySet::One(key), |txn| {
            txn.set_string(key, StringValue::new(value), expires);
        })
    }

    /// Waits for everything that any call before could have seen.
    fn wait_for_all(&self) -> Result<(), StoreError> {
        self.wait(self.log.batches.last_lsn())
    }

    fn here(&self) -> At {
        At {
            db: Db::FIRST,
            now: self.memory.clock().now(),
        }
    }
}

impl Drop for DurableStore {
    fn drop(&mut self) {
        if let Some(threads) = self.threads.take() {
            let _ = threads.close();
        }
    }
}

impl Store for DurableStore {
    fn read(&self, at: At, keys: KeySet<'_>, look: &mut dyn FnMut(&mut View<'_>)) -> Lsn {
        self.memory.read(at, keys, look)
    }

    /// Blocks while the log is behind: [`Refusal::Behind`] is for those who must not block, and call
    /// [`MemoryStore::write_with`].
    fn write(
        &self,
        at: At,
        keys: KeySet<'_>,
        change: &mut dyn FnMut(&mut Txn<'_>),
    ) -> Result<Lsn, Refusal> {
        loop {
            match self.memory.write(at, keys, change) {
                Err(Refusal::Behind) => self.log.wait_until_caught_up(),
                outcome => return outcome,
            }
        }
    }

    fn apply(&self, effect: &Effect<'_>) {
        self.memory.apply(effect);
    }

    fn wait(&self, lsn: Lsn) -> Result<(), StoreError> {
        self.log.gate.wait(lsn, self.log.durability)
    }

    fn len(&self, db: Db) -> u64 {
        Store::len(&*self.memory, db)
    }

    fn for_each(&self, show: &mut dyn FnMut(&Item<'_>)) {
        Store::for_each(&*self.memory, show);
    }

    fn libraries(&self) -> Arc<Libraries> {
        Store::libraries(&*self.memory)
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
        let (found, lsn) = self.memory.get_string(key);
        self.wait(lsn)?;
        found
    }

    fn get_many(&self, keys: &[&[u8]]) -> Result<Vec<Option<Bytes>>, StoreError> {
        let (found, lsn) = self.memory.get_strings(keys);
        self.wait(lsn)?;
        Ok(found)
    }

    fn set(&self, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        self.put(key, value, None)
    }

    fn set_until(&self, key: &[u8], value: &[u8], expires: UnixMillis) -> Result<(), StoreError> {
        self.put(key, value, Some(expires))
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
        let keys = Store::len(&*self.memory, Db::FIRST);
        self.wait_for_all()?;
        Ok(keys)
    }

    fn scan(&self, cursor: Cursor, count: usize) -> Result<(Cursor, Vec<Bytes>), StoreError> {
        let keys = KeyValue::scan(&*self.memory, cursor, count)?;
        self.wait_for_all()?;
        Ok(keys)
    }

    fn clear(&self) -> Result<(), StoreError> {
        self.change(KeySet::All, |txn| txn.flush_db())
    }
}
