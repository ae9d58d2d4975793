//! What the thread that makes snapshots is asked for, and what it tells.

use std::sync::PoisonError;
use std::time::Duration;

use kv_core::WalkBacklog;

use super::{SnapshotError, SnapshotInfo, SnapshotProgress, SnapshotRule, SnapshotStatus};
use crate::headroom::fitting_log_bytes;
use crate::log::Log;
use crate::primitives::atomic::{AtomicU64, Ordering::Relaxed, Ordering::SeqCst};
use crate::primitives::{Condvar, Instant, Mutex, MutexGuard};

/// How often the size of the log is looked at.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// After a failure, no snapshot is made for this long unless somebody asks for one.
const RETRY_PAUSE: Duration = Duration::from_secs(60);

/// Writes are refused while more than this waits to be written into a snapshot, in bytes.
const BACKLOG_BYTES_MAX: usize = 64 << 20;

/// The outcome of an attempt.
pub(crate) type Outcome = Result<SnapshotInfo, SnapshotError>;

/// Told the outcome.
pub(crate) type Done = Box<dyn FnOnce(&Outcome) + Send>;

/// What is shared by the thread that makes snapshots and those who ask for them.
pub(crate) struct Snapshots {
    /// Most bytes to write in a second; 0: as fast as it goes.
    pub(super) bytes_per_second: u64,
    backlog: WalkBacklog,
    state: Mutex<State>,
    changed: Condvar,
    progress: Written,
}

/// How far the snapshot under way has come.
#[derive(Default)]
struct Written {
    keys_done: AtomicU64,
    keys_total: AtomicU64,
    bytes: AtomicU64,
}

struct State {
    rule: SnapshotRule,
    /// One is asked for that has not been begun.
    wanted: bool,
    /// Those to tell of it.
    asked: Vec<Done>,
    /// The one under way, and those to tell of it.
    running: Option<Instant>,
    told: Vec<Done>,
    newest: Option<SnapshotInfo>,
    /// Bytes that the log had written since the store was opened when the newest one was begun, less those
    /// that it already had.
    log_bytes_then: i64,
    last_error: Option<SnapshotError>,
    last_took: Option<Duration>,
    failed_at: Option<Instant>,
    done: u64,
    failed: u64,
    stopping: bool,
}

impl Snapshots {
    /// For a store that was recovered from `newest` and `log_bytes` of log after it.
    pub(crate) fn new(
        rule: SnapshotRule,
        bytes_per_second: u64,
        backlog: WalkBacklog,
        newest: Option<SnapshotInfo>,
        log_bytes: u64,
    ) -> Self {
        Self {
            bytes_per_second,
            backlog,
            state: Mutex::new(State {
                rule,
                wanted: false,
                asked: Vec::new(),
                running: None,
                told: Vec::new(),
                newest,
                log_bytes_then: 0_i64.saturating_sub_unsigned(log_bytes),
                last_error: None,
                last_took: None,
                failed_at: None,
                done: 0,
                failed: 0,
                stopping: false,
            }),
            changed: Condvar::new(),
            progress: Written::default(),
        }
    }

    /// Asks for a snapshot; `done` is told the outcome, on the thread that makes it. While one is under way,
    /// another one is made after it if `schedule`.
    pub(crate) fn ask(&self, schedule: bool, done: Option<Done>) -> Result<(), SnapshotError> {
        let mut state = self.lock();
        if state.stopping {
            return Err(SnapshotError::Closed);
        }
        if (state.running.is_some() || state.wanted) && !schedule {
            return Err(SnapshotError::Busy);
        }
        state.wanted = true;
        state.asked.extend(done);
        self.changed.notify_all();
        Ok(())
    }

    /// Waits until a snapshot is to be made; false: the thread is to end.
    pub(super) fn next(&self, log: &Log) -> bool {
        let mut state = self.lock();
        loop {
            if state.stopping || log.check().is_err() {
                state.stopping = true;
                let asked = std::mem::take(&mut state.asked);
                drop(state);
                tell(asked, &Err(SnapshotError::Closed));
                return false;
            }
            if state.wanted || state.is_called_for(log) {
                state.wanted = false;
                state.told = std::mem::take(&mut state.asked);
                state.running = Some(Instant::now());
                self.expect(0);
                self.note(0, 0);
                return true;
            }
            state = self
                .changed
                .wait_timeout(state, LOOK_INTERVAL)
                .map_or_else(|poisoned| poisoned.into_inner().0, |(state, _)| state);
        }
    }

