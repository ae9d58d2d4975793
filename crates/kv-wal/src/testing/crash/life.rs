//! One life of a store: threads use it, and what they did and were told is written down.

use std::sync::{Arc, OnceLock, mpsc};
use std::thread;
use std::time::Duration;

use kv_core::{Lsn, MemoryOptions};

use super::history::{Floor, History};
use super::judge::Wrap;
use super::model::Model;
use super::notes::Notes;
use super::plan::Plan;
use super::threads::run_threads;
use crate::fs::Fs;
use crate::testing::disk::{DiskState, Operation, SimDisk, Struck, Trace};
use crate::{Durability, DurableOptions, DurableStore, SnapshotRule};

/// A life that takes longer than this hangs.
const LIFETIME_MAX: Duration = Duration::from_secs(60);

/// Room on a disk of memory comes back soon.
const ROOM_LOOK_INTERVAL: Duration = Duration::from_millis(2);

/// Two kinds of crash: what must be there after one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// The machine stops: what is not durable may be lost.
    Power,
    /// The process is killed: the kernel keeps what was written.
    Kill,
}

impl Crash {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Power => "power",
            Self::Kill => "kill",
        }
    }
}

/// What a life begins with.
#[derive(Clone, Default)]
pub struct Past {
    /// The disk.
    pub disk: DiskState,
    /// What had happened, up to the last effect that is recovered from the disk as it is.
    pub history: History,
    /// The last effect that must outlive a loss of power that comes before the store is open.
    pub durable: Lsn,
}

impl Past {
    /// What must be there from the beginning, after a loss of power and after a kill.
    pub(super) fn floors(&self) -> (Floor, Floor) {
        let (mut power, mut kill) = (Floor::default(), Floor::default());
        power.raise(0, self.durable);
        kill.raise(0, self.history.last());
        (power, kill)
    }
}

/// What one life leaves.
pub struct Life {
    /// What was done to the disk.
    pub trace: Trace,
    /// Everything that happened, the past included.
    pub history: History,
    /// What must be there after a loss of power.
    pub power: Floor,
    /// What must be there after a kill.
    pub kill: Floor,
    /// Whether the disk had trouble and the store said so.
    pub failed: bool,
    /// The calls that were made to fail.
    pub struck: Vec<Struck>,
    /// How many calls the disk had seen when the owner was told that the log has failed.
    told: Option<usize>,
}

impl Life {
    /// What must be there after a crash that comes after `position` calls.
    #[must_use]
    pub fn floor(&self, crash: Crash, position: usize) -> Lsn {
        match crash {
            // What a failed sync has dropped is gone as after a loss of power.
            Crash::Kill if !self.has_dropped(position) => self.kill.at(position),
            Crash::Kill | Crash::Power => self.power.at(position),
        }
    }

    fn has_dropped(&self, position: usize) -> bool {
        let before = self.trace.operations.iter().take(position);
        let failed = |operation: &Operation| matches!(operation, Operation::SyncFailed { .. });
        !self.struck.is_empty() && before.into_iter().any(failed)
    }

    /// What a store of this policy did after a sync had failed, and must not do: go on with that file, or keep
    /// silent. Under `always` the thread that syncs is the one that writes; under the others the writer goes on
    /// until the thread that syncs has said what it met, and one call may be under way then.
    ///
    /// # Errors
    ///
    /// In words, what it did.
    pub fn check_poisoned(&self, durability: Durability) -> Result<(), String> {
        for (position, state) in self.trace.states() {
            let Some(Operation::SyncFailed { file, .. }) = self.trace.operations.get(position)
            else {
                continue;
            };
            let name = state.names().iter().find(|(_, named)| *named == file);
            let name = name.map_or("a file without a name", |(name, _)| name);
            let (known, mut under_way) = match durability {
                Durability::Always => (position, 0),
                Durability::EverySec | Durability::No => (self.told.unwrap_or(usize::MAX), 1),
            };
            for (at, later) in self.trace.operations.iter().enumerate().skip(position + 1) {
                match later {
                    Operation::Change(on, _) if on == file && at < known => {}
                    Operation::Change(on, _) if on == file && under_way > 0 => under_way -= 1,
                    Operation::Change(on, change) if on == file => {
                        return Err(format!("{change:?} of {name} after a failed sync"));
                    }
                    Operation::Sync { file: on, .. } if on == file => {
                        return Err(format!("{name} synced again after a failed sync"));
                    }
                    _ => {}
                }
            }
            if name.starts_with("wal-") && !self.failed {
                return Err(format!("a failed sync of {name} was not told"));
            }
        }
        Ok(())
    }

