//! What a program does to a disk: the entries of a trace, and of what is not yet durable.

use std::fmt;
use std::sync::Arc;

/// One file, whatever its name is at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

/// One call that changed something, in the order in which the disk saw them.
#[derive(Clone, Debug)]
pub enum Operation {
    /// A change of a file's bytes.
    Change(FileId, Change),
    /// A file was synced.
    Sync {
        /// The file.
        file: FileId,
        /// How many changes of it there had been when the call began: only these are durable.
        changes: usize,
    },
    /// Syncing a file failed: of its pages some reached the disk, as `seed` decides, and all are clean now.
    SyncFailed {
        /// The file.
        file: FileId,
        /// Decides what reached the disk.
        seed: u64,
    },
    /// A change of the directory.
    Rename(NameChange),
    /// The directory was synced.
    SyncNames {
        /// How many changes of it there had been when the call began: only these are durable.
        changes: usize,
    },
    /// The system was asked to forget the clean pages of a file.
    DropCache(FileId),
}

/// A change of a file's bytes.
#[derive(Clone)]
pub enum Change {
    /// Bytes were written.
    Write {
        /// Where, in bytes.
        offset: usize,
        /// What.
        bytes: Arc<[u8]>,
    },
    /// The file was cut or extended.
    SetLen(usize),
}

/// A change of the directory.
#[derive(Clone, Debug)]
pub enum NameChange {
    /// A new file got a name.
    Create(Arc<str>, FileId),
    /// A file got another name, and what had that name lost it.
    Rename(Arc<str>, Arc<str>, FileId),
    /// A file lost its name.
    Remove(Arc<str>, FileId),
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Write { offset, bytes } => write!(f, "write {} bytes at {offset}", bytes.len()),
            Self::SetLen(length) => write!(f, "set length to {length}"),
        }
    }
}