    /// The snapshot under way has ended so; with a log of `log_bytes` when it was begun.
    pub(super) fn finished(&self, outcome: &Outcome, log_bytes: u64) {
        let mut state = self.lock();
        state.last_took = state.running.take().map(|begun| begun.elapsed());
        state.last_error = outcome.as_ref().err().cloned();
        state.failed_at = outcome.as_ref().err().map(|_| Instant::now());
        if let Ok(info) = outcome {
            state.newest = Some(*info);
            state.log_bytes_then = log_bytes.cast_signed();
            state.done += 1;
        } else {
            state.failed += 1;
        }
        let told = std::mem::take(&mut state.told);
        drop(state);
        tell(told, outcome);
    }

    /// Ends the thread, and gives up the snapshot under way.
    pub(crate) fn stop(&self) {
        self.lock().stopping = true;
        self.changed.notify_all();
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.lock().stopping
    }

    pub(crate) fn set_rule(&self, rule: SnapshotRule) {
        self.lock().rule = rule;
        self.changed.notify_all();
    }

    pub(crate) fn rule(&self) -> SnapshotRule {
        self.lock().rule
    }

    /// The newest snapshot that is done.
    pub(super) fn newest(&self) -> Option<SnapshotInfo> {
        self.lock().newest
    }

    /// Whether writers have handed over so much that more must wait.
    pub(crate) fn is_behind(&self) -> bool {
        self.backlog.bytes() > BACKLOG_BYTES_MAX
    }

    /// Whether writers have handed over enough to hurry.
    pub(super) fn is_pressed(&self) -> bool {
        self.backlog.bytes() > BACKLOG_BYTES_MAX / 8
    }

    /// The snapshot under way begins, with so many keys to write.
    pub(super) fn expect(&self, keys: u64) {
        self.progress.keys_total.store(keys, Relaxed);
    }

    /// The snapshot under way has come this far.
    pub(super) fn note(&self, keys: u64, bytes: u64) {
        self.progress.keys_done.store(keys, Relaxed);
        self.progress.bytes.store(bytes, Relaxed);
    }

    pub(crate) fn status(&self, log: &Log) -> SnapshotStatus {
        let state = self.lock();
        let lsn = state.newest.map_or(0, |newest| newest.lsn.0);
        let running = state.running.map(|begun| SnapshotProgress {
            keys_done: self.progress.keys_done.load(Relaxed),
            keys_total: self.progress.keys_total.load(Relaxed),
            bytes: self.progress.bytes.load(Relaxed),
            elapsed: begun.elapsed(),
        });
        // One that was asked for is under way, even if the thread has still to wake up.
        let waking = state.wanted.then(SnapshotProgress::default);
        SnapshotStatus {
            running: running.or(waking),
            scheduled: state.running.is_some() && state.wanted,
            newest: state.newest,
            last_error: state.last_error.clone(),
            last_took: state.last_took,
            effects_since: log.batches.last_lsn().0.saturating_sub(lsn),
            log_bytes_since: state.log_bytes_since(log),
            done: state.done,
            failed: state.failed,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn log_bytes_since(&self, log: &Log) -> u64 {
        let written = log.counters.bytes.load(SeqCst).cast_signed();
        written
            .saturating_sub(self.log_bytes_then)
            .max(0)
            .cast_unsigned()
    }

    fn is_called_for(&self, log: &Log) -> bool {
        let rests = self
            .failed_at
            .is_some_and(|failed| failed.elapsed() < RETRY_PAUSE);
        let snapshot_bytes = self.newest.map_or(0, |newest| newest.bytes);
        let rule = SnapshotRule {
            log_bytes_min: fitting_log_bytes(self.rule.log_bytes_min, log.orders.disk_bytes()),
            ..self.rule
        };
        !rests && rule.calls_for_one(self.log_bytes_since(log), snapshot_bytes)
    }
}

fn tell(those: Vec<Done>, outcome: &Outcome) {
    for done in those {
        done(outcome);
    }
}
