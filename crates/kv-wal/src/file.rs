//! An open file that knows its path, so that every failure names it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::fs::File;
use crate::{LogFailure, OpenError};

/// What the operating system said to an action on a file or directory.
#[derive(Debug)]
pub(crate) struct IoFailure {
    action: &'static str,
    path: PathBuf,
    source: io::Error,
}

/// For `map_err`: what was tried on what.
pub(crate) fn failed(
    action: &'static str,
    path: impl Into<PathBuf>,
) -> impl FnOnce(io::Error) -> IoFailure {
    move |source| IoFailure {
        action,
        path: path.into(),
        source,
    }
}

impl IoFailure {
    /// Whether there was no room, which may pass.
    pub(crate) fn is_no_room(&self) -> bool {
        matches!(
            self.source.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
        )
    }

    /// Whether there is no such file.
    pub(crate) fn is_not_found(&self) -> bool {
        self.source.kind() == io::ErrorKind::NotFound
    }
}

impl From<IoFailure> for OpenError {
    fn from(failure: IoFailure) -> Self {
        Self::Io {
            action: failure.action,
            path: failure.path,
            source: failure.source,
        }
    }
}

impl From<IoFailure> for LogFailure {
    fn from(failure: IoFailure) -> Self {
        Self {
            action: failure.action,
            path: failure.path,
            reason: failure.source.to_string(),
        }
    }
}

impl std::fmt::Debug for LogFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("LogFile").field(&self.path).finish()
    }
}

/// An open file and its path.
#[derive(Clone)]
pub(crate) struct LogFile {
    path: PathBuf,
    file: Arc<dyn File>,
}

impl LogFile {
    pub(crate) fn new(path: PathBuf, file: Arc<dyn File>) -> Self {
        Self { path, file }
    }

    /// The same file after it was given another name.
    pub(crate) fn renamed(self, path: PathBuf) -> Self {
        Self { path, ..self }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads until `into` is full or the file ends; returns how many bytes.
    pub(crate) fn read_full(&self, into: &mut [u8], offset: u64) -> Result<usize, IoFailure> {
        let mut filled = 0;
        while let Some(rest) = into.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            let read = self
                .file
                .read_at(rest, offset + filled as u64)
                .map_err(failed("read", &self.path))?;
            if read == 0 {
                break;
            }
            filled += read;
        }
        Ok(filled)
    }

    pub(crate) fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), IoFailure> {
        self.file
            .write_at(bytes, offset)
            .map_err(failed("write", &self.path))
    }

    pub(crate) fn sync_data(&self) -> Result<(), IoFailure> {
        self.file.sync_data().map_err(failed("sync", &self.path))
    }

    pub(crate) fn set_len(&self, bytes: u64) -> Result<(), IoFailure> {
        self.file.set_len(bytes).map_err(failed("cut", &self.path))
    }

    pub(crate) fn len(&self) -> Result<u64, IoFailure> {
        self.file
            .len()
            .map_err(failed("ask for the length of", &self.path))
    }

    /// That the file ended while it was read.
    pub(crate) fn ended_early(&self) -> IoFailure {
        failed("read", &self.path)(io::ErrorKind::UnexpectedEof.into())
    }

    pub(crate) fn write_on_past_cache(&self, offset: u64) {
        self.file.write_on_past_cache(offset);
    }

    pub(crate) fn drop_cache(&self) {
        self.file.drop_cache();
    }
}
