//! The operating system's files. Every durable action is an ordinary system call that outside tools can
//! watch, slow down and make fail: `pwrite64`, `fdatasync`, `fsync`, `renameat`, `unlinkat`.

use std::fs::TryLockError;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, FileExt};
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rustix::fs::{AtFlags, Mode, OFlags};

use super::direct::{self, BLOCK_BYTES, Tail};
use super::{Dir, File, Fs, Lock, Space};

/// Longest text that is read from a lock file, in bytes.
const OWNER_BYTES_MAX: u64 = 64;

/// The file system of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealFs;

impl Fs for RealFs {
    fn open_dir(&self, path: &Path) -> io::Result<Arc<dyn Dir>> {
        match std::fs::DirBuilder::new().mode(0o700).create(path) {
            Ok(()) => sync_parent(path)?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        self.open_dir_as_is(path)
    }

    fn open_dir_as_is(&self, path: &Path) -> io::Result<Arc<dyn Dir>> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let handle = rustix::fs::open(path, flags, Mode::empty())?;
        Ok(Arc::new(RealDir(handle.into())))
    }

    fn random(&self) -> u64 {
        // Seeded by the operating system and different for each instance.
        RandomState::new().hash_one(0_u8)
    }
}

fn sync_parent(path: &Path) -> io::Result<()> {
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    std::fs::File::open(parent)?.sync_all()
}

struct RealDir(std::fs::File);

impl RealDir {
    fn open_with(&self, name: &str, flags: OFlags) -> io::Result<std::fs::File> {
        let mode = Mode::RUSR | Mode::WUSR;
        let handle = rustix::fs::openat(&self.0, name, flags | OFlags::CLOEXEC, mode)?;
        Ok(handle.into())
    }
}

impl Dir for RealDir {
    fn create(&self, name: &str) -> io::Result<Arc<dyn File>> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::TRUNC;
        Ok(Arc::new(RealFile::new(self.open_with(name, flags)?)))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn File>> {
        Ok(Arc::new(RealFile::new(
            self.open_with(name, OFlags::RDONLY)?,
        )))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.0, from, &self.0, to)?)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.0, name, AtFlags::empty())?)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_all()
    }

    fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::read_from(&self.0)? {
            // A name that is not UTF-8 is none of ours.
            if let Ok(name) = entry?.file_name().to_str() {
                names.push(name.to_owned());
            }
        }
        Ok(names)
    }

    fn try_lock(&self, name: &str, owner: &str) -> io::Result<Lock> {
        let mut file = self.open_with(name, OFlags::RDWR | OFlags::CREATE)?;
        match file.try_lock() {
            Ok(()) => {
                file.set_len(0)?;
                file.write_all_at(owner.as_bytes(), 0)?;
                Ok(Lock::Held(Box::new(file)))
            }
            Err(TryLockError::WouldBlock) => Ok(Lock::HeldElsewhere(owner_in(&mut file))),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn try_lock_as_is(&self, name: &str) -> io::Result<Lock> {
        let mut file = match self.open_with(name, OFlags::RDONLY) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Lock::Held(Box::new(())));
            }
            file => file?,
        };
        match file.try_lock() {
            Ok(()) => Ok(Lock::Held(Box::new(file))),
            Err(TryLockError::WouldBlock) => Ok(Lock::HeldElsewhere(owner_in(&mut file))),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn link(&self, name: &str, other: &Path) -> io::Result<()> {
        let other = rustix::fs::open(
            other,
            OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        )?;
        Ok(rustix::fs::linkat(
            &self.0,
            name,
            &other,
            name,
            AtFlags::empty(),
        )?)
    }

    fn space(&self) -> io::Result<Space> {
        let stat = rustix::fs::fstatvfs(&self.0)?;
        Ok(Space {
            total: stat.f_blocks.saturating_mul(stat.f_frsize),
            free: stat.f_bavail.saturating_mul(stat.f_frsize),
        })
    }
}

/// What the holder of a lock has written into its file.
fn owner_in(file: &mut std::fs::File) -> String {
    let mut owner = String::new();
    let readable = file.take(OWNER_BYTES_MAX).read_to_string(&mut owner);
    readable.map_or_else(|_| String::new(), |_| owner)
}

struct RealFile {
    file: std::fs::File,
    /// Where it is written past the cache.
    tail: OnceLock<Mutex<Tail>>,
}

impl RealFile {
    fn new(file: std::fs::File) -> Self {
        Self {
            file,
            tail: OnceLock::new(),
        }
    }
}

impl File for RealFile {
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        loop {
            match self.file.read_at(into, offset) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => return read,
            }
        }
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        match self.tail.get() {
            // A write that failed half way is the last one; see `File::write_at`.
            Some(tail) => {
                let mut tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
                tail.write(&self.file, bytes, offset)
            }
            None => self.file.write_all_at(bytes, offset),
        }
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.file.set_len(bytes)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn drop_cache(&self) {
        // A file system that cannot follow the advice is read through its cache.
        let _ = rustix::fs::fadvise(&self.file, 0, None, rustix::fs::Advice::DontNeed);
    }

    fn write_on_past_cache(&self, offset: u64) {
        let blocks = |bytes: u64| bytes.is_multiple_of(BLOCK_BYTES as u64);
        // A file that ends within a block would be made longer by writing the whole block.
        let whole = blocks(offset) && self.len().is_ok_and(blocks);
        // A file system that cannot follow the advice is written through its cache.
        if whole && direct::bypass_cache(&self.file).unwrap_or(false) {
            self.tail.get_or_init(|| Mutex::new(Tail::new(offset)));
        }
    }
}
