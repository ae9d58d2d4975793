//! The directory of one database: its lock, the names in it, and files that know their own path. The only
//! place that makes a file name.
//!
//! ```text
//! LOCK                                  held for life, the holder's pid inside
//! MANIFEST                              what the directory must contain
//! wal-<number>-<first lsn>.log          segments
//! snap-<lsn>.kvs                        snapshots
//! *.tmp                                 not part of the database; removed at start
//! ```

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use kv_core::Lsn;

use crate::OpenError;
use crate::file::{IoFailure, LogFile, failed};
use crate::fs::{Dir, Fs, Lock, Space};

const LOCK: &str = "LOCK";
const MANIFEST: &str = "MANIFEST";
const MANIFEST_TMP: &str = "MANIFEST.tmp";
const SNAPSHOT_TMP: &str = "snapshot.tmp";
const TMP_SUFFIX: &str = ".tmp";

/// A holder that is just ending gets this many chances to be gone.
const LOCK_TRIES: u32 = 5;
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// Files are copied in blocks of this many bytes.
const COPY_BYTES: usize = 1 << 20;

fn segment_tmp(serial: u64) -> String {
    format!("segment-{serial}{TMP_SUFFIX}")
}

/// The directory of one database, locked for as long as this lives unless it was opened to look at.
pub(crate) struct LogDir {
    path: PathBuf,
    dir: Arc<dyn Dir>,
    /// `None`: another process has it, and this one only looks.
    lock: Option<Box<dyn Send + Sync>>,
    /// Who has the lock, when it is another process that says so.
    holder: Option<u32>,
    /// Its segments and snapshots as of one moment, kept open: `None` shows what is there.
    held: Option<BTreeMap<String, LogFile>>,
}

/// A file name that names a segment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SegmentName {
    pub(crate) number: u64,
    pub(crate) first_lsn: Lsn,
}

impl SegmentName {
    pub(crate) fn file_name(&self) -> String {
        format!("wal-{:010}-{:020}.log", self.number, self.first_lsn.0)
    }

    fn parse(name: &str) -> Option<Self> {
        let (number, lsn) = name
            .strip_prefix("wal-")?
            .strip_suffix(".log")?
            .split_once('-')?;
        let parsed = Self {
            number: number.parse().ok()?,
            first_lsn: Lsn(lsn.parse().ok()?),
        };
        (parsed.file_name() == name).then_some(parsed)
    }
}

/// A file name that names a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SnapshotName {
    /// The newest effect in it.
    pub(crate) lsn: Lsn,
}

impl SnapshotName {
    pub(crate) fn file_name(self) -> String {
        format!("snap-{:020}.kvs", self.lsn.0)
    }

    fn parse(name: &str) -> Option<Self> {
        let lsn = name.strip_prefix("snap-")?.strip_suffix(".kvs")?;
        let parsed = Self {
            lsn: Lsn(lsn.parse().ok()?),
        };
        (parsed.file_name() == name).then_some(parsed)
    }
}

impl LogDir {
    /// Opens and locks the directory `path`, made when missing.
    pub(crate) fn open(fs: &dyn Fs, path: &Path) -> Result<Self, OpenError> {
        let dir = fs.open_dir(path).map_err(failed("open directory", path))?;
        let owner = std::process::id().to_string();
        let mut tries = 0;
        loop {
            let lock = dir
                .try_lock(LOCK, &owner)
                .map_err(failed("lock", path.join(LOCK)))?;
            tries += 1;
            match lock {
                Lock::Held(lock) => {
                    return Ok(Self {
                        path: path.into(),
                        dir,
                        lock: Some(lock),
                        holder: None,
                        held: None,
                    });
                }
                Lock::HeldElsewhere(_) if tries < LOCK_TRIES => thread::sleep(LOCK_PAUSE),
                Lock::HeldElsewhere(owner) => {
                    return Err(OpenError::Locked {
                        dir: path.into(),
                        pid: owner.trim().parse().ok(),
                    });
                }
            }
        }
    }

