//! The log that is being written: what its threads share, and its face towards the store.
//!
//! Three threads, or four:
//!
//! - the *writer* takes what transactions have appended, writes it, and under `always` syncs it;
//! - the *keeper* makes the next segment's file ahead of need, watches the room on the disk, and keeps the
//!   manifest;
//! - the *syncer*, under the other policies, syncs once a second or when somebody asks.
//!
//! Invariant: threads that run transactions do no IO here.
//! Invariant: after a failure nothing more is written, and no LSN becomes durable.

use std::sync::{Arc, PoisonError};

use kv_core::{Clock, Effect, EffectLog, Lsn, Refusal, Size};

use crate::batch::Batches;
use crate::dir::LogDir;
use crate::file::{IoFailure, LogFile};
use crate::format::{PAYLOAD_BYTES_MAX, encode_effect, encoded_bytes_max};
use crate::fs::{Fs, Space};
use crate::headroom::Headroom;
use crate::keeper::Orders;
use crate::manifest::Manifest;
use crate::pace::Pace;
use crate::poison::{Failed, Poison};
use crate::primitives::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed, Ordering::SeqCst};
use crate::primitives::{Instant, Mutex, MutexGuard};
use crate::rotation::Rotation;
use crate::segment::LiveSegment;
use crate::sleeper::Sleeper;
use crate::snapshot::Snapshots;
use crate::{CommitGate, Durability, DurableOptions, Encoding, LogFailure, LogStats};

/// Writes are refused while more than this waits to be written, in bytes.
const BACKLOG_BYTES_MAX: u64 = 64 << 20;

/// What the threads of a log share.
pub(crate) struct Log {
    pub(crate) dir: LogDir,
    pub(crate) fs: Arc<dyn Fs>,
    /// The store's clock, of which the log notes the time.
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) durability: Durability,
    encoding: Encoding,
    pub(crate) gate: Arc<CommitGate>,
    pub(crate) batches: Batches,
    pub(crate) headroom: Headroom,
    transaction_bytes_max: u64,
    pub(crate) orders: Orders,
    pub(crate) snapshots: Snapshots,
    pub(crate) rotation: Rotation,
    /// Only under `everysec`.
    pub(crate) pace: Option<Pace>,
    poison: Poison,
    pub(crate) disk_full: AtomicBool,
    pub(crate) closing: AtomicBool,
    pub(crate) writer: Sleeper,
    pub(crate) syncer: Arc<Sleeper>,
    /// The file of the live segment; syncs take turns, see [`Log::sync`].
    live: Mutex<LogFile>,
    sync_turn: Mutex<()>,
    pub(crate) counters: Counters,
}

/// What has been done so far.
#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) syncs: AtomicU64,
    pub(crate) batches: AtomicU64,
    pub(crate) effects: AtomicU64,
    pub(crate) bytes: AtomicU64,
    pub(crate) last_sync_micros: AtomicU64,
    pub(crate) segment: AtomicU64,
    pub(crate) log_bytes: AtomicU64,
}

impl Log {
    /// A log that goes on in `live`.
    pub(crate) fn new(
        dir: LogDir,
        options: &DurableOptions,
        live: &LiveSegment,
        manifest: Manifest,
        stored_bytes: u64,
        snapshots: Snapshots,
    ) -> Self {
        let space = dir.space().unwrap_or(Space::BOUNDLESS);
        let headroom = Headroom::new(live.capacity(), live.end(), options.segment_bytes);
        headroom.free_is(space.free);
        let counters = Counters::default();
        counters.segment.store(live.number(), Relaxed);
        counters
            .log_bytes
            .store(stored_bytes + live.capacity(), Relaxed);
        let syncer = Arc::new(Sleeper::default());
        let gate = CommitGate::new(live.last_lsn());
        if options.durability != Durability::Always {
            let syncer = Arc::clone(&syncer);
            gate.on_sync_wanted(Box::new(move || syncer.wake()));
        }
        Self {
            dir,
            fs: Arc::clone(&options.fs),
            clock: Arc::clone(&options.memory.clock),
            durability: options.durability,
            encoding: options.encoding,
            gate: Arc::new(gate),
            batches: Batches::new(live.last_lsn().advanced_by(1)),
            headroom,
            transaction_bytes_max: options.transaction_bytes_max.min(PAYLOAD_BYTES_MAX as u64),
            orders: Orders::new(
                manifest,
                options.segment_bytes,
                live.capacity(),
                space.total,
                options.room_look_interval,
            ),
            snapshots,
            rotation: Rotation::default(),
            pace: (options.durability == Durability::EverySec).then(Pace::new),
            poison: Poison::new(options.on_failure.clone()),
            disk_full: AtomicBool::new(false),
            closing: AtomicBool::new(false),
            writer: Sleeper::default(),
            syncer,
            live: Mutex::new(live.file().clone()),
            sync_turn: Mutex::default(),
            counters,
        }
    }

    /// The first failure, if there was one.
    pub(crate) fn failure(&self) -> Option<&LogFailure> {
        self.poison.failure()
    }

    /// An error once the log has failed: asked before anything is written.
    pub(crate) fn check(&self) -> Result<(), Failed> {
        self.poison.check()
    }

