//! The life of a log: writer, keeper, syncer, and threads that write and wait, over a disk in memory; then it
//! is opened again.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kv_core::{
    Clock, Db, Effect, EffectLog, Lsn, MemoryOptions, Refusal, Size, StoreError, StringValue,
    UnixMillis,
};
use shuttle::rand::{Rng, thread_rng};

use super::search::search;
use crate::fs::{Dir, File, Fs, Lock, Space};
use crate::log::Log;
use crate::primitives::{let_time_pass, thread};
use crate::segment::segment_bytes_for;
use crate::testing::MemFs;
use crate::{CommitGate, Durability, DurableOptions, DurableStore, SnapshotRule};

/// Segments hold a few frames only, so that the log changes files all the time.
const SEGMENT_PAYLOAD_BYTES: u64 = 400;

const WRITERS: u64 = 2;
const WRITES: u64 = 3;

/// Time stands still in these lives, but for what is waited.
struct Noon;

impl Clock for Noon {
    fn now(&self) -> UnixMillis {
        UnixMillis(43_200_000)
    }
}

/// A disk on which other threads run before each action, that knows what has been synced.
#[derive(Clone, Default)]
pub(super) struct Disk {
    pub(super) files: MemFs,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// What each file held when the last sync of it began that succeeded.
    synced: Vec<Arc<Mutex<Vec<u8>>>>,
    syncs: u64,
    /// Syncs from this one on fail.
    fail_from: Option<u64>,
    /// How long a sync takes.
    sync_takes: Duration,
}

impl Disk {
    /// From the sync after `syncs` more on, all fail.
    pub(super) fn fail_after(&self, syncs: u64) {
        let mut state = lock(&self.state);
        state.fail_from = Some(state.syncs + syncs);
    }

    /// From now on all succeed.
    fn mend(&self) {
        lock(&self.state).fail_from = None;
    }

    pub(super) fn syncs_take(&self, time: Duration) {
        lock(&self.state).sync_takes = time;
    }

    fn has_written(&self, bytes: &[u8]) -> bool {
        self.files.files().values().any(|file| has(file, bytes))
    }

    fn has_synced(&self, bytes: &[u8]) -> bool {
        let state = lock(&self.state);
        state.synced.iter().any(|file| has(&lock(file), bytes))
    }

    fn begin_sync(&self) -> (bool, Duration) {
        let mut state = lock(&self.state);
        state.syncs += 1;
        let fails = state.fail_from.is_some_and(|from| state.syncs > from);
        (fails, state.sync_takes)
    }

    fn open(&self, file: Arc<dyn File>) -> Arc<dyn File> {
        let synced = Arc::default();
        lock(&self.state).synced.push(Arc::clone(&synced));
        let disk = self.clone();
        Arc::new(SlowFile { disk, file, synced })
    }
}

fn has(file: &[u8], bytes: &[u8]) -> bool {
    file.windows(bytes.len()).any(|window| window == bytes)
}

impl Fs for Disk {
    fn open_dir(&self, _path: &Path) -> io::Result<Arc<dyn Dir>> {
        Ok(Arc::new(self.clone()))
    }

    fn random(&self) -> u64 {
        self.files.random()
    }
}