    /// Makes the directory `path`, where files of a database are put aside; there must be nothing in it.
    pub(crate) fn make_aside(fs: &dyn Fs, path: &Path) -> Result<Self, OpenError> {
        let dir = fs.open_dir(path).map_err(failed("make directory", path))?;
        let aside = Self {
            path: path.into(),
            dir,
            lock: Some(Box::new(())),
            holder: None,
            held: None,
        };
        if aside.is_used()? {
            let exists = std::io::ErrorKind::AlreadyExists.into();
            return Err(failed("make directory", path)(exists).into());
        }
        Ok(aside)
    }

    /// Opens the directory `path`, which must be there, to look at: nothing is made or changed. It is
    /// locked meanwhile unless another process has it.
    pub(crate) fn open_to_look(fs: &dyn Fs, path: &Path) -> Result<Self, OpenError> {
        let dir = fs
            .open_dir_as_is(path)
            .map_err(failed("open directory", path))?;
        let lock = dir
            .try_lock_as_is(LOCK)
            .map_err(failed("lock", path.join(LOCK)))?;
        let (lock, holder) = match lock {
            Lock::Held(lock) => (Some(lock), None),
            Lock::HeldElsewhere(owner) => (None, owner.trim().parse().ok()),
        };
        Ok(Self {
            path: path.into(),
            dir,
            lock,
            holder,
            held: None,
        })
    }

    /// Opens every segment and snapshot that is there: from now on this shows these and no others, also when
    /// another process removes their names.
    pub(crate) fn hold(&mut self) -> Result<(), IoFailure> {
        self.held = None;
        let mut held = BTreeMap::new();
        for name in self.names()? {
            if SegmentName::parse(&name).is_none() && SnapshotName::parse(&name).is_none() {
                continue;
            }
            match self.open_file(&name) {
                // Removed since: whether it was needed is told by the manifest.
                Err(failure) if failure.is_not_found() => {}
                file => {
                    held.insert(name, file?);
                }
            }
        }
        self.held = Some(held);
        Ok(())
    }

    /// Whether this is the only process that may write here.
    pub(crate) fn is_locked(&self) -> bool {
        self.lock.is_some()
    }

