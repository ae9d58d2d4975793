//! Logs of PyKeyDB: one JSON object a line, each an operation on one key.
//!
//! ```text
//! {"operation": "SET", "key": "k", "value": "text"}                              the older form
//! {"operation": "SET", "key": "k", "value": {"type": "string", "value": "text"}} the newer form
//! {"operation": "RPUSH", "key": "l", "value": {"type": "list", "value": ["a", "b"]}}
//! {"operation": "DEL", "key": "k"}
//! ```
//!
//! Every operation but `DEL` carries the whole new value of its key, whatever it did to it, so importing one
//! replaces the key. An empty collection is no key.
//!
//! Invariant: no line is passed over silently: each is applied, blank, or counted as bad with a reason.

mod batch;
mod record;

use std::borrow::Cow;
use std::io::{self, BufRead};
use std::sync::mpsc::{self, SyncSender};
use std::thread;

use batch::{Batch, apply_all};
use kv_core::{Db, StoreError, limits};

use super::lines::{Line, Lines};
use crate::DurableStore;
use record::Change;

/// How a log is imported.
#[derive(Clone)]
pub struct Options<'a> {
    /// The database that the keys go to. The store must have it.
    pub db: Db,
    /// Whether the first bad line ends the import.
    pub strict: bool,
    /// Longest line, in bytes, at most [`limits::KEY_BYTES_MAX`]; a longer one is a bad line.
    pub line_bytes_max: usize,
    /// Told each bad line.
    pub on_bad_line: &'a dyn Fn(&BadLine),
    /// Told each few megabytes how many bytes have been read and how many lines that were.
    pub on_progress: &'a dyn Fn(u64, u64),
}

/// Longest line unless told otherwise, in bytes.
pub const LINE_BYTES_MAX: usize = 256 << 20;

/// Progress is told each time that this much has been read, in bytes.
const PROGRESS_BYTES: u64 = 1 << 20;

/// So many batches may wait to be applied before no more lines are read.
const BATCHES_WAITING: usize = 8;

/// A line that was not imported.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {number}: {reason}")]
pub struct BadLine {
    /// Its number, the first line being 1.
    pub number: u64,
    /// What is wrong with it.
    pub reason: Cow<'static, str>,
}

/// What an import did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Lines read: the sum of the next four.
    pub lines: u64,
    /// Lines that gave their key a value.
    pub set: u64,
    /// Lines that deleted their key, which may not have been there.
    pub deleted: u64,
    /// Lines that were not imported.
    pub bad: u64,
    /// Lines without anything.
    pub blank: u64,
    /// Bytes read.
    pub bytes: u64,
}

/// Why an import ended early. What lines before had said is in the store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The log could not be read.
    #[error("cannot read line {line}: {source}")]
    Read {
        /// The number of the line.
        line: u64,
        /// What the operating system said.
        source: io::Error,
    },
    /// A bad line, and the options say that none is allowed.
    #[error(transparent)]
    BadLine(#[from] BadLine),
    /// The store did not take a change. Of this line and those behind it nothing is in the store, but where
    /// waiting for the end failed: then that is unknown.
    #[error("cannot write what line {line} says: {source}")]
    Store {
        /// The number of the line.
        line: u64,
        /// What the store said.
        source: StoreError,
    },
}

/// Imports `source`, a whole log of PyKeyDB, into `store`. After return all of it is as durable as the store's
/// policy says. Lines are read on this thread and applied, many at a time, on another one.
///
/// # Errors
///
/// What ended the import early: see [`ImportError`].
pub fn import(
    source: &mut dyn BufRead,
    store: &DurableStore,
    options: &Options<'_>,
) -> Result<Summary, ImportError> {
    let db = options.db;
    thread::scope(|scope| {
        let (batches, to_apply) = mpsc::sync_channel(BATCHES_WAITING);
        let applying = scope.spawn(move || apply_all(&to_apply, db, store));
        let mut import = Import {
            options,
            line_bytes_max: options.line_bytes_max.min(limits::KEY_BYTES_MAX),
            summary: Summary::default(),
            batch: Batch::default(),
            batches,
        };
        let read = import.read(source);
        import.send();
        let summary = import.summary;
        // Without the sender the other thread finds an end.
        drop(import);
        let applied = applying
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        // A line that could not be applied stands before the one at which reading ended.
        applied.and(read).map(|()| summary)
    })
}

struct Import<'a> {
    options: &'a Options<'a>,
    line_bytes_max: usize,
    summary: Summary,
    batch: Batch,
    batches: SyncSender<Batch>,
}

impl Import<'_> {
    /// Reads all lines, or those before an error.
    fn read(&mut self, source: &mut dyn BufRead) -> Result<(), ImportError> {
        let mut lines = Lines::new(source, self.line_bytes_max);
        let mut buffer = Vec::new();
        let mut told = 0;
        loop {
            let number = self.summary.lines + 1;
            let line = lines.next(&mut buffer);
            let Some(line) = line.map_err(|source| ImportError::Read {
                line: number,
                source,
            })?
            else {
                return Ok(());
            };
            self.line(number, line, &buffer)?;
            self.summary.bytes = lines.taken();
            if self.batch.is_full() && !self.send() {
                // Why nothing more is taken, the other thread tells.
                return Ok(());
            }
            if lines.taken() - told >= PROGRESS_BYTES {
                told = lines.taken();
                (self.options.on_progress)(told, number);
            }
        }
    }

    fn line(&mut self, number: u64, line: Line, text: &[u8]) -> Result<(), ImportError> {
        self.summary.lines = number;
        if line != Line::TooLong && text.trim_ascii().is_empty() {
            self.summary.blank += 1;
            return Ok(());
        }
        let change = match (line, record::parse(text)) {
            (Line::TooLong, _) => Err(format!("longer than {} bytes", self.line_bytes_max).into()),
            (Line::CutOff, Err(_)) => Err("cut off: the log ends in the middle of it".into()),
            (_, change) => change,
        };
        match change {
            Ok(change) => self.take(number, &change),
            Err(reason) => return self.bad(BadLine { number, reason }),
        }
        Ok(())
    }

    fn take(&mut self, number: u64, change: &Change<'_>) {
        match change.value {
            Some(_) => self.summary.set += 1,
            None => self.summary.deleted += 1,
        }
        self.batch.push(number, change);
    }

    fn bad(&mut self, line: BadLine) -> Result<(), ImportError> {
        self.summary.bad += 1;
        if self.options.strict {
            return Err(line.into());
        }
        (self.options.on_bad_line)(&line);
        Ok(())
    }

    /// Hands over what has been gathered; false when nothing more is taken.
    fn send(&mut self) -> bool {
        let batch = std::mem::take(&mut self.batch);
        batch.is_empty() || self.batches.send(batch).is_ok()
    }
}
