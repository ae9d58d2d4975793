//! The simulated disk as a program meets it: an [`Fs`].

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::fault::{Fault, Struck, Trouble};
use super::operation::{Change, FileId, NameChange, Operation};
use super::state::DiskState;
use super::{SECTOR_BYTES, Trace};
use crate::fs::{Dir, File, Fs, Lock, Space};
use crate::testing::chance::Chance;

/// Room on a disk whose owner does not care, in bytes.
const PLENTY: u64 = 1 << 40;

/// A disk in memory with one directory, whatever path it is opened by. A clone is the same disk.
#[derive(Clone)]
pub struct SimDisk {
    world: Arc<Mutex<World>>,
    /// How long a sync takes.
    sync_takes: Duration,
}

struct World {
    start: DiskState,
    state: DiskState,
    operations: Vec<Operation>,
    chance: Chance,
    calls: u64,
    fault: Option<Fault>,
    struck: Vec<Struck>,
    locked: BTreeMap<String, String>,
}

impl SimDisk {
    /// An empty disk. `seed` decides what [`Fs::random`] gives, and what a failing sync drops.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self::boot(DiskState::default(), seed)
    }

    /// The disk `state`, seen by a new process.
    #[must_use]
    pub fn boot(state: DiskState, seed: u64) -> Self {
        let world = World {
            start: state.clone(),
            state,
            operations: Vec::new(),
            chance: Chance::of(&[seed]),
            calls: 0,
            fault: None,
            struck: Vec::new(),
            locked: BTreeMap::new(),
        };
        Self {
            world: Arc::new(Mutex::new(world)),
            sync_takes: Duration::ZERO,
        }
    }

    /// The same disk, on which every sync takes this long.
    #[must_use]
    pub fn with_slow_sync(self, sync_takes: Duration) -> Self {
        Self { sync_takes, ..self }
    }

    /// Makes calls fail, from now on as `fault` says.
    pub fn plan(&self, fault: Fault) {
        self.world().fault = Some(fault);
    }

    /// How many calls there were, those that only read included.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.world().calls
    }

    /// The calls that were made to fail.
    #[must_use]
    pub fn struck(&self) -> Vec<Struck> {
        self.world().struck.clone()
    }

    /// How many calls have changed something so far.
    #[must_use]
    pub fn position(&self) -> usize {
        self.world().operations.len()
    }

    /// The disk as it is now.
    #[must_use]
    pub fn state(&self) -> DiskState {
        self.world().state.clone()
    }

    /// Everything that was done so far.
    #[must_use]
    pub fn trace(&self) -> Trace {
        let world = self.world();
        Trace {
            start: world.start.clone(),
            operations: world.operations.clone(),
        }
    }

    /// A handle on the file `name` that can write, whoever made it: for a test that must see such a write
    /// noticed. `None` when there is no such file.
    #[must_use]
    pub fn writable(&self, name: &str) -> Option<Arc<dyn File>> {
        let file = self.world().state.file(name)?;
        Some(SimDir(self.clone()).handle(name, file, true))
    }

    fn world(&self) -> MutexGuard<'_, World> {
        // A test that has panicked elsewhere may still look.
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a call; the trouble that it is to have.
    fn enter(&self, what: &str, on: &str) -> (MutexGuard<'_, World>, Option<Trouble>) {
        let mut world = self.world();
        let call = world.calls;
        world.calls += 1;
        let planned = world.fault.as_ref();
        let trouble = planned
            .filter(|fault| fault.calls.contains(&call))
            .map(|fault| fault.trouble);
        if let Some(trouble) = trouble {
            let struck = Struck {
                position: world.operations.len(),
                what: format!("call {call}, {what} {on}: {trouble:?}"),
            };
            world.struck.push(struck);
        }
        (world, trouble)
    }

    /// Counts a call that either works or does nothing.
    fn call(&self, what: &str, on: &str) -> io::Result<MutexGuard<'_, World>> {
        match self.enter(what, on) {
            (world, None) => Ok(world),
            (_, Some(trouble)) => Err(trouble.error()),
        }
    }
}

impl World {
    fn perform(&mut self, operation: Operation) {
        self.state.apply(&operation);
        self.operations.push(operation);
    }

