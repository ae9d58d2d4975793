//! A directory back into memory: the newest snapshot that is whole, then the log after it.
//!
//! Invariant: nothing is changed on disk here.
//! Invariant: memory holds one snapshot and the log after it, or nothing at all.

use kv_core::{Db, Effect, Lsn, MemoryStore, Store};

use crate::dir::LogDir;
use crate::manifest::{Manifest, Start};
use crate::replay::{Found, replay};
use crate::snapshot::{Unloaded, load};
use crate::{DurableOptions, OpenError, SnapshotInfo};

/// What came back.
pub(crate) struct Restored {
    pub(crate) memory: MemoryStore,
    pub(crate) found: Found,
    /// The manifest, without snapshots that turned out to be of no use.
    pub(crate) manifest: Manifest,
}

/// Restores what `manifest` says must be in `dir`.
pub(crate) fn restore(
    dir: &LogDir,
    manifest: &Manifest,
    options: &DurableOptions,
) -> Result<Restored, OpenError> {
    let mut useless: Option<OpenError> = None;
    for start in manifest.starts() {
        let memory = MemoryStore::new(options.memory.clone());
        match begin_at(dir, manifest, start, options, &memory) {
            Err(Unloaded::Useless(error)) => {
                useless.get_or_insert(error);
            }
            Err(Unloaded::Refused(error)) => return Err(error),
            Ok(loaded) => {
                let found = log_after(dir, manifest, start, options, &memory);
                return match (found, useless) {
                    (Ok(mut found), useless) => {
                        found.report.snapshot = loaded;
                        let manifest = match useless {
                            None => *manifest,
                            Some(_) => manifest.starting_at(start),
                        };
                        found.report.passed_over = useless.map(|error| error.to_string());
                        Ok(Restored {
                            memory,
                            found,
                            manifest,
                        })
                    }
                    // The log from the beginning is there only as long as there is one snapshot.
                    (Err(_), Some(useless)) if start.is_none() => Err(useless),
                    (Err(error), _) => Err(error),
                };
            }
        }
    }
    Err(useless.unwrap_or_else(|| unreachable!("a manifest names at least one start")))
}

/// Loads the snapshot of `start`, if it has one.
fn begin_at(
    dir: &LogDir,
    manifest: &Manifest,
    start: Option<Start>,
    options: &DurableOptions,
    memory: &MemoryStore,
) -> Result<Option<SnapshotInfo>, Unloaded> {
    let Some(Start { snapshot, .. }) = start else {
        return Ok(None);
    };
    let loaded = load(
        dir,
        snapshot,
        manifest.database,
        options.on_progress.as_ref(),
        &|effect| apply(memory, effect),
    )?;
    let keys: u64 = (0..memory.databases()).map(|db| memory.len(Db(db))).sum();
    if keys != loaded.keys {
        return Err(Unloaded::Useless(OpenError::Damaged {
            file: dir.snapshot_path(snapshot),
            offset: 0,
            first_lost_lsn: Lsn(1),
            why: format!("it has {keys} keys where {} are due", loaded.keys),
        }));
    }
    Ok(Some(loaded))
}

fn log_after(
    dir: &LogDir,
    manifest: &Manifest,
    start: Option<Start>,
    options: &DurableOptions,
    memory: &MemoryStore,
) -> Result<Found, OpenError> {
    replay(
        dir,
        &manifest.starting_at(start),
        options.on_progress.as_ref(),
        &mut |effect| apply(memory, effect),
    )
}

fn apply(memory: &MemoryStore, effect: &Effect<'_>) -> Result<(), OpenError> {
    let databases = memory.databases();
    if let Some(found) = dbs_of(effect)
        .into_iter()
        .flatten()
        .find(|db| db.0 >= databases)
    {
        return Err(OpenError::TooFewDatabases { found, databases });
    }
    memory.apply(effect);
    Ok(())
}

/// The databases that an effect names.
fn dbs_of(effect: &Effect<'_>) -> [Option<Db>; 2] {
    match *effect {
        Effect::FlushDb { db } => [Some(db), None],
        Effect::SwapDbs { one, other } => [Some(one), Some(other)],
        _ => [effect.key(), effect.source()].map(|at| at.map(|(db, _)| db)),
    }
}
