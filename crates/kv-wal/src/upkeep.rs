//! What an operator does with a directory without opening it as a store: look at it, read its log, repair it,
//! copy it as of now or as of an earlier moment.
//!
//! Whether a log is whole is decided by `replay` alone; everything here asks it.
//!
//! Invariant: only [`repair_by_truncating`] changes the directory it is given, and it puts aside first what it
//! takes away.
//! Invariant: no file of a directory is ever changed in place: another directory may share it.

mod copy;
mod inspect;
mod read;
mod repair;
mod start;

use std::path::PathBuf;

use kv_core::{Lsn, UnixMillis};

pub use copy::{Copied, Target, copy};
pub use inspect::{Inspection, SegmentFigures, Verdict, inspect};
pub use read::{Entry, first_lsn, read_log};
pub use repair::{Repaired, repair_by_truncating};
pub use start::SnapshotFigures;

use crate::OpenError;
use crate::dir::LogDir;
use crate::file::IoFailure;
use crate::manifest::Manifest;

/// Why something could not be done with a directory.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UpkeepError {
    /// The directory could not be read, or is damaged.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// There is no database in it.
    #[error("there is no database in {}", .dir.display())]
    NoDatabase {
        /// The directory.
        dir: PathBuf,
    },
    /// A copy was to go where there is something already.
    #[error("{} is not empty", .dir.display())]
    NotEmpty {
        /// The directory.
        dir: PathBuf,
    },
    /// The log ends before the moment that was asked for.
    #[error("the log ends before that: its last LSN is {last_lsn}")]
    TargetPastEnd {
        /// The newest effect in the log.
        last_lsn: Lsn,
        /// The newest time noted in the log.
        last_time: Option<UnixMillis>,
    },
    /// The log begins after the moment that was asked for.
    #[error("the log begins after that")]
    TargetBeforeStart,
    /// What is damaged cannot be cut off.
    #[error("{damage}; it cannot be cut off, because nothing before it is left")]
    Unrepairable {
        /// What is damaged.
        damage: OpenError,
    },
}

impl From<IoFailure> for UpkeepError {
    fn from(failure: IoFailure) -> Self {
        Self::Open(failure.into())
    }
}

/// The manifest of a directory that must have a database.
fn manifest_of(dir: &LogDir) -> Result<Manifest, UpkeepError> {
    match Manifest::read(dir)? {
        Some(manifest) => Ok(manifest),
        None if dir.segments()?.is_empty() => Err(UpkeepError::NoDatabase {
            dir: dir.path().into(),
        }),
        None => Err(OpenError::Damaged {
            file: dir.manifest_path(),
            offset: 0,
            first_lost_lsn: Lsn(1),
            why: "the file is missing".into(),
        }
        .into()),
    }
}
