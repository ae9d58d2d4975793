//! A disk at one moment: what is durable, what is only written, and what a program sees.
//!
//! A file is what its last sync made durable, and the changes since. The directory is the same. What a
//! program sees is both together: the page cache. Syncing a file says nothing about its name, and syncing
//! the directory nothing about a file's bytes.
//!
//! Invariant: durable bytes and names change only by a sync, and by what a crash lets through.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::bytes::{self, FileBytes, mix};
use super::fate::{Fate, Fates};
use super::operation::{Change, FileId, NameChange, Operation};
use crate::testing::chance::Chance;

/// How many lost contents are remembered, to come back where nobody expects them.
const STALE_MAX: usize = 6;

/// Contents that were lost, and the names of the files that held them.
pub(super) type Stale = [(Arc<str>, FileBytes)];

/// The names of a directory.
pub type Names = BTreeMap<Arc<str>, FileId>;

/// A disk at one moment. A clone shares what does not change.
#[derive(Clone, Default)]
pub struct DiskState {
    pub(super) files: BTreeMap<FileId, FileState>,
    pub(super) durable_names: Names,
    pub(super) names: Names,
    pub(super) pending_names: Vec<NameChange>,
    /// How many changes of names there were before the pending ones.
    settled_names: usize,
    /// What files of these names held that crashes took: sectors of a new file may show it again.
    pub(super) stale: Vec<(Arc<str>, FileBytes)>,
    next_file: u32,
}

/// One file.
#[derive(Clone, Default)]
pub(super) struct FileState {
    pub(super) durable: FileBytes,
    /// What a reader sees.
    pub(super) visible: FileBytes,
    pub(super) pending: Vec<Change>,
    /// How many changes there were before the pending ones.
    settled: usize,
    /// Whether the cache holds what a failed sync has dropped.
    dropped: bool,
}

impl FileState {
    fn change(&mut self, change: &Change) {
        apply_change(&mut self.visible, change);
        self.pending.push(change.clone());
    }

    /// Makes the first `changes` of all changes durable.
    fn sync(&mut self, changes: usize) {
        let synced = changes.saturating_sub(self.settled).min(self.pending.len());
        self.settled += synced;
        if synced == self.pending.len() && !self.dropped {
            self.durable = self.visible.clone();
            self.pending.clear();
        } else {
            for change in self.pending.drain(..synced) {
                apply_change(&mut self.durable, &change);
            }
        }
    }

    fn fail_sync(&mut self, durable: FileBytes) {
        self.durable = durable;
        self.settled += self.pending.len();
        self.pending.clear();
        self.dropped = true;
    }

    fn drop_cache(&mut self) {
        if self.pending.is_empty() {
            self.visible = self.durable.clone();
            self.dropped = false;
        }
    }

    fn fingerprint(&self) -> u64 {
        let seen = self.visible.fingerprint();
        if self.dropped {
            mix(seen, self.durable.fingerprint())
        } else {
            seen
        }
    }

    /// What the disk holds if the pending changes have these `fates`; those without one are lost.
    fn after(&self, fates: &[Fate], stale: &Stale) -> FileBytes {
        let mut bytes = self.durable.clone();
        for (change, fate) in self.pending.iter().zip(fates) {
            fate.apply(change, &mut bytes, stale);
        }
        bytes
    }
}

fn apply_change(bytes: &mut FileBytes, change: &Change) {
    match change {
        Change::Write {
            offset,
            bytes: written,
        } => bytes.write(written, *offset),
        Change::SetLen(length) => bytes.set_len(*length),
    }
}

impl DiskState {
    /// A disk with these files, all of it durable.
    pub fn with_files(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Self {
        let mut state = Self::default();
        for (name, contents) in files {
            let id = state.next_file();
            state.next_file += 1;
            let mut durable = FileBytes::default();
            durable.write(&contents, 0);
            let file = FileState {
                visible: durable.clone(),
                durable,
                ..FileState::default()
            };
            state.files.insert(id, file);
            state.names.insert(name.into(), id);
        }
        state.durable_names.clone_from(&state.names);
        state
    }

    /// The number of the next file.
    pub(super) fn next_file(&self) -> FileId {
        FileId(self.next_file)
    }

    /// How many changes of `file` there have been.
    pub(super) fn changes(&self, file: FileId) -> usize {
        let file = self.files.get(&file);
        file.map_or(0, |file| file.settled + file.pending.len())
    }

    /// How many changes of names there have been.
    pub(super) fn name_changes(&self) -> usize {
        self.settled_names + self.pending_names.len()
    }

    /// The file that `name` is of.
    #[must_use]
    pub fn file(&self, name: &str) -> Option<FileId> {
        self.names.get(name).copied()
    }

    /// The names that a program sees.
    #[must_use]
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// What a program sees of the bytes of `file`.
    #[must_use]
    pub fn bytes(&self, file: FileId) -> Option<&FileBytes> {
        self.files.get(&file).map(|file| &file.visible)
    }

    /// Whether everything that a program sees is durable.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        let mut files = self.files.values();
        self.pending_names.is_empty() && files.all(|file| file.pending.is_empty() && !file.dropped)
    }

