//! `kv-server import`: other systems' data, brought into a data directory.
//!
//! The work is done in `kv_wal::import`; here is what people type and read. The summary goes to standard output,
//! everything else to standard error.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufReader, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use kv_core::{Db, MemoryOptions, Store as _, limits};
use kv_wal::import::pykeydb::{self, BadLine, ImportError, LINE_BYTES_MAX, Options, Summary};
use kv_wal::{Durability, DurableOptions, DurableStore, OpenError};

use crate::exit::{Exit, Failure};
use crate::tell::tell;

/// Bytes read from the file at once.
const BLOCK_BYTES: usize = 1 << 20;

/// Where data can come from.
#[derive(Debug, Subcommand)]
pub(crate) enum ImportTask {
    /// Bring in a log of PyKeyDB, in either of its forms
    ///
    /// Each line replaces or deletes its key; keys that the log does not name stay as they are. So the log can be
    /// imported again, and into a directory that has data. No server may be using the directory.
    ///
    /// Lines that cannot be imported are named on standard error and counted, and the others are imported. Exit
    /// codes: 0 when every line was imported, 1 when one was not.
    Pykeydb(Pykeydb),
}

/// How a log of PyKeyDB is imported.
#[derive(Debug, Args)]
pub(crate) struct Pykeydb {
    /// The log, which PyKeyDB calls wal.log
    log: PathBuf,

    /// Directory of the data, made when it is not there
    #[arg(long, value_name = "DIR", default_value = "./kv-data")]
    dir: PathBuf,

    /// Database that the keys go to
    #[arg(
        long,
        value_name = "NUMBER",
        default_value_t = 0,
        value_parser = clap::value_parser!(u16).range(..i64::from(limits::DATABASES_MAX))
    )]
    db: u16,

    /// End at the first line that cannot be imported
    #[arg(long, conflicts_with = "skip_bad")]
    strict: bool,

    /// Exit with 0 even when lines could not be imported
    #[arg(long)]
    skip_bad: bool,

    /// How many of the lines that cannot be imported are named; all are counted
    #[arg(long, value_name = "COUNT", default_value_t = 20)]
    show_bad: u64,
}

/// Does it.
///
/// # Errors
///
/// What went wrong, or that lines were not imported.
pub(crate) fn run(task: &ImportTask) -> Result<(), Failure> {
    match task {
        ImportTask::Pykeydb(options) => pykeydb(options),
    }
}

fn pykeydb(task: &Pykeydb) -> Result<(), Failure> {
    let begun = Instant::now();
    let log = &task.log;
    let unreadable = |error| Failure::new(format!("cannot read {}: {error}", log.display()));
    let file = File::open(log).map_err(unreadable)?;
    let bytes = file.metadata().map_err(unreadable)?.len();
    let store = open(&task.dir)?;
    let db = Db(task.db);
    tell_what_is_there(&task.dir, db, store.len(db));
    let bar = progress_bar(bytes);
    let shown = Cell::new(0);
    let options = Options {
        db,
        strict: task.strict,
        line_bytes_max: LINE_BYTES_MAX,
        on_bad_line: &|line| show_bad(&bar, &shown, task.show_bad, line),
        on_progress: &|bytes, lines| {
            bar.set_position(bytes);
            bar.set_message(lines.to_string());
        },
    };
    let mut source = BufReader::with_capacity(BLOCK_BYTES, file);
    let imported = pykeydb::import(&mut source, &store, &options);
    bar.finish_and_clear();
    let closed = store.close();
    let summary = imported.map_err(|error| ended_early(log, &error))?;
    closed.map_err(|failure| Failure {
        exit: Exit::LogFailed,
        message: format!("{failure}: whether the import is on disk is unknown; run it again"),
    })?;
    print_summary(&summary, begun.elapsed().as_secs_f64());
    if summary.bad > 0 && !task.skip_bad {
        return Err(Failure::new(format!(
            "{} of {} lines were not imported, all others were; --skip-bad accepts that",
            summary.bad, summary.lines
        )));
    }
    Ok(())
}

/// Opens the data directory, with as many databases as any may have.
fn open(dir: &Path) -> Result<DurableStore, Failure> {
    let options = DurableOptions {
        // What makes it durable is the end: closing syncs.
        durability: Durability::No,
        memory: MemoryOptions {
            databases: limits::DATABASES_MAX,
            ..MemoryOptions::default()
        },
        ..DurableOptions::default()
    };
    DurableStore::open(dir, options).map_err(|error| match error {
        OpenError::Locked { .. } => Failure::new(format!(
            "{error}; stop that server first, or choose another directory with --dir"
        )),
        OpenError::Damaged { .. } => Failure {
            exit: Exit::Damaged,
            message: format!("{error}; nothing was imported"),
        },
        _ => Failure::new(error.to_string()),
    })
}

fn tell_what_is_there(dir: &Path, Db(db): Db, keys: u64) {
    if keys > 0 {
        tell(format_args!(
            "{} has {keys} keys in database {db}: those that the log names are replaced or deleted, all others \
             stay",
            dir.display()
        ));
    }
}

fn progress_bar(bytes: u64) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(bytes);
    let style = "importing {bar:40} {bytes}/{total_bytes} {bytes_per_sec}, {eta} left, {msg} lines";
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style);
    }
    bar
}

fn show_bad(bar: &ProgressBar, shown: &Cell<u64>, limit: u64, line: &BadLine) {
    shown.set(shown.get() + 1);
    if shown.get() <= limit {
        bar.suspend(|| tell(line));
    } else if shown.get() == limit + 1 {
        bar.suspend(|| tell("further lines that cannot be imported are only counted"));
    }
}

fn ended_early(log: &Path, error: &ImportError) -> Failure {
    Failure::new(format!(
        "{}: {error}; what the lines before it say was imported",
        log.display()
    ))
}

/// Prints the summary. Nobody has to read it: a closed standard output is no error.
#[expect(
    clippy::cast_precision_loss,
    reason = "a rate for people, of three digits"
)]
fn print_summary(summary: &Summary, seconds: f64) {
    let rate = summary.lines as f64 / seconds.max(1e-9);
    let text = format!(
        "imported {} lines in {seconds:.2} s ({rate:.0} lines/s): {} set, {} deleted, {} bad, {} blank\n",
        summary.lines, summary.set, summary.deleted, summary.bad, summary.blank
    );
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}
