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

mod record;

use std::borrow::Cow;
use std::io::{self, BufRead};

use kv_core::{
    At, CollectionKind, Db, KeySet, Lsn, Refusal, Store as _, StoreError, StringValue, Txn, limits,
};

use super::lines::{Line, Lines};
use crate::DurableStore;
use record::{Change, Value};

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
    /// The store did not take a change.
    #[error("cannot write what line {line} says: {source}")]
    Store {
        /// The number of the line.
        line: u64,
        /// What the store said.
        source: StoreError,
    },
}

/// Imports `source`, a whole log of PyKeyDB, into `store`. After return all of it is as durable as the store's
/// policy says.
///
/// # Errors
///
/// What ended the import early: see [`ImportError`].
pub fn import(
    source: &mut dyn BufRead,
    store: &DurableStore,
    options: &Options<'_>,
) -> Result<Summary, ImportError> {
    let line_bytes_max = options.line_bytes_max.min(limits::KEY_BYTES_MAX);
    let mut lines = Lines::new(source, line_bytes_max);
    let mut import = Import {
        store,
        options,
        summary: Summary::default(),
        last: Lsn::ZERO,
    };
    let mut buffer = Vec::new();
    let mut told = 0;
    loop {
        let number = import.summary.lines + 1;
        let read = lines.next(&mut buffer);
        let Some(line) = read.map_err(|source| ImportError::Read {
            line: number,
            source,
        })?
        else {
            break;
        };
        import.line(number, line, &buffer)?;
        import.summary.bytes = lines.taken();
        if lines.taken() - told >= PROGRESS_BYTES {
            told = lines.taken();
            (options.on_progress)(told, number);
        }
    }
    let line = import.summary.lines;
    let waited = store.wait(import.last);
    waited.map_err(|source| ImportError::Store { line, source })?;
    Ok(import.summary)
}

struct Import<'a> {
    store: &'a DurableStore,
    options: &'a Options<'a>,
    summary: Summary,
    /// The newest change.
    last: Lsn,
}

impl Import<'_> {
    fn line(&mut self, number: u64, line: Line, text: &[u8]) -> Result<(), ImportError> {
        self.summary.lines = number;
        if line != Line::TooLong && text.trim_ascii().is_empty() {
            self.summary.blank += 1;
            return Ok(());
        }
        let change = match (line, record::parse(text)) {
            (Line::TooLong, _) => Err(format!(
                "longer than {} bytes",
                self.options.line_bytes_max.min(limits::KEY_BYTES_MAX)
            )
            .into()),
            (Line::CutOff, Err(_)) => Err("cut off: the log ends in the middle of it".into()),
            (_, change) => change,
        };
        match change {
            Ok(change) => self.apply(number, &change),
            Err(reason) => self.bad(BadLine { number, reason }),
        }
    }

    fn bad(&mut self, line: BadLine) -> Result<(), ImportError> {
        self.summary.bad += 1;
        if self.options.strict {
            return Err(line.into());
        }
        (self.options.on_bad_line)(&line);
        Ok(())
    }

    fn apply(&mut self, line: u64, change: &Change<'_>) -> Result<(), ImportError> {
        let memory = self.store.memory();
        let at = At {
            db: self.options.db,
            now: memory.clock().now(),
        };
        let key = &*change.key;
        let failed = |source| ImportError::Store { line, source };
        loop {
            let written = memory.write_with(at, KeySet::One(key), |txn| {
                replace(txn, key, change.value.as_ref())
            });
            match written {
                Ok(((), lsn)) => {
                    self.last = self.last.max(lsn);
                    break;
                }
                Err(Refusal::Behind) => self.store.wait_until_caught_up(),
                Err(refusal) => return Err(failed(refusal.into())),
            }
        }
        match change.value {
            Some(_) => self.summary.set += 1,
            None => self.summary.deleted += 1,
        }
        Ok(())
    }
}

/// Gives `key` this value, whatever it held.
fn replace(txn: &mut Txn<'_>, key: &[u8], value: Option<&Value<'_>>) {
    match value {
        None => {
            txn.delete(key);
        }
        Some(Value::String(string)) => txn.set_string(key, StringValue::new(string), None),
        Some(Value::List(elements)) => {
            txn.set_collection(key, CollectionKind::List, &slices(elements));
        }
        Some(Value::Hash(fields)) => {
            txn.set_collection(key, CollectionKind::Hash, &slices(fields));
        }
        Some(Value::Set(members)) => {
            txn.set_collection(key, CollectionKind::Set, &slices(members));
        }
    }
}

fn slices<'a>(elements: &'a [Cow<'_, [u8]>]) -> Vec<&'a [u8]> {
    elements.iter().map(AsRef::as_ref).collect()
}
