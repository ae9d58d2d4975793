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
mod rebuild;
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
    /// Neither a snapshot nor the log goes back to the moment that was asked for.
    #[error("what is left begins after that{}", earliest(*.lsn))]
    TargetBeforeStart {
        /// The earliest target that can be reached; `None` when there is none yet.
        lsn: Option<Lsn>,
        /// The earliest time that can be; `None` when none has been noted since `lsn`.
        time: Option<UnixMillis>,
    },
    /// What is damaged cannot be cut off.
    #[error(
        "{damage}; it cannot be cut off, because nothing before it is left: restore a backup, or move the \
         directory away to start empty"
    )]
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

fn earliest(lsn: Option<Lsn>) -> String {
    lsn.map_or_else(String::new, |lsn| {
        format!(": the earliest LSN that can be reached is {lsn}")
    })
}

/// Makes `dir` show one moment of a database that another process may change meanwhile; its manifest then.
///
/// A server takes away only what a manifest that is on disk does not need. So when the manifest still needs
/// what it did after everything was opened, everything was there. Each further turn needs another snapshot
/// that was finished within the last, so there are few.
fn hold(dir: &mut LogDir) -> Result<Manifest, UpkeepError> {
    let mut manifest = manifest_of(dir)?;
    loop {
        dir.hold()?;
        let now = manifest_of(dir)?;
        let needed = |manifest: &Manifest| (manifest.first_segment, manifest.starts());
        if needed(&manifest) == needed(&now) {
            return Ok(manifest);
        }
        manifest = now;
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
