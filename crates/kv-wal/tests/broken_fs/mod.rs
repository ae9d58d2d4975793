//! File systems that stand for a bug of the log: what a careless programmer would have left out or swapped
//! is left out or swapped between the log and the simulated disk.
//!
//! Some bugs need to know what is written. They read the layout of frames as `format` tells it.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crc32c::{crc32c, crc32c_append};
use kv_wal::fs::{Dir, File, Fs, Lock, Space};
use kv_wal::testing::disk::SimDisk;
use xxhash_rust::xxh3::xxh3_64;

/// A planted bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bug {
    /// The directory is not synced.
    SkipDirectorySync,
    /// Segments are not synced before they are published.
    SkipSegmentSync,
    /// Commits are not synced.
    SkipCommitSync,
    /// A new manifest gets its name before its bytes are durable.
    SkipManifestSync,
    /// Recovery does not make durable what it reads.
    SkipRecoverySync,
    /// The old manifest is removed before the new one has its name.
    ReplaceByRemoving,
    /// What is written to the log reaches it only after the next sync.
    WriteAfterSync,
    /// A successor is published before the end mark of a segment is synced.
    SuccessorBeforeSeal,
    /// Every segment has the same salt.
    SameSalt,
    /// The payload's checksum is not looked at.
    IgnorePayloadChecksum,
    /// The header's checksum is not looked at.
    IgnoreHeaderChecksum,
    /// A failed sync is tried once more.
    RetrySync,
    /// A failed sync is taken for a success.
    IgnoreSyncError,
    /// A failed write is taken for a success.
    IgnoreWriteError,
    /// Recovery believes the page cache.
    KeepCache,
    /// Recovery writes to the segments that it reads.
    WriteToOldSegment,
    /// Recovery does not look whether one bit makes a frame whole.
    MissFlippedBit,
}

/// A disk seen through a bug.
pub(crate) struct BrokenFs {
    disk: Arc<dyn Fs>,
    /// The same disk, if it is a simulated one.
    simulated: Option<SimDisk>,
    bug: Bug,
}

impl BrokenFs {
    pub(crate) fn new(disk: SimDisk, bug: Bug) -> Self {
        Self {
            disk: Arc::new(disk.clone()),
            simulated: Some(disk),
            bug,
        }
    }

    /// For bugs of reading: any disk.
    pub(crate) fn over(disk: impl Fs + 'static, bug: Bug) -> Self {
        Self {
            disk: Arc::new(disk),
            simulated: None,
            bug,
        }
    }
}

impl Fs for BrokenFs {
    fn open_dir(&self, path: &Path) -> io::Result<Arc<dyn Dir>> {
        Ok(Arc::new(BrokenDir {
            disk: self.simulated.clone(),
            dir: self.disk.open_dir(path)?,
            bug: self.bug,
            late: Arc::default(),
        }))
    }

    fn random(&self) -> u64 {
        match self.bug {
            Bug::SameSalt => 7,
            _ => self.disk.random(),
        }
    }
}

struct BrokenDir {
    disk: Option<SimDisk>,
    dir: Arc<dyn Dir>,
    bug: Bug,
    /// Files whose sync comes too late.
    late: Arc<Mutex<Vec<Arc<dyn File>>>>,
}

impl BrokenDir {
    fn file(&self, file: Arc<dyn File>, name: &str, stored: bool) -> Arc<dyn File> {
        Arc::new(BrokenFile {
            disk: self.disk.clone(),
            name: name.into(),
            file,
            bug: self.bug,
            is_manifest: name.starts_with("MANIFEST"),
            stored,
            held: Mutex::default(),
            wrote_frames: AtomicBool::new(false),
            wrote_seal: AtomicBool::new(false),
            late: Arc::clone(&self.late),
        })
    }
}

impl Dir for BrokenDir {
    fn create(&self, name: &str) -> io::Result<Arc<dyn File>> {
        Ok(self.file(self.dir.create(name)?, name, false))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn File>> {
        Ok(self.file(self.dir.open(name)?, name, true))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        if self.bug == Bug::ReplaceByRemoving && self.dir.names()?.iter().any(|name| name == to) {
            self.dir.remove(to)?;
        }
        self.dir.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.dir.remove(name)
    }

    fn sync(&self) -> io::Result<()> {
        if self.bug == Bug::SkipDirectorySync {
            return Ok(());
        }
        self.dir.sync()?;
        for file in std::mem::take(&mut *locked(&self.late)) {
            file.sync_data()?;
        }
        Ok(())
    }

    fn names(&self) -> io::Result<Vec<String>> {
        self.dir.names()
    }

    fn try_lock(&self, name: &str, owner: &str) -> io::Result<Lock> {
        self.dir.try_lock(name, owner)
    }

    fn space(&self) -> io::Result<Space> {
        self.dir.space()
    }
}

struct BrokenFile {
    disk: Option<SimDisk>,
    name: String,
    file: Arc<dyn File>,
    bug: Bug,
    is_manifest: bool,
    /// Of an earlier life.
    stored: bool,
    /// Writes that come too late.
    held: Mutex<Vec<(u64, Vec<u8>)>>,
    wrote_frames: AtomicBool,
    wrote_seal: AtomicBool,
    late: Arc<Mutex<Vec<Arc<dyn File>>>>,
}

impl BrokenFile {
    fn is_live_log(&self) -> bool {
        !self.is_manifest && !self.stored
    }

