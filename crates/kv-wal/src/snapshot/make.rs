//! Making one snapshot: seam, walk, file, proof, manifest, and away with what is not needed any more.

use std::time::{Duration, Instant};

use kv_core::{Effect, Lsn, MemoryStore, Walk};

use super::blocks::{BlockWriter, Large};
use super::orders::Outcome;
use super::read::BlockReader;
use super::{Flawed, SnapshotError, SnapshotInfo};
use crate::compact::remove_unneeded;
use crate::dir::SnapshotName;
use crate::file::LogFile;
use crate::format::{SnapshotHeader, encode_effect};
use crate::log::Log;
use crate::manifest::Start;
use crate::poison::Failed;
use crate::{Durability, Encoding};

/// So much is written between two syncs of the file, in bytes: few enough that a commit of the log beside it
/// never waits for many.
const SYNC_BYTES: u64 = 1 << 20;

/// After the disk has worked for a snapshot, it is left to others for as long, but no longer than this.
const REST_MAX: Duration = Duration::from_millis(250);

/// Pauses shorter than this are saved up.
const PAUSE_MIN: Duration = Duration::from_millis(1);

/// Pauses are cut into pieces of this length, to notice that the store is closed.
const PAUSE_MAX: Duration = Duration::from_millis(50);

/// Makes snapshots until the log is closed or fails.
pub(crate) fn run(log: &Log, memory: &MemoryStore) -> Result<(), Failed> {
    while log.snapshots.next(log) {
        let mut log_bytes = 0;
        let outcome = make(log, memory, &mut log_bytes);
        log.snapshots.finished(&outcome, log_bytes);
    }
    Ok(())
}

/// Makes one; `log_bytes` becomes how much log had been written when it was begun.
fn make(log: &Log, memory: &MemoryStore, log_bytes: &mut u64) -> Outcome {
    let begun = Instant::now();
    let made = memory.clock().now();
    let newest = log.snapshots.newest().unwrap_or_default();
    if log.batches.last_lsn() == newest.lsn {
        // Nothing has changed since, so that one is as good as new.
        return Ok(SnapshotInfo { made, ..newest });
    }
    let seam = log.rotation.ask(log)?;
    *log_bytes = seam.log_bytes;
    let mut walk = memory.walk().ok_or(SnapshotError::Busy)?;
    let (lsn, keys) = (walk.lsn(), walk.keys());
    let name = SnapshotName { lsn };
    let header = SnapshotHeader {
        database: log.orders.manifest().database,
        lsn,
        salt: log.fs.random(),
        made,
    };
    let file = log.dir.create_snapshot_tmp()?;
    let written = write(log, &file, &header, &mut walk);
    drop(walk);
    log.readmit();
    let bytes = written.inspect_err(|_| {
        let _ = log.dir.remove_snapshot_tmp();
    })?;
    let published = publish(log, &file, name, header.database).inspect_err(|_| {
        let _ = log.dir.remove_snapshot(name);
        let _ = log.dir.remove_snapshot_tmp();
    });
    published?;
    let start = Start {
        snapshot: name,
        segment: seam.segment,
    };
    if log.orders.adopt(log, start)? {
        remove_unneeded(log)?;
    }
    Ok(SnapshotInfo {
        lsn,
        keys,
        bytes,
        made,
        took: begun.elapsed(),
    })
}

