//! What the program does with a data directory without serving it: `wal verify`, `wal dump`, `wal repair`,
//! `backup`; and what `--repair` and `--recover-to` do before it serves.
//!
//! The work is done in `kv_wal`; here is what people type and read.
//!
//! Invariant: results go to standard output, everything else to standard error; a reader that goes away early
//! is no error.

mod backup;
mod dump;
mod recover;
mod repair;
mod verify;

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Subcommand;
use kv_core::{Clock as _, SystemClock};
use kv_wal::{OpenError, UpkeepError};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

pub(crate) use self::backup::backup;
pub(crate) use self::dump::DumpOptions;
pub use self::recover::RecoverTo;
pub(crate) use self::recover::recover;
pub(crate) use self::repair::repair;
use crate::exit::{Exit, Failure};

/// What can be done with the log of a data directory.
#[derive(Debug, Subcommand)]
pub(crate) enum WalTask {
    /// Say whether a data directory is whole, without starting and without changing anything
    ///
    /// Exit codes: 0 when a start would go well (also when it would drop an unfinished write), 3 when durable
    /// data is damaged, 1 when it cannot be told, as while a server uses the directory.
    Verify {
        /// The data directory
        dir: PathBuf,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Print the log as JSON lines, one for each change of data
    ///
    /// Each line has the change's place in the log (lsn) and the newest time noted before it (time, in
    /// milliseconds since 1970); lines with the op "time" are the noted times. Works beside a running server.
    /// Damage ends it with exit code 3 after everything before was printed.
    Dump {
        /// The data directory
        dir: PathBuf,
        #[command(flatten)]
        options: DumpOptions,
    },
    /// Make a damaged data directory one that starts, by cutting its log off where the damage begins
    ///
    /// What is cut off is lost to the database; the files as they were are kept in DIR/damaged-<time>.
    Repair {
        /// The data directory
        dir: PathBuf,
        /// Really cut off what comes after the damage
        #[arg(long, required = true)]
        truncate: bool,
    },
}

/// Does it.
///
/// # Errors
///
/// What went wrong, or that the directory is damaged.
pub(crate) fn run(task: WalTask) -> Result<(), Failure> {
    raise_open_files();
    match task {
        WalTask::Verify { dir, json } => verify::verify(&dir, json),
        WalTask::Dump { dir, options } => dump::dump(&dir, &options),
        WalTask::Repair { dir, .. } => repair(&dir),
    }
}

/// Every segment is held open while a log is read, so as many files may be open as the system allows.
fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    // Where that is refused, a log of many segments is told to have too many.
    let _ = setrlimit(Resource::Nofile, raised);
}

/// The failure that goes with an error of `kv_wal`.
fn failure(error: &UpkeepError) -> Failure {
    let exit = match error {
        UpkeepError::Open(OpenError::Damaged { .. }) | UpkeepError::Unrepairable { .. } => {
            Exit::Damaged
        }
        _ => Exit::Failed,
    };
    Failure {
        exit,
        message: error.to_string(),
    }
}

/// Writes results. Nobody has to read them to the end.
fn print(text: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let written = out.write_all(text).and_then(|()| out.flush());
    unless_closed(written).map(|_| ())
}

/// Whether the reader is still there.
fn unless_closed(written: io::Result<()>) -> Result<bool, Failure> {
    match written {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::new(format!(
            "cannot write to standard output: {error}"
        ))),
    }
}

/// The time now as part of a file name, to the millisecond.
fn file_stamp() -> String {
    crate::timestamp::format(SystemClock.now()).replace([':', '-', '.'], "")
}