    /// The process that has the lock, when it is another one that says so.
    pub(crate) fn holder(&self) -> Option<u32> {
        self.holder
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn path_of(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The whole path of a segment, for messages.
    pub(crate) fn segment_path(&self, name: &SegmentName) -> PathBuf {
        self.path_of(&name.file_name())
    }

    /// The whole path of the manifest, for messages.
    pub(crate) fn manifest_path(&self) -> PathBuf {
        self.path_of(MANIFEST)
    }

    /// The names of all segments, in their order.
    pub(crate) fn segments(&self) -> Result<Vec<SegmentName>, IoFailure> {
        let mut segments: Vec<_> = self
            .names()?
            .iter()
            .filter_map(|name| SegmentName::parse(name))
            .collect();
        segments.sort_unstable();
        Ok(segments)
    }

    /// Removes what an earlier process left unfinished.
    pub(crate) fn remove_unfinished(&self) -> Result<(), IoFailure> {
        for name in self.names()? {
            if name.ends_with(TMP_SUFFIX) {
                self.remove(&name)?;
            }
        }
        Ok(())
    }

    /// The contents of the manifest, at most `max` bytes of it; `None` when there is none.
    pub(crate) fn read_manifest(&self, max: usize) -> Result<Option<Vec<u8>>, IoFailure> {
        let file = match self.open_file(MANIFEST) {
            Err(failure) if failure.is_not_found() => return Ok(None),
            file => file?,
        };
        let mut bytes = vec![0; max];
        let length = file.read_full(&mut bytes, 0)?;
        bytes.truncate(length);
        Ok(Some(bytes))
    }

    /// Writes `bytes` where they do not count yet.
    pub(crate) fn write_manifest_tmp(&self, bytes: &[u8]) -> Result<LogFile, IoFailure> {
        let file = self.create_file(MANIFEST_TMP)?;
        file.write_at(bytes, 0)?;
        Ok(file)
    }

    /// Makes what [`LogDir::write_manifest_tmp`] wrote the manifest: after return it is what a restart finds,
    /// before it what was there.
    pub(crate) fn publish_manifest(&self, tmp: &LogFile) -> Result<(), IoFailure> {
        tmp.sync_data()?;
        self.rename(MANIFEST_TMP, MANIFEST)?;
        self.sync()
    }

    /// Makes an empty file that is to become a segment; no other may be made with the same `serial` before
    /// this one is published or removed.
    pub(crate) fn create_segment_tmp(&self, serial: u64) -> Result<LogFile, IoFailure> {
        self.create_file(&segment_tmp(serial))
    }

    /// Removes a file that was to become a segment, if it was made at all.
    pub(crate) fn remove_segment_tmp(&self, serial: u64) -> Result<(), IoFailure> {
        match self.remove(&segment_tmp(serial)) {
            Err(failure) if failure.is_not_found() => Ok(()),
            removed => removed,
        }
    }

    /// Gives `tmp`, made by [`LogDir::create_segment_tmp`], its name, durably.
    pub(crate) fn publish_segment(
        &self,
        serial: u64,
        tmp: LogFile,
        name: &SegmentName,
    ) -> Result<LogFile, IoFailure> {
        let name = name.file_name();
        self.rename(&segment_tmp(serial), &name)?;
        self.sync()?;
        Ok(tmp.renamed(self.path_of(&name)))
    }

    /// Opens a segment for reading.
    pub(crate) fn open_segment(&self, name: &SegmentName) -> Result<LogFile, IoFailure> {
        self.open_file(&name.file_name())
    }

    /// Removes a segment. Durable after [`LogDir::sync`].
    pub(crate) fn remove_segment(&self, name: &SegmentName) -> Result<(), IoFailure> {
        self.remove(&name.file_name())
    }

    /// The names of all snapshots, the oldest first.
    pub(crate) fn snapshots(&self) -> Result<Vec<SnapshotName>, IoFailure> {
        let mut snapshots: Vec<_> = self
            .names()?
            .iter()
            .filter_map(|name| SnapshotName::parse(name))
            .collect();
        snapshots.sort_unstable();
        Ok(snapshots)
    }

    /// The whole path of a snapshot, for messages.
    pub(crate) fn snapshot_path(&self, name: SnapshotName) -> PathBuf {
        self.path_of(&name.file_name())
    }

    /// Makes an empty file that is to become a snapshot: the only one at a time.
    pub(crate) fn create_snapshot_tmp(&self) -> Result<LogFile, IoFailure> {
        self.create_file(SNAPSHOT_TMP)
    }

    /// Removes the file that was to become a snapshot.
    pub(crate) fn remove_snapshot_tmp(&self) -> Result<(), IoFailure> {
        self.remove(SNAPSHOT_TMP)
    }

    /// Gives the file made by [`LogDir::create_snapshot_tmp`] its name. Durable after [`LogDir::sync`].
    pub(crate) fn name_snapshot(&self, name: SnapshotName) -> Result<(), IoFailure> {
        self.rename(SNAPSHOT_TMP, &name.file_name())
    }

    /// Opens a snapshot for reading.
    pub(crate) fn open_snapshot(&self, name: SnapshotName) -> Result<LogFile, IoFailure> {
        self.open_file(&name.file_name())
    }

    /// Removes a snapshot. Durable after [`LogDir::sync`].
    pub(crate) fn remove_snapshot(&self, name: SnapshotName) -> Result<(), IoFailure> {
        self.remove(&name.file_name())
    }

    /// Makes names durable.
    pub(crate) fn sync(&self) -> Result<(), IoFailure> {
        self.dir
            .sync()
            .map_err(failed("sync directory", &self.path))
    }

    /// The room on the disk.
    pub(crate) fn space(&self) -> Result<Space, IoFailure> {
        self.dir
            .space()
            .map_err(failed("ask for the room in", &self.path))
    }

    /// Gives the segment `name` the same name in `other` too, without a copy where the file system can.
    /// Durable after [`LogDir::sync`] of `other`. True when it is the same file in both.
    pub(crate) fn share_segment(
        &self,
        name: &SegmentName,
        other: &Self,
    ) -> Result<bool, IoFailure> {
        if self.dir.link(&name.file_name(), &other.path).is_ok() {
            return Ok(true);
        }
        // Another file system, or one without links.
        let file = self.open_segment(name)?;
        let bytes = file.len()?;
        self.copy_segment(name, bytes, other)?;
        Ok(false)
    }

    /// Copies the first `bytes` of the segment `name` to `other`, durably. Replaces one of that name there.
    pub(crate) fn copy_segment(
        &self,
        name: &SegmentName,
        bytes: u64,
        other: &Self,
    ) -> Result<(), IoFailure> {
        let to = other.create_segment_tmp(0)?;
        copy_front(&self.open_segment(name)?, bytes, &to)?;
        other.publish_segment(0, to, name)?;
        Ok(())
    }

    /// As [`LogDir::share_segment`], for a snapshot.
    pub(crate) fn share_snapshot(&self, name: SnapshotName, other: &Self) -> Result<(), IoFailure> {
        if self.dir.link(&name.file_name(), &other.path).is_ok() {
            return Ok(());
        }
        let from = self.open_snapshot(name)?;
        let to = other.create_snapshot_tmp()?;
        copy_front(&from, from.len()?, &to)?;
        other.name_snapshot(name)
    }

    /// Whether there is anything in it but a lock.
    pub(crate) fn is_used(&self) -> Result<bool, IoFailure> {
        let used = |name: &String| !matches!(name.as_str(), "." | ".." | LOCK);
        Ok(self.names()?.iter().any(used))
    }

    fn names(&self) -> Result<Vec<String>, IoFailure> {
        if let Some(held) = &self.held {
            return Ok(held.keys().cloned().collect());
        }
        self.dir.names().map_err(failed("list", &self.path))
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), IoFailure> {
        self.dir
            .rename(from, to)
            .map_err(failed("rename to", self.path_of(to)))
    }

    fn remove(&self, name: &str) -> Result<(), IoFailure> {
        self.dir
            .remove(name)
            .map_err(failed("remove", self.path_of(name)))
    }

    fn create_file(&self, name: &str) -> Result<LogFile, IoFailure> {
        let path = self.path_of(name);
        let file = self.dir.create(name).map_err(failed("create", &path))?;
        Ok(LogFile::new(path, file))
    }

    fn open_file(&self, name: &str) -> Result<LogFile, IoFailure> {
        if let Some(file) = self.held.as_ref().and_then(|held| held.get(name)) {
            return Ok(file.clone());
        }
        let path = self.path_of(name);
        let file = self.dir.open(name).map_err(failed("open", &path))?;
        Ok(LogFile::new(path, file))
    }
}

/// Copies the first `bytes` of `from` to `to`, durably.
fn copy_front(from: &LogFile, bytes: u64, to: &LogFile) -> Result<(), IoFailure> {
    let mut block = vec![0; COPY_BYTES];
    let mut at = 0;
    while at < bytes {
        let wanted = usize::try_from(bytes - at).map_or(COPY_BYTES, |left| left.min(COPY_BYTES));
        let block = &mut block[..wanted];
        let read = from.read_full(block, at)?;
        if read == 0 {
            return Err(from.ended_early());
        }
        to.write_at(&block[..read], at)?;
        at += read as u64;
    }
    to.sync_data()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_names_name_segments() {
        let name = SegmentName {
            number: 12,
            first_lsn: Lsn(345),
        };
        assert_eq!(name.file_name(), "wal-0000000012-00000000000000000345.log");
        assert_eq!(SegmentName::parse(&name.file_name()), Some(name));
        for other in [
            "wal-12-345.log",
            "wal-0000000012-00000000000000000345.log.bak",
            "wal-+000000012-00000000000000000345.log",
            "MANIFEST",
        ] {
            assert_eq!(SegmentName::parse(other), None, "{other}");
        }
    }
}