    /// Lives one life on `disk`, which holds what `past` says; the store sees the disk through `wrap`.
    ///
    /// # Errors
    ///
    /// In words, what the store did that it must not do, whether there is a crash or not.
    pub fn live(
        disk: &SimDisk,
        wrap: &Arc<Wrap>,
        past: &Past,
        plan: &Plan,
    ) -> Result<Self, String> {
        let (tell, told) = mpsc::channel();
        let (disk, wrap) = (disk.clone(), Arc::clone(wrap));
        let (past, plan) = (past.clone(), plan.clone());
        thread::spawn(move || {
            let fs = wrap(disk.clone());
            // Nobody listens any more when it took too long.
            let _ = tell.send(Self::live_here(&disk, fs, &past, &plan));
        });
        told.recv_timeout(LIFETIME_MAX)
            .unwrap_or_else(|_| Err("it hangs, or has panicked".into()))
    }

    fn live_here(
        disk: &SimDisk,
        fs: Arc<dyn Fs>,
        past: &Past,
        plan: &Plan,
    ) -> Result<Self, String> {
        let told = Arc::new(OnceLock::new());
        let mut options = options(plan, fs);
        options.on_failure = Some(Arc::new({
            let (told, disk) = (Arc::clone(&told), disk.clone());
            move |_| told.set(disk.position()).unwrap_or_default()
        }));
        let store = match DurableStore::open("db", options) {
            Ok(store) => store,
            Err(error) if disk.struck().is_empty() => return Err(format!("refused: {error}")),
            Err(_) => return Ok(Self::stillborn(disk, past)),
        };
        check_contents(&store, &past.history)?;
        let notes = Notes::new(disk, past);
        run_threads(&store, &notes, plan);
        let closed = store.close();
        if closed.is_ok() {
            notes.all_durable();
        }
        let failed = notes.has_failed() || closed.is_err();
        if failed && disk.struck().is_empty() {
            return Err(format!("failed without trouble: {closed:?}"));
        }
        let (history, power, kill) = notes.read(past, plan)?;
        Ok(Self {
            trace: disk.trace(),
            history,
            power,
            kill,
            failed,
            struck: disk.struck(),
            told: told.get().copied(),
        })
    }

    /// The disk had trouble and the store was not opened.
    fn stillborn(disk: &SimDisk, past: &Past) -> Self {
        let (power, kill) = past.floors();
        Self {
            trace: disk.trace(),
            history: past.history.clone(),
            power,
            kill,
            failed: true,
            struck: disk.struck(),
            told: None,
        }
    }
}

/// How a store is opened in these tests.
fn options(plan: &Plan, fs: Arc<dyn Fs>) -> DurableOptions {
    DurableOptions {
        durability: plan.durability,
        encoding: plan.encoding,
        segment_bytes: plan.segment_bytes,
        memory: MemoryOptions {
            databases: 2,
            stripes: 4,
            ..MemoryOptions::default()
        },
        // Those that the plan makes are enough.
        snapshots: SnapshotRule::NEVER,
        snapshot_bytes_per_second: 0,
        room_look_interval: ROOM_LOOK_INTERVAL,
        fs,
        ..DurableOptions::default()
    }
}

fn check_contents(store: &DurableStore, history: &History) -> Result<(), String> {
    let (found, due) = (store.recovered().last_lsn, history.last());
    let model = Model::of(store);
    let expected = history.model_at(due);
    if found != due {
        return Err(format!(
            "recovered up to LSN {found}, and before up to {due}"
        ));
    }
    if model.digest() != expected.digest() {
        return Err(format!("recovered anew: {}", model.difference(&expected)));
    }
    Ok(())
}