    fn file(&self, name: &str) -> io::Result<FileId> {
        self.state
            .file(name)
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Fs for SimDisk {
    fn open_dir(&self, _path: &Path) -> io::Result<Arc<dyn Dir>> {
        drop(self.call("open", "the directory")?);
        Ok(Arc::new(SimDir(self.clone())))
    }

    fn random(&self) -> u64 {
        self.world().chance.number()
    }
}

struct SimDir(SimDisk);

impl SimDir {
    fn handle(&self, name: &str, file: FileId, writable: bool) -> Arc<dyn File> {
        Arc::new(SimFile {
            disk: self.0.clone(),
            name: name.into(),
            file,
            writable,
        })
    }
}

impl Dir for SimDir {
    fn create(&self, name: &str) -> io::Result<Arc<dyn File>> {
        let mut world = self.0.call("create", name)?;
        let file = match world.state.file(name) {
            Some(file) => {
                world.perform(Operation::Change(file, Change::SetLen(0)));
                file
            }
            None => {
                let file = world.state.next_file();
                world.perform(Operation::Rename(NameChange::Create(name.into(), file)));
                file
            }
        };
        Ok(self.handle(name, file, true))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn File>> {
        let file = self.0.call("open", name)?.file(name)?;
        Ok(self.handle(name, file, false))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut world = self.0.call("rename", from)?;
        let file = world.file(from)?;
        world.perform(Operation::Rename(NameChange::Rename(
            from.into(),
            to.into(),
            file,
        )));
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut world = self.0.call("remove", name)?;
        let file = world.file(name)?;
        world.perform(Operation::Rename(NameChange::Remove(name.into(), file)));
        Ok(())
    }

    /// A directory is the file system's own data: what it could not write, it writes with the next sync, or
    /// it stops altogether. So nothing is dropped here when this fails.
    fn sync(&self) -> io::Result<()> {
        let changes = self.0.world().state.name_changes();
        self.0.pause();
        self.0
            .call("sync", "the directory")?
            .perform(Operation::SyncNames { changes });
        Ok(())
    }

    fn names(&self) -> io::Result<Vec<String>> {
        let world = self.0.call("list", "the directory")?;
        Ok(world
            .state
            .names()
            .keys()
            .map(ToString::to_string)
            .collect())
    }

    /// The lock is no part of the simulated disk: it goes with the process.
    fn try_lock(&self, name: &str, owner: &str) -> io::Result<Lock> {
        let mut world = self.0.call("lock", name)?;
        if let Some(owner) = world.locked.get(name) {
            return Ok(Lock::HeldElsewhere(owner.clone()));
        }
        world.locked.insert(name.into(), owner.into());
        Ok(Lock::Held(Box::new(SimLock {
            disk: self.0.clone(),
            name: name.into(),
        })))
    }

    fn space(&self) -> io::Result<Space> {
        let (world, trouble) = self.0.enter("ask for room in", "the directory");
        drop(world);
        let free = match trouble {
            None => PLENTY,
            Some(Trouble::NoSpace) => 0,
            Some(trouble) => return Err(trouble.error()),
        };
        Ok(Space {
            total: PLENTY,
            free,
        })
    }
}

impl SimDisk {
    fn pause(&self) {
        if !self.sync_takes.is_zero() {
            std::thread::sleep(self.sync_takes);
        }
    }
}

struct SimLock {
    disk: SimDisk,
    name: String,
}

impl Drop for SimLock {
    fn drop(&mut self) {
        self.disk.world().locked.remove(&self.name);
    }
}

struct SimFile {
    disk: SimDisk,
    name: String,
    file: FileId,
    writable: bool,
}

impl SimFile {
    fn must_be_writable(&self) -> io::Result<()> {
        if self.writable {
            return Ok(());
        }
        Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "opened for reading",
        ))
    }
}

impl File for SimFile {
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        let world = self.disk.call("read", &self.name)?;
        let bytes = world.state.bytes(self.file);
        Ok(bytes.map_or(0, |bytes| bytes.read(into, in_memory(offset))))
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.must_be_writable()?;
        let (mut world, trouble) = self.disk.enter("write", &self.name);
        let done = match trouble {
            None => bytes.len(),
            Some(Trouble::Interrupted) => 0,
            Some(_) => bytes.len() / 2 / SECTOR_BYTES * SECTOR_BYTES,
        };
        if done > 0 {
            world.perform(Operation::Change(
                self.file,
                Change::Write {
                    offset: in_memory(offset),
                    bytes: bytes[..done].into(),
                },
            ));
        }
        trouble.map_or(Ok(()), |trouble| Err(trouble.error()))
    }

    fn sync_data(&self) -> io::Result<()> {
        let file = self.file;
        let changes = self.disk.world().state.changes(file);
        self.disk.pause();
        let (mut world, trouble) = self.disk.enter("sync", &self.name);
        match trouble {
            None => world.perform(Operation::Sync { file, changes }),
            Some(Trouble::Interrupted) => {}
            Some(_) => {
                let seed = world.chance.number();
                world.perform(Operation::SyncFailed { file, seed });
            }
        }
        trouble.map_or(Ok(()), |trouble| Err(trouble.error()))
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.must_be_writable()?;
        let length = Change::SetLen(in_memory(bytes));
        self.disk
            .call("cut", &self.name)?
            .perform(Operation::Change(self.file, length));
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        let world = self.disk.call("ask for the length of", &self.name)?;
        Ok(world
            .state
            .bytes(self.file)
            .map_or(0, |bytes| bytes.len() as u64))
    }

    fn drop_cache(&self) {
        self.disk.world().perform(Operation::DropCache(self.file));
    }
}

/// A place in a file that fits into memory.
fn in_memory(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX / 2)
}