    /// What the call `operation` does.
    pub fn apply(&mut self, operation: &Operation) {
        match operation {
            Operation::Change(file, change) => self.opened(*file).change(change),
            Operation::Sync { file, changes } => self.opened(*file).sync(*changes),
            Operation::SyncFailed { file, seed } => self.fail_sync(*file, *seed),
            Operation::Rename(change) => self.rename(change),
            Operation::SyncNames { changes } => self.sync_names(*changes),
            Operation::DropCache(file) => {
                if let Some(file) = self.files.get_mut(file) {
                    file.drop_cache();
                }
            }
        }
    }

    /// The files behind the names that a program sees, with what it reads once it has dropped the cache.
    pub fn named_files(&self) -> impl Iterator<Item = (&str, &FileBytes)> {
        self.names.iter().filter_map(|(name, file)| {
            let file = self.files.get(file)?;
            let stays = !file.dropped || !file.pending.is_empty();
            Some((&**name, if stays { &file.visible } else { &file.durable }))
        })
    }

    /// A number that differs, as far as chance allows, where a program would see another disk, now or after
    /// it has dropped the cache.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        self.names.iter().fold(0, |mixed, (name, file)| {
            let named = mix(mixed, bytes::fingerprint(name.as_bytes()));
            let print = self.files.get(file).map_or(0, FileState::fingerprint);
            mix(named, print)
        })
    }

    /// The disk after the machine has lost power: what was not durable has had its `fates`.
    pub(in crate::testing) fn after_power_loss(&self, fates: &Fates) -> Self {
        let mut names = self.durable_names.clone();
        for (change, kept) in self.pending_names.iter().zip(&fates.names) {
            if *kept {
                apply_name_change(&mut names, change);
            }
        }
        let mut after = Self {
            stale: self.stale.clone(),
            next_file: self.next_file,
            ..Self::default()
        };
        for (id, file) in &self.files {
            let fates = fates.of(*id);
            let durable = file.after(fates, &self.stale);
            let named = names.values().any(|named| named == id);
            let lost_its_name = !named && self.names.values().any(|named| named == id);
            if lost_its_name || !file.visible.is_same(&durable) {
                after.remember_stale(self.name_of(*id), &file.visible);
            }
            if named {
                let file = FileState {
                    visible: durable.clone(),
                    durable,
                    ..FileState::default()
                };
                after.files.insert(*id, file);
            }
        }
        after.durable_names.clone_from(&names);
        after.names = names;
        after
    }

    fn opened(&mut self, file: FileId) -> &mut FileState {
        self.files.entry(file).or_default()
    }

    fn fail_sync(&mut self, id: FileId, seed: u64) {
        let mut chance = Chance::of(&[seed]);
        let stale = self.stale.clone();
        let same_name = self.stale_of(id);
        let file = self.opened(id);
        let fates: Vec<_> = file
            .pending
            .iter()
            .map(|change| Fate::choose(change, same_name, &mut chance))
            .collect();
        let durable = file.after(&fates, &stale);
        file.fail_sync(durable);
    }

    fn sync_names(&mut self, changes: usize) {
        let synced = changes
            .saturating_sub(self.settled_names)
            .min(self.pending_names.len());
        self.settled_names += synced;
        for change in self.pending_names.drain(..synced) {
            apply_name_change(&mut self.durable_names, &change);
        }
        if self.pending_names.is_empty() {
            // Nothing brings back a file that has no name.
            let named = &self.durable_names;
            self.files
                .retain(|file, _| named.values().any(|named| named == file));
        }
    }

    fn rename(&mut self, change: &NameChange) {
        if let NameChange::Create(_, file) = change {
            self.next_file = self.next_file.max(file.0 + 1);
            self.files.insert(*file, FileState::default());
        }
        apply_name_change(&mut self.names, change);
        self.pending_names.push(change.clone());
    }

    /// A name of `file` that a program sees.
    fn name_of(&self, file: FileId) -> Option<&Arc<str>> {
        let mut names = self.names.iter();
        names.find_map(|(name, named)| (*named == file).then_some(name))
    }

    /// Which lost contents were those of a file with the name that `file` has now, the newest first.
    pub(super) fn stale_of(&self, file: FileId) -> Option<usize> {
        let name = self.name_of(file)?;
        self.stale.iter().rposition(|(of, _)| of == name)
    }

    fn remember_stale(&mut self, name: Option<&Arc<str>>, bytes: &FileBytes) {
        let Some(name) = name else {
            return;
        };
        self.stale.push((Arc::clone(name), bytes.clone()));
        if self.stale.len() > STALE_MAX {
            self.stale.remove(0);
        }
    }
}

fn apply_name_change(names: &mut Names, change: &NameChange) {
    match change {
        NameChange::Create(name, file) => {
            names.insert(Arc::clone(name), *file);
        }
        NameChange::Rename(from, to, file) => {
            if names.get(from) == Some(file) {
                names.remove(from);
            }
            names.insert(Arc::clone(to), *file);
        }
        NameChange::Remove(name, file) => {
            if names.get(name) == Some(file) {
                names.remove(name);
            }
        }
    }
}
