//! What recovery must make of a crashed disk.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use kv_core::{Lsn, MemoryOptions, Store};

use super::history::History;
use super::model::{Model, digest_of};
use crate::fs::Fs;
use crate::testing::disk::{DiskState, Operation, SimDisk, Trace};
use crate::{Durability, DurableOptions, DurableStore, Encoding};

/// What recovers writes to segments of this size, in bytes: recovery is tested, not writing.
const SEGMENT_BYTES: u64 = 5 << 10;

/// Puts something between a store and the disk.
pub type Wrap = dyn Fn(SimDisk) -> Arc<dyn Fs> + Send + Sync;

/// Opens crashed disks and judges what comes back.
pub struct Judge<'h> {
    history: &'h History,
    wrap: &'h Wrap,
}

/// What was recovered.
#[derive(Clone)]
pub struct Verdict {
    /// The last effect that is there.
    pub lsn: Lsn,
    /// What recovery did to the disk, closing included.
    pub trace: Trace,
    /// The place in it from which on the store was open.
    pub open_at: usize,
}

impl<'h> Judge<'h> {
    /// Judges by `history`; the store that recovers sees the disk through `wrap`.
    #[must_use]
    pub fn new(history: &'h History, wrap: &'h Wrap) -> Self {
        Self { history, wrap }
    }

    /// Recovers `state`, which a crash has left after which everything up to `floor` must be there; opens a whole
    /// store, threads and all, and closes it again.
    ///
    /// # Errors
    ///
    /// In words, what is wrong with what came back.
    pub fn recover(&self, state: &DiskState, floor: Lsn) -> Result<Verdict, String> {
        let disk = SimDisk::boot(state.clone(), state.fingerprint());
        let fs = (self.wrap)(disk.clone());
        let opened = catch_unwind(AssertUnwindSafe(|| DurableStore::open("db", options(fs))));
        let store = match opened {
            Ok(Ok(store)) => store,
            Ok(Err(error)) => return Err(format!("refused: {error}")),
            Err(_) => return Err("panicked".into()),
        };
        let open_at = disk.position();
        let lsn = store.recovered().last_lsn;
        self.check_prefix(&store, lsn, floor)?;
        if let Err(failure) = store.close() {
            return Err(format!("does not close: {failure}"));
        }
        let trace = disk.trace();
        check_unwritten(state, &trace)?;
        Ok(Verdict {
            lsn,
            trace,
            open_at,
        })
    }

    /// As [`Judge::recover`], as if the process were killed again as soon as the store is open.
    ///
    /// # Errors
    ///
    /// In words, what is wrong with what came back.
    pub fn recover_only(&self, state: &DiskState, floor: Lsn) -> Result<Verdict, String> {
        let disk = SimDisk::boot(state.clone(), state.fingerprint());
        let fs = (self.wrap)(disk.clone());
        let recovered = catch_unwind(AssertUnwindSafe(|| {
            DurableStore::recover_and_stop("db", options(fs))
        }));
        let (memory, found) = match recovered {
            Ok(Ok(recovered)) => recovered,
            Ok(Err(error)) => return Err(format!("refused: {error}")),
            Err(_) => return Err("panicked".into()),
        };
        let lsn = found.last_lsn;
        self.check_prefix(&memory, lsn, floor)?;
        let trace = disk.trace();
        check_unwritten(state, &trace)?;
        Ok(Verdict {
            lsn,
            open_at: trace.operations.len(),
            trace,
        })
    }

    fn check_prefix(&self, store: &dyn Store, lsn: Lsn, floor: Lsn) -> Result<(), String> {
        let Some(digest) = self.history.digest_at(lsn) else {
            return Err(format!(
                "recovered up to LSN {lsn}, inside of a transaction or after the last one"
            ));
        };
        if digest != digest_of(store) {
            let difference = Model::of(store).difference(&self.history.model_at(lsn));
            return Err(format!("not a prefix up to LSN {lsn}: {difference}"));
        }
        if lsn < floor {
            return Err(format!(
                "lost: recovered up to LSN {lsn}, and up to {floor} was acknowledged or seen"
            ));
        }
        Ok(())
    }
}

fn options(fs: Arc<dyn Fs>) -> DurableOptions {
    DurableOptions {
        durability: Durability::Always,
        encoding: Encoding::Binary,
        segment_bytes: SEGMENT_BYTES,
        memory: MemoryOptions {
            databases: 2,
            stripes: 1,
            ..MemoryOptions::default()
        },
        fs,
        ..DurableOptions::default()
    }
}

/// Whether the segments that were there before were left as they were.
fn check_unwritten(before: &DiskState, trace: &Trace) -> Result<(), String> {
    for operation in &trace.operations {
        let Operation::Change(file, change) = operation else {
            continue;
        };
        let named = before.names().iter().find(|(_, named)| *named == file);
        if let Some((name, _)) = named.filter(|(name, _)| name.starts_with("wal-")) {
            return Err(format!("{change:?} of {name}, which is of an earlier life"));
        }
    }
    Ok(())
}