impl Dir for Disk {
    fn create(&self, name: &str) -> io::Result<Arc<dyn File>> {
        thread::yield_now();
        self.files.create(name).map(|file| self.open(file))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn File>> {
        let file = Dir::open(&self.files, name)?;
        Ok(Self::open(self, file))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        thread::yield_now();
        self.files.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        thread::yield_now();
        self.files.remove(name)
    }

    fn sync(&self) -> io::Result<()> {
        thread::yield_now();
        Dir::sync(&self.files)
    }

    fn names(&self) -> io::Result<Vec<String>> {
        self.files.names()
    }

    fn try_lock(&self, name: &str, owner: &str) -> io::Result<Lock> {
        self.files.try_lock(name, owner)
    }

    fn space(&self) -> io::Result<Space> {
        self.files.space()
    }
}

struct SlowFile {
    disk: Disk,
    file: Arc<dyn File>,
    synced: Arc<Mutex<Vec<u8>>>,
}

impl File for SlowFile {
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(into, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        thread::yield_now();
        self.file.write_at(bytes, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        let length = self.file.len()?;
        let mut bytes = vec![0; usize::try_from(length).expect("files are small")];
        self.file.read_at(&mut bytes, 0)?;
        let (fails, takes) = self.disk.begin_sync();
        thread::yield_now();
        let_time_pass(takes);
        thread::yield_now();
        if fails {
            return Err(io::ErrorKind::Other.into());
        }
        *lock(&self.synced) = bytes;
        Ok(())
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        thread::yield_now();
        self.file.set_len(bytes)
    }

    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn drop_cache(&self) {}
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where the watermarks stood when the owner was told of a failure.
#[derive(Default)]
struct Told {
    gate: Mutex<Option<Arc<CommitGate>>>,
    stood: Mutex<Option<(Lsn, Lsn)>>,
}

/// Opens the log on `disk`.
pub(super) fn open(disk: &Disk, durability: Durability) -> DurableStore {
    open_and_tell(disk, durability, &Arc::default())
}

fn open_and_tell(disk: &Disk, durability: Durability, told: &Arc<Told>) -> DurableStore {
    let told = Arc::clone(told);
    let on_failure = move |_: &_| {
        let gate = lock(&told.gate).clone();
        *lock(&told.stood) = gate.map(|gate| (gate.written(), gate.durable()));
    };
    let options = DurableOptions {
        durability,
        segment_bytes: segment_bytes_for(SEGMENT_PAYLOAD_BYTES),
        snapshots: SnapshotRule::NEVER,
        memory: MemoryOptions {
            databases: 1,
            stripes: 1,
            clock: Arc::new(Noon),
            seed: Some(1),
        },
        fs: Arc::new(disk.clone()),
        on_failure: Some(Arc::new(on_failure)),
        ..DurableOptions::default()
    };
    DurableStore::open("db", options).expect("the disk is in order")
}

/// The key that the write `number` of `writer` writes.
fn key(writer: u64, number: u64) -> Vec<u8> {
    format!("<{writer}:{number}>").into_bytes()
}

/// Appends one write as soon as it is admitted.
pub(super) fn append(log: &Log, writer: u64, number: u64) -> Result<(Vec<u8>, Lsn), Refusal> {
    loop {
        match log.admit(Size::Unknown) {
            Ok(()) => break,
            Err(Refusal::Behind) => log.wait_until_caught_up(),
            Err(refusal) => return Err(refusal),
        }
    }
    Ok(append_unasked(log, writer, number))
}

/// Appends one write whether it is admitted or not.
pub(super) fn append_unasked(log: &Log, writer: u64, number: u64) -> (Vec<u8>, Lsn) {
    let key = key(writer, number);
    let effect = Effect::SetString {
        db: Db::FIRST,
        key: &key,
        value: StringValue::new(b"value"),
        expires: None,
    };
    let mut encoded = Vec::new();
    log.encode(&effect, &mut encoded);
    let lsn = log.append(&encoded, 1);
    (key, lsn)
}

/// Writes, waits, and checks on `disk` what it was told; whether the log has failed.
fn write(log: &Log, disk: &Disk, writer: u64, policy: Durability) -> bool {
    for number in 0..WRITES {
        let Ok((key, lsn)) = append(log, writer, number) else {
            return true;
        };
        match log.gate.wait(lsn, policy) {
            Ok(()) if policy == Durability::Always => assert!(disk.has_synced(&key)),
            Ok(()) => assert!(disk.has_written(&key)),
            Err(error) => {
                assert_eq!(error, StoreError::LogFailed);
                return true;
            }
        }
    }
    false
}

/// One life with writers that wait for `policies`, on a disk whose syncs fail from one on, or never. Without a
/// failure everything is there afterwards.
fn live(durability: Durability, policies: [Durability; WRITERS as usize], fails: bool) {
    let disk = Disk::default();
    let told = Arc::<Told>::default();
    let store = open_and_tell(&disk, durability, &told);
    lock(&told.gate).replace(Arc::clone(store.gate()));
    if fails {
        disk.fail_after(thread_rng().gen_range(0..8));
    }
    let writers: Vec<_> = (0..WRITERS)
        .zip(policies)
        .map(|(writer, policy)| {
            let (log, disk) = (Arc::clone(&store.log), disk.clone());
            thread::spawn(move || write(&log, &disk, writer, policy))
        })
        .collect();
    let failed = writers
        .into_iter()
        .map(|writer| writer.join().expect("its panic ends the schedule"))
        .fold(false, |any, failed| any | failed);
    let (last, gate) = (store.log.last(), Arc::clone(store.gate()));
    assert!(fails || !failed, "failed without trouble");
    let closed = store.close();
    assert!(fails || closed.is_ok());
    if let Some(stood) = *lock(&told.stood) {
        assert_eq!((gate.written(), gate.durable()), stood, "after a failure");
    }
    lock(&told.gate).take();
    disk.mend();
    if closed.is_ok() {
        let again = open(&disk, durability);
        assert_eq!(again.recovered().last_lsn, last);
        assert!(again.recovered().clean);
    }
}

/// A life in which somebody who makes a snapshot asks for rotations beside a writer.
fn rotate_beside_a_writer(durability: Durability) {
    let disk = Disk::default();
    let store = open(&disk, durability);
    let (log, written_to) = (Arc::clone(&store.log), disk.clone());
    let writer = thread::spawn(move || write(&log, &written_to, 0, durability));
    for _ in 0..2 {
        let log = &store.log;
        let (before, segment) = (log.gate.written(), log.stats().segment);
        let seam = log.rotation.ask(log).expect("there is room");
        // What was written before is on the other side of the seam, and durable.
        assert!(log.gate.durable() >= before);
        if let Some((file, end)) = seam.ended {
            assert!(seam.segment > segment);
            assert_eq!(file.len().expect("it can be asked"), end);
        }
    }
    let failed = writer.join().expect("its panic ends the schedule");
    assert!(!failed, "failed without trouble");
    let last = store.log.last();
    store.close().expect("nothing fails");
    let again = open(&disk, durability);
    assert_eq!(again.recovered().last_lsn, last);
    assert!(again.recovered().clean);
}

use Durability::{Always, EverySec, No};

#[test]
fn rotations_that_a_snapshot_asks_for() {
    search(1_000, || rotate_beside_a_writer(Always));
}

#[test]
fn rotations_that_a_snapshot_asks_for_under_everysec() {
    search(1_000, || rotate_beside_a_writer(EverySec));
}

#[test]
fn always() {
    search(2_000, || live(Always, [Always, Always], false));
}

#[test]
fn always_with_one_that_cares_less() {
    search(1_500, || live(Always, [Always, No], false));
}

#[test]
fn everysec_with_one_that_cares_more() {
    search(2_000, || live(EverySec, [EverySec, Always], false));
}

#[test]
fn no_with_one_that_cares_more() {
    search(1_500, || live(No, [No, Always], false));
}

#[test]
fn always_and_syncs_fail() {
    search(1_500, || live(Always, [Always, No], true));
}

#[test]
fn everysec_and_syncs_fail() {
    search(2_000, || live(EverySec, [EverySec, Always], true));
}
