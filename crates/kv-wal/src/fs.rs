//! Everything the log takes from outside: files of one directory, room on its disk, and chance.
//!
//! All IO of this crate goes through these traits, so that a test can own the disk. Every action that a
//! crash can come before or after, or that can fail, is one call. [`RealFs`] is the operating system.
//!
//! Invariant: no file is named by a path after its directory was opened; names are relative to the
//! directory's handle.

mod direct;
mod real;

use std::io;
use std::path::Path;
use std::sync::Arc;

pub use real::RealFs;

/// A file system, and a source of chance.
pub trait Fs: Send + Sync + 'static {
    /// Opens the directory `path`. An implementation must make it, for its owner only, when it is missing,
    /// and then make its name durable in its parent.
    ///
    /// # Errors
    ///
    /// Those of the operating system.
    fn open_dir(&self, path: &Path) -> io::Result<Arc<dyn Dir>>;

    /// Opens the directory `path` to look at. An implementation that stands for real directories must not
    /// make it.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::NotFound`] and others of the operating system.
    fn open_dir_as_is(&self, path: &Path) -> io::Result<Arc<dyn Dir>> {
        self.open_dir(path)
    }

    /// A number that differs from call to call and from run to run; need not be a secret.
    fn random(&self) -> u64;
}

/// An open directory. Names are those of files right inside it.
pub trait Dir: Send + Sync {
    /// Makes `name` an empty file, open for reading and writing, for its owner only. One that exists is
    /// emptied. The name is durable after [`Dir::sync`].
    ///
    /// # Errors
    ///
    /// Those of the operating system.
    fn create(&self, name: &str) -> io::Result<Arc<dyn File>>;

    /// Opens `name` for reading.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::NotFound`] and others of the operating system.
    fn open(&self, name: &str) -> io::Result<Arc<dyn File>>;

    /// Gives the file `from` the name `to`, in one step that replaces what had it. Durable after
    /// [`Dir::sync`].
    ///
    /// # Errors
    ///
    /// Those of the operating system.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes `name`. Durable after [`Dir::sync`].
    ///
    /// # Errors
    ///
    /// Those of the operating system.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes all names durable that were made, changed or removed before. After an error nothing is known
    /// about them, and a later success means nothing.
    ///
    /// # Errors
    ///
    /// Those of the operating system.
    fn sync(&self) -> io::Result<()>;

    /// The names of all files, in any order.
    ///
    /// # Errors
    ///
    /// Those of the operating system.
    fn names(&self) -> io::Result<Vec<String>>;

    /// Tries once to lock the file `name`, made when missing, for as long as the answer lives, and writes
    /// `owner` into it.
    ///
    /// # Errors
    ///
    /// Those of the operating system; that somebody else has the lock is none.
    fn try_lock(&self, name: &str, owner: &str) -> io::Result<Lock>;

    /// As [`Dir::try_lock`], but an implementation that stands for real files must change none: where there
    /// is no file `name`, nothing is locked and the answer is that the lock is held.
    ///
    /// # Errors
    ///
    /// Those of the operating system.
    fn try_lock_as_is(&self, name: &str) -> io::Result<Lock> {
        self.try_lock(name, "")
    }

    /// Gives the file `name` the same name in the directory `other` too. Whoever writes to one writes to
    /// both. Durable after a sync of `other`.
    ///
    /// # Errors
    ///
    /// Those of the operating system; [`io::ErrorKind::Unsupported`] from an implementation without links.
    fn link(&self, _name: &str, _other: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// The room on the disk of this directory.
    ///
    /// # Errors
    ///
    /// Those of the operating system.
    fn space(&self) -> io::Result<Space>;
}

/// An open file.
pub trait File: Send + Sync {
    /// Reads bytes at `offset` into `into`; returns how many, 0 only at or past the end of the file.
    ///
    /// # Errors
    ///
    /// Those of the operating system.
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes all of `bytes` at `offset`. After an error any part of them may have been written.
    ///
    /// # Errors
    ///
    /// Those of the operating system.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Makes durable what was written before, and the length of the file. After an error nothing is known
    /// about it, and a later success means nothing.
    ///
    /// # Errors
    ///
    /// Those of the operating system.
    fn sync_data(&self) -> io::Result<()>;

    /// Cuts the file to `bytes`, or extends it with zeros.
    ///
    /// # Errors
    ///
    /// Those of the operating system.
    fn set_len(&self, bytes: u64) -> io::Result<()>;

    /// The length of the file, in bytes.
    ///
    /// # Errors
    ///
    /// Those of the operating system.
    fn len(&self) -> io::Result<u64>;

    /// Whether the file is empty.
    ///
    /// # Errors
    ///
    /// As [`File::len`].
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Asks that what is read from now on come from the disk and not from a cache. Only advice.
    fn drop_cache(&self);

    /// Tells that from now on this file is only written, not read: from `offset`, behind which there are zeros,
    /// each write where the one before has ended, and each synced at once. Only advice: what is written is
    /// the same.
    fn write_on_past_cache(&self, _offset: u64) {}
}

/// What an attempt to lock a file found.
pub enum Lock {
    /// The lock is held until this is dropped.
    Held(Box<dyn Send + Sync>),
    /// Somebody else holds it; what they wrote into it.
    HeldElsewhere(String),
}

/// The room on a disk, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// All there is.
    pub total: u64,
    /// What this process may still use.
    pub free: u64,
}

impl Space {
    /// That of a file system that cannot tell: it has room until a write finds none.
    pub(crate) const BOUNDLESS: Self = Self {
        total: u64::MAX,
        free: u64::MAX,
    };
}
