//! Why a log cannot be opened, and what made one fail.

use std::io;
use std::path::PathBuf;

use kv_core::{Db, Lsn};

/// Why a directory could not be opened as a durable store. No data in it was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process, or another handle of this one, has the directory open.
    #[error("{} is in use by {}", .dir.display(), holder(*.pid))]
    Locked {
        /// The directory.
        dir: PathBuf,
        /// Who holds it, when the lock file says so.
        pid: Option<u32>,
    },
    /// Data that had been made durable is damaged or missing.
    #[error(
        "{} is damaged at offset {offset}: {why}; the first lost LSN is {first_lost_lsn}",
        .file.display()
    )]
    Damaged {
        /// The file that is damaged or missing.
        file: PathBuf,
        /// Where in the file the damage begins, in bytes.
        offset: u64,
        /// Every effect before this one is intact.
        first_lost_lsn: Lsn,
        /// What was found and what it proves.
        why: String,
    },
    /// A file was written by a newer version of this software.
    #[error("{} has format version {found}, newer than the supported {supported}", .file.display())]
    Unsupported {
        /// The file.
        file: PathBuf,
        /// Its version.
        found: u32,
        /// The newest version that can be read.
        supported: u32,
    },
    /// The log has data of a database that the options do not provide for.
    #[error("the log has data of database {found}, but only {databases} databases are configured")]
    TooFewDatabases {
        /// The database found in the log.
        found: Db,
        /// How many are configured.
        databases: u16,
    },
    /// The operating system refused something.
    #[error("cannot {action} {}: {source}", .path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(
        || "another process".into(),
        |pid| format!("the process with pid {pid}"),
    )
}

/// The first failure of a log: final, whatever comes after it. What had been acknowledged before is as
/// durable as it was; what waited for an acknowledgement may or may not be there after a restart.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot {action} {}: {reason}", .path.display())]
pub struct LogFailure {
    /// What was tried, as a verb.
    pub action: &'static str,
    /// On which file or directory.
    pub path: PathBuf,
    /// What the operating system said.
    pub reason: String,
}
