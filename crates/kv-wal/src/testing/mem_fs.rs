//! A disk in memory: counts what is done to it, holds syncs up, and fails when told.
//!
//! It has one directory, whatever its path. Clones are the same disk, so a test keeps one and gives the
//! other to a store.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::fs::{Dir, File, Fs, Lock, Space};

type Bytes = Arc<Mutex<Vec<u8>>>;

/// A file system in memory.
#[derive(Clone, Default)]
pub struct MemFs(Arc<Disk>);

#[derive(Default)]
struct Disk {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    files: BTreeMap<String, Bytes>,
    locked: bool,
    random: u64,
    space: Option<Space>,
    syncs: u64,
    syncs_held: bool,
    fail_syncs: Option<io::ErrorKind>,
    fail_writes: Option<io::ErrorKind>,
    fail_creates: Option<io::ErrorKind>,
    writes: u64,
}

impl MemFs {
    /// An empty disk.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A disk with these files.
    #[must_use]
    pub fn with_files(files: &BTreeMap<String, Vec<u8>>) -> Self {
        let disk = Self::new();
        disk.state().files = files
            .iter()
            .map(|(name, bytes)| (name.clone(), Bytes::new(Mutex::new(bytes.clone()))))
            .collect();
        disk
    }

    /// All files as they can be read now.
    #[must_use]
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        self.state()
            .files
            .iter()
            .map(|(name, bytes)| (name.clone(), lock(bytes).clone()))
            .collect()
    }

    /// Changes the bytes of the file `name` in place.
    ///
    /// # Panics
    ///
    /// When there is no such file.
    pub fn change<R>(&self, name: &str, change: impl FnOnce(&mut Vec<u8>) -> R) -> R {
        let bytes = Arc::clone(&self.state().files[name]);
        let mut bytes = lock(&bytes);
        change(&mut bytes)
    }

    /// A part of the file `name`, if it is there.
    pub(super) fn part(&self, name: &str, range: Range<usize>) -> Option<Vec<u8>> {
        let bytes = Arc::clone(self.state().files.get(name)?);
        let bytes = lock(&bytes);
        bytes.get(range).map(<[u8]>::to_vec)
    }

    /// Puts the files back to what [`MemFs::files`] gave.
    pub fn restore(&self, files: &BTreeMap<String, Vec<u8>>) {
        self.state().files = Self::with_files(files).state().files.clone();
    }

    /// Removes the file `name`, if it is there.
    pub fn forget(&self, name: &str) {
        self.state().files.remove(name);
    }

    /// How many syncs of files and directories were asked for so far.
    #[must_use]
    pub fn syncs(&self) -> u64 {
        self.state().syncs
    }

    /// How many writes to files were asked for so far.
    #[must_use]
    pub fn writes(&self) -> u64 {
        self.state().writes
    }

    /// From now on syncs wait until [`MemFs::release_syncs`].
    pub fn hold_syncs(&self) {
        self.state().syncs_held = true;
    }

    /// Lets the syncs that wait go on, and later ones through.
    pub fn release_syncs(&self) {
        self.state().syncs_held = false;
        self.0.changed.notify_all();
    }

    /// Blocks until `count` syncs were asked for since the beginning.
    pub fn wait_for_syncs(&self, count: u64) {
        let mut state = self.state();
        while state.syncs < count {
            state = self
                .0
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// From now on syncs of files fail with `kind`, or no more with `None`.
    pub fn fail_syncs(&self, kind: Option<io::ErrorKind>) {
        self.state().fail_syncs = kind;
    }

    /// From now on writes fail with `kind`, or no more with `None`.
    pub fn fail_writes(&self, kind: Option<io::ErrorKind>) {
        self.state().fail_writes = kind;
    }

    /// From now on no file can be made, which fails with `kind`, or no more with `None`.
    pub fn fail_creates(&self, kind: Option<io::ErrorKind>) {
        self.state().fail_creates = kind;
    }

    /// Sets the room there is; at first it is boundless.
    pub fn set_space(&self, space: Space) {
        self.state().space = Some(space);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.0.state)
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.state();
        state.syncs += 1;
        self.0.changed.notify_all();
        while state.syncs_held {
            state = self
                .0
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        state.fail_syncs.map_or(Ok(()), |kind| Err(kind.into()))
    }

    fn file(&self, bytes: Bytes) -> Arc<dyn File> {
        let disk = self.clone();
        Arc::new(MemFile { disk, bytes })
    }
}

impl Fs for MemFs {
    fn open_dir(&self, _path: &Path) -> io::Result<Arc<dyn Dir>> {
        Ok(Arc::new(self.clone()))
    }

    fn random(&self) -> u64 {
        let mut state = self.state();
        state.random += 1;
        // Far apart from one another, and the same in every run (the increment of Weyl sequences).
        state.random.wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }
}

impl Dir for MemFs {
    fn create(&self, name: &str) -> io::Result<Arc<dyn File>> {
        let mut state = self.state();
        if let Some(kind) = state.fail_creates {
            return Err(kind.into());
        }
        let bytes = state.files.entry(name.into()).or_default();
        lock(bytes).clear();
        let bytes = Arc::clone(bytes);
        drop(state);
        Ok(self.file(bytes))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn File>> {
        let bytes = self.state().files.get(name).map(Arc::clone);
        bytes
            .map(|bytes| self.file(bytes))
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state();
        let bytes = state.files.remove(from).ok_or(io::ErrorKind::NotFound)?;
        state.files.insert(to.into(), bytes);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let removed = self.state().files.remove(name);
        removed
            .map(drop)
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn sync(&self) -> io::Result<()> {
        Self::sync(self)
    }

    fn names(&self) -> io::Result<Vec<String>> {
        Ok(self.state().files.keys().cloned().collect())
    }

    fn try_lock(&self, _name: &str, owner: &str) -> io::Result<Lock> {
        let mut state = self.state();
        if state.locked {
            return Ok(Lock::HeldElsewhere(owner.into()));
        }
        state.locked = true;
        Ok(Lock::Held(Box::new(Unlock(self.clone()))))
    }

    fn space(&self) -> io::Result<Space> {
        Ok(self.state().space.unwrap_or(Space {
            total: u64::MAX,
            free: u64::MAX,
        }))
    }
}

struct Unlock(MemFs);

impl Drop for Unlock {
    fn drop(&mut self) {
        self.0.state().locked = false;
    }
}

struct MemFile {
    disk: MemFs,
    bytes: Bytes,
}

impl File for MemFile {
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        let bytes = lock(&self.bytes);
        let rest = usize::try_from(offset)
            .ok()
            .and_then(|offset| bytes.get(offset..))
            .unwrap_or_default();
        let length = rest.len().min(into.len());
        into[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        state.writes += 1;
        if let Some(kind) = state.fail_writes {
            return Err(kind.into());
        }
        drop(state);
        let offset = usize::try_from(offset).map_err(|_| io::ErrorKind::FileTooLarge)?;
        let end = offset + bytes.len();
        let mut file = lock(&self.bytes);
        if file.len() < end {
            file.resize(end, 0);
        }
        file[offset..end].copy_from_slice(bytes);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.disk.sync()
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        let length = usize::try_from(bytes).map_err(|_| io::ErrorKind::FileTooLarge)?;
        lock(&self.bytes).resize(length, 0);
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(lock(&self.bytes).len() as u64)
    }

    fn drop_cache(&self) {}
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