    fn sync_late(&self) -> io::Result<()> {
        self.file.sync_data()?;
        for (offset, bytes) in std::mem::take(&mut *locked(&self.held)) {
            self.file.write_at(&bytes, offset)?;
        }
        Ok(())
    }
}

impl File for BrokenFile {
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        let changes = [
            Bug::IgnorePayloadChecksum,
            Bug::IgnoreHeaderChecksum,
            Bug::MissFlippedBit,
        ];
        if self.is_manifest || !changes.contains(&self.bug) {
            return self.file.read_at(into, offset);
        }
        let mut bytes = vec![0; in_memory(self.file.len()?)];
        let length = self.file.read_at(&mut bytes, 0)?;
        bytes.truncate(length);
        change_frames(&mut bytes, self.bug);
        let from = bytes.len().min(in_memory(offset));
        let length = into.len().min(bytes.len() - from);
        into[..length].copy_from_slice(&bytes[from..from + length]);
        Ok(length)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        if self.is_live_log() && offset >= SEGMENT_HEADER_BYTES as u64 {
            self.wrote_frames.store(true, SeqCst);
            self.wrote_seal.fetch_or(is_seal(bytes), SeqCst);
            if self.bug == Bug::WriteAfterSync {
                locked(&self.held).push((offset, bytes.to_vec()));
                return Ok(());
            }
        }
        match self.file.write_at(bytes, offset) {
            Err(_) if self.bug == Bug::IgnoreWriteError && self.is_live_log() => Ok(()),
            done => done,
        }
    }

    fn sync_data(&self) -> io::Result<()> {
        let (log, frames) = (self.is_live_log(), self.wrote_frames.load(SeqCst));
        match self.bug {
            Bug::SkipSegmentSync if log && !frames => Ok(()),
            Bug::SkipCommitSync if frames => Ok(()),
            Bug::SkipManifestSync if self.is_manifest => Ok(()),
            Bug::SkipRecoverySync if self.stored => Ok(()),
            Bug::WriteAfterSync if log => self.sync_late(),
            Bug::SuccessorBeforeSeal if self.wrote_seal.load(SeqCst) => {
                locked(&self.late).push(Arc::clone(&self.file));
                Ok(())
            }
            Bug::RetrySync if log => self.file.sync_data().or_else(|_| self.file.sync_data()),
            Bug::IgnoreSyncError if log => {
                let _ = self.file.sync_data();
                Ok(())
            }
            _ => self.file.sync_data(),
        }
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.file.set_len(bytes)
    }

    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn drop_cache(&self) {
        if self.bug == Bug::WriteToOldSegment
            && let Some(disk) = &self.disk
            && let Some(file) = disk.writable(&self.name)
        {
            let _ = file.write_at(&[0; 8], SEGMENT_HEADER_BYTES as u64 - 8);
        }
        if self.bug != Bug::KeepCache {
            self.file.drop_cache();
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn in_memory(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

const SEGMENT_HEADER_BYTES: usize = 4096;
const FRAME_HEADER_BYTES: usize = 40;
const KIND_AT: usize = 28;
const SEAL: u8 = 3;

fn is_seal(written: &[u8]) -> bool {
    written.len() == FRAME_HEADER_BYTES && written[KIND_AT] == SEAL
}

/// Makes the checksums of the frames of a segment agree with whatever they cover; or where they do not, makes it
/// worse, so that there is more wrong than one bit.
fn change_frames(segment: &mut [u8], bug: Bug) {
    if segment.len() < SEGMENT_HEADER_BYTES {
        return;
    }
    let mut place = [0; 24];
    place[..8].copy_from_slice(&segment[48..56]);
    place[8..16].copy_from_slice(&segment[32..40]);
    let mut at = SEGMENT_HEADER_BYTES;
    while let Some(frame) = segment.get_mut(at..)
        && frame.len() >= FRAME_HEADER_BYTES
        && frame[..FRAME_HEADER_BYTES].iter().any(|&byte| byte != 0)
    {
        place[16..].copy_from_slice(&(at as u64).to_le_bytes());
        let checksum = |frame: &[u8]| {
            crc32c_append(crc32c(&place), &frame[4..FRAME_HEADER_BYTES]).to_le_bytes()
        };
        if bug == Bug::IgnoreHeaderChecksum {
            let right = checksum(frame);
            frame[..4].copy_from_slice(&right);
        } else if frame[..4] != checksum(frame) {
            return make_worse(frame, bug);
        }
        let length = u32::from_le_bytes([frame[4], frame[5], frame[6], frame[7]]) as usize;
        let Some(payload) = frame.get(FRAME_HEADER_BYTES..FRAME_HEADER_BYTES + length) else {
            return;
        };
        let [crc, digest] = [crc32c(payload).to_le_bytes(), digest_of(payload)];
        if bug == Bug::IgnorePayloadChecksum {
            frame[32..36].copy_from_slice(&crc);
            frame[36..40].copy_from_slice(&digest);
            let right = checksum(frame);
            frame[..4].copy_from_slice(&right);
        } else if frame[32..36] != crc {
            return make_worse(frame, bug);
        }
        at += FRAME_HEADER_BYTES + length.next_multiple_of(8);
    }
}

fn digest_of(payload: &[u8]) -> [u8; 4] {
    let [a, b, c, d, ..] = xxh3_64(payload).to_le_bytes();
    [a, b, c, d]
}

fn make_worse(frame: &mut [u8], bug: Bug) {
    if bug == Bug::MissFlippedBit {
        frame[..4].iter_mut().for_each(|byte| *byte = !*byte);
    }
}
