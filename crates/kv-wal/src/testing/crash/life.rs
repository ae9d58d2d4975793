//! One life of a store: threads use it, and what they did and were told is written down.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use kv_core::{At, KeySet, Lsn, MemoryOptions, Refusal, Store, UnixMillis};

use super::history::{Floor, History, Unit};
use super::judge::Wrap;
use super::model::{Model, Sight, Step};
use super::plan::{Cheat, Plan, Task, Waits, any_key};
use crate::fs::Fs;
use crate::testing::disk::{Chance, DiskState, Operation, SimDisk, Struck, Trace, fingerprint};
use crate::{Durability, DurableOptions, DurableStore};

/// A life that takes longer than this hangs.
const LIFETIME_MAX: Duration = Duration::from_secs(60);

/// Looks of one reader, at most.
const LOOKS_MAX: usize = 60;

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

/// What one life leaves.
pub struct Life {
    /// What was done to the disk.
    pub trace: Trace,
    /// Everything that happened, the past included.
    pub history: History,
    /// How long the history was before this life.
    pub born: Lsn,
    /// The place in the trace from which on the store was open.
    pub open_at: usize,
    /// What must be there after a loss of power.
    pub power: Floor,
    /// What must be there after a kill.
    pub kill: Floor,
    /// Whether the disk had trouble and the store said so.
    pub failed: bool,
    /// The calls that were made to fail.
    pub struck: Vec<Struck>,
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