    /// Makes a failure final.
    pub(crate) fn fail(&self, failure: LogFailure) -> Failed {
        self.poison.fail(failure, || {
            self.gate.fail();
            self.writer.wake();
            self.syncer.wake();
            self.orders.interrupt();
            self.rotation.interrupt();
        })
    }

    /// The outcome of an action without which the log cannot go on.
    pub(crate) fn must<T>(&self, outcome: Result<T, IoFailure>) -> Result<T, Failed> {
        outcome.map_err(|failure| self.fail(failure.into()))
    }

    /// Syncs `file`, which makes everything up to `lsn` durable, and says so. Returns how many threads were waiting
    /// for something to be durable.
    ///
    /// Threads take turns: the kernel reports a lost page to one sync of a file only, so a second one beside
    /// it could succeed and mean nothing. Whoever comes after a failure sees it and does not try.
    pub(crate) fn sync(&self, file: &LogFile, lsn: Lsn) -> Result<usize, Failed> {
        let _turn = lock(&self.sync_turn);
        self.check()?;
        if let Some(pace) = &self.pace {
            pace.sync_begins();
        }
        let begun = Instant::now();
        self.must(file.sync_data())?;
        let micros = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.counters.last_sync_micros.store(micros, Relaxed);
        self.counters.syncs.fetch_add(1, Relaxed);
        if let Some(pace) = &self.pace {
            pace.sync_done();
        }
        Ok(self.gate.publish_durable(lsn))
    }

    /// The file of the live segment.
    pub(crate) fn live(&self) -> LogFile {
        lock(&self.live).clone()
    }

    /// The log goes on in `live`; everything before it is durable.
    pub(crate) fn went_on_in(&self, live: &LiveSegment) {
        *lock(&self.live) = live.file().clone();
        self.headroom.live_ends_at(live.end(), live.capacity());
        self.counters.segment.store(live.number(), Relaxed);
        self.counters.log_bytes.fetch_add(live.capacity(), Relaxed);
    }

    /// Blocks until writes are admitted again, or are refused for another reason than that the log has
    /// fallen behind.
    pub(crate) fn wait_until_caught_up(&self) {
        self.gate
            .wait_admission(|| self.admit(Size::Unknown) != Err(Refusal::Behind));
    }

    /// Whether the log can keep a transaction of this size, as far as is known.
    fn admit_large(&self, size: Size) -> Result<(), Refusal> {
        let bytes = match size {
            Size::Unknown => return Ok(()),
            Size::AtMost(bytes) | Size::Growing(bytes) => {
                encoded_bytes_max(self.encoding, bytes as u64)
            }
            Size::Encoded(bytes) => bytes as u64,
        };
        if bytes > self.transaction_bytes_max {
            return Err(Refusal::TooLarge);
        }
        let waiting = self.batches.backlog_bytes().saturating_add(bytes);
        if !self.headroom.is_enough_for(waiting) && !self.headroom.could_grow_to(waiting) {
            return Err(Refusal::DiskFull);
        }
        Ok(())
    }

    /// Releases writes that were refused, if they may go on.
    pub(crate) fn readmit(&self) {
        if self.admit(Size::Unknown).is_ok() {
            self.gate.release_admission();
        }
    }

    pub(crate) fn stats(&self) -> LogStats {
        let counters = &self.counters;
        LogStats {
            syncs: counters.syncs.load(Relaxed),
            batches: counters.batches.load(Relaxed),
            effects: counters.effects.load(Relaxed),
            bytes: counters.bytes.load(Relaxed),
            last_sync_micros: counters.last_sync_micros.load(Relaxed),
            segment: counters.segment.load(Relaxed),
            log_bytes: counters.log_bytes.load(Relaxed),
            backlog_bytes: self.batches.backlog_bytes(),
            disk_full: self.disk_full.load(SeqCst),
        }
    }
}

impl EffectLog for Log {
    fn admit(&self, size: Size) -> Result<(), Refusal> {
        if self.gate.has_failed() {
            return Err(Refusal::Failed);
        }
        if self.disk_full.load(SeqCst) {
            return Err(Refusal::DiskFull);
        }
        self.admit_large(size)?;
        let overdue = self.pace.as_ref().is_some_and(Pace::is_overdue);
        let backlog = self.batches.backlog_bytes();
        if overdue
            || backlog > BACKLOG_BYTES_MAX
            || !self.headroom.is_enough_for(backlog)
            || self.snapshots.is_behind()
        {
            return Err(Refusal::Behind);
        }
        Ok(())
    }

    fn encode(&self, effect: &Effect<'_>, out: &mut Vec<u8>) {
        encode_effect(self.encoding, effect, out);
    }

    fn append(&self, encoded: &[u8], count: u32) -> Lsn {
        let (lsn, kept) = self.batches.append(encoded, count);
        match kept {
            Ok(()) => self.writer.wake(),
            // Memory has changed already and the log cannot follow: only a restart brings them together.
            Err(too_large) => {
                self.fail(LogFailure {
                    action: "append to",
                    path: self.live().path().into(),
                    reason: too_large.to_string(),
                });
            }
        }
        lsn
    }

    fn last(&self) -> Lsn {
        self.batches.last_lsn()
    }

    fn settled(&self) -> Lsn {
        self.gate.settled(self.durability)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics half way through a change under these locks.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