/// Writes what `walk` shows; how many bytes that are.
fn write(
    log: &Log,
    file: &LogFile,
    header: &SnapshotHeader,
    walk: &mut Walk<'_>,
) -> Result<u64, SnapshotError> {
    let pace = Pace::begin(log);
    let mut unsynced = 0;
    let mut after_block = |bytes| {
        unsynced += bytes;
        if unsynced >= SYNC_BYTES {
            unsynced = 0;
            pace.work(|| file.sync_data())?;
        }
        go_on(log)
    };
    log.snapshots.expect(walk.keys());
    let mut writer = BlockWriter::begin(file, header, &mut after_block)?;
    let (mut records, mut large, mut keys) = (Vec::new(), Vec::new(), 0);
    for (name, code) in walk.libraries() {
        let code = Some(&**code);
        let effect = Effect::SetLibrary { name, code };
        encode_effect(Encoding::Binary, &effect, &mut records);
        writer.record(&records)?;
        records.clear();
    }
    loop {
        let was_behind = log.snapshots.is_behind();
        let more = walk.slice(|item| {
            keys += 1;
            if let Some(item) = Large::of(item) {
                large.push(item);
            } else {
                item.for_each_effect(&mut |effect| {
                    encode_effect(Encoding::Binary, effect, &mut records);
                });
            }
        });
        if was_behind && !log.snapshots.is_behind() {
            log.readmit();
        }
        writer.items(&records)?;
        records.clear();
        for large in large.drain(..) {
            writer.large(&large)?;
        }
        if !more {
            break;
        }
        log.snapshots.note(keys, writer.bytes());
        pace.keep(writer.bytes())?;
    }
    assert_eq!(keys, walk.keys(), "a walk shows every key once");
    let bytes = writer.finish(keys)?;
    log.snapshots.note(keys, bytes);
    Ok(bytes)
}

/// Makes the file durable under its name and reads it back.
fn publish(
    log: &Log,
    file: &LogFile,
    name: SnapshotName,
    database: [u8; 16],
) -> Result<(), SnapshotError> {
    // The log must hold whatever the snapshot does: replay goes on in it.
    let waited = log.gate.wait(name.lsn, Durability::Always);
    waited.map_err(|_| SnapshotError::LogFailed)?;
    file.sync_data()?;
    log.dir.name_snapshot(name)?;
    log.must(log.dir.sync())?;
    let stored = log.dir.open_snapshot(name)?;
    read_back(log, &stored, database, name.lsn)
}

fn read_back(log: &Log, file: &LogFile, database: [u8; 16], lsn: Lsn) -> Result<(), SnapshotError> {
    let unlike = |flaw| match flaw {
        Flawed::Damaged { offset, why } => SnapshotError::Unlike {
            file: file.path().into(),
            why: format!("at offset {offset}, {why}"),
        },
        Flawed::Io(failure) => failure.into(),
        Flawed::Version(_) | Flawed::Refused(_) => SnapshotError::Unlike {
            file: file.path().into(),
            why: "it is of another version".into(),
        },
    };
    let pace = Pace::begin(log);
    let mut reader = BlockReader::begin(file, database, lsn).map_err(unlike)?;
    while pace.work(|| reader.next()).map_err(unlike)?.is_ok() {
        go_on(log)?;
        pace.keep(reader.offset)?;
    }
    Ok(())
}

fn go_on(log: &Log) -> Result<(), SnapshotError> {
    log.check()?;
    if log.snapshots.is_stopping() {
        return Err(SnapshotError::Closed);
    }
    Ok(())
}

/// Holds work back so that it leaves the disk and the processor to others.
struct Pace<'l> {
    log: &'l Log,
    begun: Instant,
}

impl<'l> Pace<'l> {
    fn begin(log: &'l Log) -> Self {
        Self {
            log,
            begun: Instant::now(),
        }
    }

    /// Lets the disk work, then leaves it to the log for as long: however slow it is, half of its time is the
    /// log's. Not when writers press.
    fn work<R>(&self, work: impl FnOnce() -> R) -> R {
        let begun = Instant::now();
        let done = work();
        let snapshots = &self.log.snapshots;
        if snapshots.bytes_per_second > 0 && !snapshots.is_pressed() {
            std::thread::sleep(begun.elapsed().min(REST_MAX));
        }
        done
    }

    /// Pauses until `bytes` are due, unless writers press.
    fn keep(&self, bytes: u64) -> Result<(), SnapshotError> {
        let snapshots = &self.log.snapshots;
        if snapshots.bytes_per_second == 0 {
            return Ok(());
        }
        let micros = u128::from(bytes) * 1_000_000 / u128::from(snapshots.bytes_per_second);
        let due = Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX));
        loop {
            let early = due.saturating_sub(self.begun.elapsed());
            if early < PAUSE_MIN || snapshots.is_pressed() {
                return Ok(());
            }
            std::thread::sleep(early.min(PAUSE_MAX));
            go_on(self.log)?;
        }
    }
}
