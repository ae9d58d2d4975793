//! Snapshots: the whole database as of one LSN in one file, made beside traffic, after which the log before the
//! last but one is not needed any more.
//!
//! One thread makes them, one at a time: when it is asked to, or when the log has grown by more than
//! [`SnapshotRule`] allows. It never holds up a write for the disk; a snapshot that fails leaves nothing behind
//! but its error.
//!
//! Invariant: a snapshot is named by the manifest only when it is durable, has been read back, and every
//! effect in it is durable in the log too.
//! Invariant: nothing is removed before a manifest that does not need it is durable.

mod blocks;
mod load;
mod make;
mod orders;
mod read;

use std::path::PathBuf;
use std::time::Duration;

use kv_core::{Lsn, UnixMillis};

pub(crate) use load::{Unloaded, load, verify};
pub(crate) use make::run;
pub(crate) use orders::Snapshots;
pub(crate) use read::database_of;

use crate::file::IoFailure;
use crate::poison::Failed;
use crate::{LogFailure, OpenError};

/// When a snapshot is made without being asked for: when the log since the last one has reached both sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotRule {
    /// Least bytes of log; 0: never.
    pub log_bytes_min: u64,
    /// Bytes of log as a share of the last snapshot's size, in percent; 0: never.
    pub log_percent: u32,
}

impl Default for SnapshotRule {
    fn default() -> Self {
        Self {
            log_bytes_min: 64 << 20,
            log_percent: 100,
        }
    }
}

impl SnapshotRule {
    /// No snapshot without being asked for.
    pub const NEVER: Self = Self {
        log_bytes_min: 0,
        log_percent: 0,
    };

    /// Whether a log that has grown by `log_bytes` since a snapshot of `snapshot_bytes` calls for another.
    fn calls_for_one(self, log_bytes: u64, snapshot_bytes: u64) -> bool {
        if self.log_bytes_min == 0 || self.log_percent == 0 {
            return false;
        }
        let share = u128::from(snapshot_bytes) * u128::from(self.log_percent) / 100;
        log_bytes >= self.log_bytes_min && u128::from(log_bytes) >= share
    }
}

/// A snapshot that is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SnapshotInfo {
    /// The newest effect in it.
    pub lsn: Lsn,
    /// How many keys it has.
    pub keys: u64,
    /// How large the file is.
    pub bytes: u64,
    /// When it was begun.
    pub made: UnixMillis,
    /// How long it took; zero for one that was found when the store was opened.
    pub took: Duration,
}

/// How far a snapshot under way has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SnapshotProgress {
    /// Keys written.
    pub keys_done: u64,
    /// Keys to write.
    pub keys_total: u64,
    /// Bytes written.
    pub bytes: u64,
    /// For how long it has been under way.
    pub elapsed: Duration,
}

/// What there is to tell of the snapshots of a store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SnapshotStatus {
    /// The one under way.
    pub running: Option<SnapshotProgress>,
    /// Whether another one is to be made right after it.
    pub scheduled: bool,
    /// The newest one that is done.
    pub newest: Option<SnapshotInfo>,
    /// Why the last attempt failed; `None` when it did not, and before the first.
    pub last_error: Option<SnapshotError>,
    /// How long the last attempt took; `None` before the first.
    pub last_took: Option<Duration>,
    /// Effects since the newest one.
    pub effects_since: u64,
    /// Bytes of log since the newest one.
    pub log_bytes_since: u64,
    /// How many have been done since the store was opened.
    pub done: u64,
    /// How many were tried since then and failed.
    pub failed: u64,
}

/// Why a snapshot was not made. The store and its log are as they were.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// One is being made already.
    #[error("a snapshot is being made already")]
    Busy,
    /// The store was closed meanwhile.
    #[error("the store was closed")]
    Closed,
    /// The log failed, before or meanwhile.
    #[error("the log has failed")]
    LogFailed,
    /// There is no room for it on the disk.
    #[error("no room on the disk")]
    DiskFull,
    /// The operating system refused something.
    #[error("{0}")]
    Io(LogFailure),
    /// What was read back is not what was written.
    #[error("{} was not read back as it was written: {why}", .file.display())]
    Unlike {
        /// The file, which is removed.
        file: PathBuf,
        /// What was found.
        why: String,
    },
}

impl From<IoFailure> for SnapshotError {
    fn from(failure: IoFailure) -> Self {
        if failure.is_no_room() {
            return Self::DiskFull;
        }
        Self::Io(failure.into())
    }
}

impl From<Failed> for SnapshotError {
    fn from(Failed: Failed) -> Self {
        Self::LogFailed
    }
}

/// What is wrong with a snapshot file.
#[derive(Debug)]
pub(crate) enum Flawed {
    /// It is not what was written.
    Damaged {
        offset: u64,
        why: String,
    },
    /// It is of a newer version.
    Version(u32),
    Io(IoFailure),
    /// Whoever took its contents did not want them.
    Refused(OpenError),
}

impl From<IoFailure> for Flawed {
    fn from(failure: IoFailure) -> Self {
        Self::Io(failure)
    }
}

impl Flawed {
    fn damaged(offset: u64, why: impl Into<String>) -> Self {
        let why = why.into();
        Self::Damaged { offset, why }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_asks_for_both_sizes() {
        let rule = SnapshotRule {
            log_bytes_min: 100,
            log_percent: 50,
        };
        assert!(!rule.calls_for_one(99, 0));
        assert!(rule.calls_for_one(100, 200));
        assert!(!rule.calls_for_one(100, 201 + 1));
        assert!(rule.calls_for_one(u64::MAX, u64::MAX));
        assert!(!SnapshotRule::NEVER.calls_for_one(u64::MAX, 0));
    }
}
