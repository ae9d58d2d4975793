//! How a durable store is opened, and what its opening tells.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use kv_core::{Lsn, MemoryOptions};

use crate::fs::{Fs, RealFs};
use crate::{Durability, LogFailure, SnapshotInfo, SnapshotRule};

/// How effects are written inside the log's frames. Both can be read, and follow one another in a directory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// Compact binary records.
    #[default]
    Binary,
    /// One JSON object per effect and line, readable with a pager.
    Json,
}

/// Called while the log is replayed.
pub type OnProgress = Arc<dyn Fn(&Progress) + Send + Sync>;

/// Called when the log has failed.
pub type OnFailure = Arc<dyn Fn(&LogFailure) + Send + Sync>;

/// How a [`DurableStore`](crate::DurableStore) is opened.
#[derive(Clone)]
pub struct DurableOptions {
    /// What must have happened to a write before it is acknowledged.
    pub durability: Durability,
    /// How effects are written from now on; what is there already is read in either encoding.
    pub encoding: Encoding,
    /// Size of one log file, in bytes; a file is only larger if one transaction needs it.
    pub segment_bytes: u64,
    /// Larger transactions are refused before they change anything, in bytes of the log; at most, and usually, what
    /// fits into one frame: 4 GiB.
    pub transaction_bytes_max: u64,
    /// When a snapshot is made without being asked for.
    pub snapshots: SnapshotRule,
    /// Most bytes that a snapshot writes or reads back in a second; 0: as fast as it goes. Writers who press
    /// it make it go faster.
    pub snapshot_bytes_per_second: u64,
    /// How often the room on the disk is looked at, and so how soon writes are taken again once there is some.
    pub room_look_interval: Duration,
    /// The memory engine.
    pub memory: MemoryOptions,
    /// The file system, of which a test may have its own.
    pub fs: Arc<dyn Fs>,
    /// Told while the log is replayed, each few megabytes.
    pub on_progress: Option<OnProgress>,
    /// Told once if the log fails, after everybody who waited got an error. It must not use the store; a
    /// server begins to end its process here.
    pub on_failure: Option<OnFailure>,
}

impl Default for DurableOptions {
    fn default() -> Self {
        Self {
            durability: Durability::default(),
            encoding: Encoding::default(),
            segment_bytes: 64 << 20,
            transaction_bytes_max: u64::MAX,
            snapshots: SnapshotRule::default(),
            snapshot_bytes_per_second: 128 << 20,
            room_look_interval: Duration::from_secs(1),
            memory: MemoryOptions::default(),
            fs: Arc::new(RealFs),
            on_progress: None,
            on_failure: None,
        }
    }
}

/// How far replay has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Bytes of log read so far.
    pub bytes_done: u64,
    /// Bytes of log to read, an upper bound.
    pub bytes_total: u64,
    /// Effects applied so far.
    pub effects: u64,
    /// The number of the segment that is being read; 0: it is a snapshot that is being loaded.
    pub segment: u64,
}

/// What was found when a directory was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recovered {
    /// The snapshot that it began with; its effects and bytes are not counted below.
    pub snapshot: Option<SnapshotInfo>,
    /// Why a newer snapshot was passed over, if one was: the one before and the log made up for it.
    pub passed_over: Option<String>,
    /// Segments read; none in a new directory.
    pub segments: u64,
    /// Effects applied.
    pub effects: u64,
    /// Bytes of log read.
    pub bytes: u64,
    /// The newest LSN found.
    pub last_lsn: Lsn,
    /// Whether the log ends with the mark of an orderly shutdown; true for a new directory.
    pub clean: bool,
    /// The unfinished tail that was dropped, if there was one.
    pub dropped: Option<DroppedTail>,
    /// How long it took.
    pub took: Duration,
}

/// An unfinished tail: what was being written when the process or the machine stopped. No write that was
/// acknowledged under the policy of its time is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DroppedTail {
    /// The file.
    pub file: PathBuf,
    /// Where in the file it begins, in bytes.
    pub offset: u64,
    /// How long it is up to its last byte that is not zero, in bytes.
    pub bytes: u64,
}

/// What a log has done since it was opened, and where it stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogStats {
    /// Times that the log was flushed to stable storage.
    pub syncs: u64,
    /// Batches written; each is one `pwrite` and, under `always`, one sync.
    pub batches: u64,
    /// Effects written.
    pub effects: u64,
    /// Bytes written.
    pub bytes: u64,
    /// How long the last flush took, in microseconds.
    pub last_sync_micros: u64,
    /// The number of the segment being written.
    pub segment: u64,
    /// Bytes of log in the directory, of all segments.
    pub log_bytes: u64,
    /// Bytes accepted but not yet written.
    pub backlog_bytes: u64,
    /// Whether writes are refused because the disk is full.
    pub disk_full: bool,
}