    /// What the store did after a sync had failed, and must not do: go on with that file, or keep silent.
    ///
    /// # Errors
    ///
    /// In words, what it did.
    pub fn check_poisoned(&self) -> Result<(), String> {
        for (position, state) in self.trace.states() {
            let Some(Operation::SyncFailed { file, .. }) = self.trace.operations.get(position)
            else {
                continue;
            };
            let name = state.names().iter().find(|(_, named)| *named == file);
            let name = name.map_or("a file without a name", |(name, _)| name);
            for later in &self.trace.operations[position + 1..] {
                match later {
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
        let store = match DurableStore::open("db", options(plan, fs)) {
            Ok(store) => store,
            Err(error) if disk.struck().is_empty() => return Err(format!("refused: {error}")),
            Err(_) => return Ok(Self::stillborn(disk, past)),
        };
        let notes = Notes::new(disk, past.history.last());
        let open_at = disk.position();
        check_contents(&store, &past.history)?;
        notes.durable(past.history.last());
        run_threads(&store, &notes, plan);
        let last = notes.newest();
        let closed = store.close();
        if closed.is_ok() {
            notes.durable(last);
        }
        let failed = notes.failed.load(SeqCst) || closed.is_err();
        if failed && disk.struck().is_empty() {
            return Err(format!("failed without trouble: {closed:?}"));
        }
        notes.into_life(past, plan, open_at, failed)
    }

    /// The disk had trouble and the store was not opened.
    fn stillborn(disk: &SimDisk, past: &Past) -> Self {
        let (power, kill) = first_floors(past);
        let trace = disk.trace();
        Self {
            open_at: trace.operations.len(),
            trace,
            history: past.history.clone(),
            born: past.history.last(),
            power,
            kill,
            failed: true,
            struck: disk.struck(),
        }
    }
}

fn first_floors(past: &Past) -> (Floor, Floor) {
    let (mut power, mut kill) = (Floor::default(), Floor::default());
    power.raise(0, past.durable);
    kill.raise(0, past.history.last());
    (power, kill)
}

/// How a store is opened in these tests.
pub(super) fn options(plan: &Plan, fs: Arc<dyn Fs>) -> DurableOptions {
    DurableOptions {
        durability: plan.durability,
        encoding: plan.encoding,
        segment_bytes: plan.segment_bytes,
        memory: MemoryOptions {
            databases: 2,
            stripes: 4,
            ..MemoryOptions::default()
        },
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

fn run_threads(store: &DurableStore, notes: &Notes<'_>, plan: &Plan) {
    let writing = AtomicUsize::new(plan.writers);
    thread::scope(|scope| {
        for writer in 0..plan.writers {
            let writing = &writing;
            scope.spawn(move || {
                write(store, notes, plan, &plan.script(writer));
                writing.fetch_sub(1, SeqCst);
            });
        }
        for reader in 0..plan.readers {
            let writing = &writing;
            scope.spawn(move || read(store, notes, plan, reader, writing));
        }
    });
}

fn write(store: &DurableStore, notes: &Notes<'_>, plan: &Plan, script: &[Task]) {
    let mut last = Lsn::ZERO;
    for task in script {
        match transact(store, notes, task) {
            Ok(lsn) => last = last.max(lsn),
            Err(Refusal::Behind) => store.wait_until_caught_up(),
            // There will be room again, or the log fails; this one is not done.
            Err(Refusal::DiskFull) => thread::yield_now(),
            Err(Refusal::Failed) => return notes.fail(),
        }
        if task.waits != Waits::No && !settle(store, notes, plan, last, task.waits) {
            return;
        }
    }
    settle(store, notes, plan, last, Waits::Promise);
}

/// Waits and notes that the wait is over; false when the log has failed.
fn settle(store: &DurableStore, notes: &Notes<'_>, plan: &Plan, lsn: Lsn, waits: Waits) -> bool {
    let outcome = match waits {
        Waits::Promise | Waits::No if plan.cheat == Cheat::AcknowledgeEarly => Ok(()),
        Waits::Durable => store.gate().wait(lsn, Durability::Always),
        Waits::Promise | Waits::No => store.wait(lsn),
    };
    if outcome.is_err() {
        notes.fail();
        return false;
    }
    notes.acknowledged(lsn);
    if waits == Waits::Durable || plan.promised == Durability::Always {
        notes.durable(lsn);
    }
    true
}

fn transact(store: &DurableStore, notes: &Notes<'_>, task: &Task) -> Result<Lsn, Refusal> {
    let keys = task.keys();
    let set = match (task.needs_all, keys.as_slice()) {
        (true, _) => KeySet::All,
        (false, [one]) => KeySet::One(one),
        (false, many) => KeySet::Many(many),
    };
    let (db, now) = (task.db, task.now);
    let mut done = Vec::new();
    let lsn = store.write(At { db, now }, set, &mut |txn| {
        done.clear();
        if let (1.., Some(key)) = (txn.effects(), keys.first()) {
            done.push(Step::Delete(key.to_vec()));
        }
        for step in &task.steps {
            if step.run(txn) {
                done.push(step.clone());
            }
        }
    })?;
    if !done.is_empty() {
        notes.did(Unit {
            last: lsn,
            db,
            steps: done,
        });
    }
    Ok(lsn)
}

fn read(
    store: &DurableStore,
    notes: &Notes<'_>,
    plan: &Plan,
    reader: usize,
    writing: &AtomicUsize,
) {
    let mut chance = Chance::of(&[plan.seed, 3, reader as u64]);
    for _ in 0..LOOKS_MAX {
        if writing.load(SeqCst) == 0 {
            return;
        }
        let (db, key) = any_key(&mut chance);
        let not_before = notes.reached();
        let mut value = None;
        let at = At {
            db,
            now: UnixMillis(0),
        };
        let lsn = store.read(at, KeySet::One(&key), &mut |view| {
            let string = view.string(&key).ok().flatten();
            value = string.map(|string| fingerprint(&string.to_bytes()));
        });
        if plan.cheat != Cheat::ShowEarly && store.wait(lsn).is_err() {
            return notes.fail();
        }
        notes.saw(Sight {
            db,
            key,
            value,
            not_before,
        });
        thread::yield_now();
    }
}

/// What the threads of a life write down.
struct Notes<'d> {
    disk: &'d SimDisk,
    units: Mutex<Vec<Unit>>,
    durable: Mutex<Vec<(usize, Lsn)>>,
    acknowledged: Mutex<Vec<(usize, Lsn)>>,
    sights: Mutex<Vec<(usize, Sight)>>,
    reached: AtomicU64,
    failed: AtomicBool,
}

impl<'d> Notes<'d> {
    fn new(disk: &'d SimDisk, born: Lsn) -> Self {
        Self {
            disk,
            units: Mutex::default(),
            durable: Mutex::default(),
            acknowledged: Mutex::default(),
            sights: Mutex::default(),
            reached: AtomicU64::new(born.0),
            failed: AtomicBool::new(false),
        }
    }

    fn did(&self, unit: Unit) {
        lock(&self.units).push(unit);
    }

    fn acknowledged(&self, lsn: Lsn) {
        let position = self.disk.position();
        self.reached.fetch_max(lsn.0, SeqCst);
        lock(&self.acknowledged).push((position, lsn));
    }

    fn durable(&self, lsn: Lsn) {
        lock(&self.durable).push((self.disk.position(), lsn));
    }

    fn saw(&self, sight: Sight) {
        lock(&self.sights).push((self.disk.position(), sight));
    }

    fn fail(&self) {
        self.failed.store(true, SeqCst);
    }

    /// What the history had surely reached by now.
    fn reached(&self) -> Lsn {
        Lsn(self.reached.load(SeqCst))
    }

    fn newest(&self) -> Lsn {
        let newest = lock(&self.units).iter().map(|unit| unit.last).max();
        newest.unwrap_or_default()
    }

    fn into_life(
        self,
        past: &Past,
        plan: &Plan,
        open_at: usize,
        failed: bool,
    ) -> Result<Life, String> {
        let mut history = past.history.clone();
        history.extend(into_inner(self.units))?;
        let (mut power, mut kill) = first_floors(past);
        for (position, lsn) in into_inner(self.durable) {
            power.raise(position, lsn);
            kill.raise(position, lsn);
        }
        for (position, lsn) in into_inner(self.acknowledged) {
            kill.raise(position, lsn);
        }
        for (position, sight) in into_inner(self.sights) {
            let lsn = history
                .oldest_of(&sight)
                .ok_or_else(|| format!("what was seen was never so: {sight:?}"))?;
            kill.raise(position, lsn);
            if plan.promised == Durability::Always {
                power.raise(position, lsn);
            }
        }
        Ok(Life {
            trace: self.disk.trace(),
            history,
            born: past.history.last(),
            open_at,
            power,
            kill,
            failed,
            struck: self.disk.struck(),
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A thread that has panicked fails the test by itself.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn into_inner<T>(mutex: Mutex<T>) -> T {
    mutex.into_inner().unwrap_or_else(PoisonError::into_inner)
}
