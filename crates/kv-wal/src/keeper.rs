//! The keeper: makes the next segment's file ahead of need, watches the room on the disk, and keeps the
//! manifest up to date.
//!
//! Invariant: at most one blank is ready, so a full disk shows while the live segment still has room.
//! Invariant: after [`Orders::published`] the manifest names the segment, soon.
//! Invariant: a blank that the writer waits for is made as long as there is any room at all.

use std::sync::PoisonError;
use std::time::Duration;

use crate::file::IoFailure;
use crate::fs::Space;
use crate::log::Log;
use crate::manifest::{Manifest, Start};
use crate::poison::Failed;
use crate::primitives::atomic::Ordering::SeqCst;
use crate::primitives::{Condvar, Instant, Mutex, MutexGuard};
use crate::segment::{Blank, segment_bytes_for};
use crate::{LogFailure, SnapshotError};

/// What was admitted and is larger than all that was kept for it waits for room at most this long.
const ROOM_PATIENCE: Duration = Duration::from_secs(10);

/// Between the pieces of a blank the disk is left to the writer for as long as the piece took, but not for
/// less than the one and not for more than the other.
const REST_MIN: Duration = Duration::from_millis(1);
const REST_MAX: Duration = Duration::from_millis(250);

/// The share of a disk that is left to others, as a divisor, and the most that this comes to, in bytes.
const FREE_SHARE: u64 = 20;
const FREE_SHARE_BYTES_MAX: u64 = 1 << 30;

/// Segments' worth of room that must be there.
const FREE_SEGMENTS: u64 = 2;

/// Each segment of a process is this many times larger than the one before, until they have their full size:
/// a small database stays small on disk.
const GROWTH: u64 = 4;

/// The first segment of a process has at most this many bytes.
const FIRST_SEGMENT_BYTES_MAX: u64 = 4 << 20;

/// The size of the first segment of a process, in bytes.
pub(crate) fn first_segment_bytes(segment_bytes: u64) -> u64 {
    segment_bytes.clamp(segment_bytes_for(0), FIRST_SEGMENT_BYTES_MAX)
}

/// What the keeper is asked for, and what it has ready.
pub(crate) struct Orders {
    segment_bytes: u64,
    /// The manifest that was on disk when the log was opened.
    found: Manifest,
    disk_bytes: u64,
    /// How often the room on the disk is looked at.
    pub(crate) look_interval: Duration,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    /// Bytes that the next blank must have.
    wanted_bytes: u64,
    ready: Option<Blank>,
    /// The manifest that ought to be on disk.
    manifest: Manifest,
    /// The newest snapshot that the manifest on disk names.
    kept_snapshot: Option<Start>,
    /// The writer waits for a blank.
    awaited: bool,
    /// The last attempt to make a blank or to write a manifest has found no room.
    no_blank: bool,
    no_manifest: bool,
    stopping: bool,
}

impl Orders {
    /// Orders the blank that comes after a live segment of `live_bytes`. `manifest` is on disk, on one of
    /// `disk_bytes`.
    pub(crate) fn new(
        manifest: Manifest,
        segment_bytes: u64,
        live_bytes: u64,
        disk_bytes: u64,
        look_interval: Duration,
    ) -> Self {
        Self {
            segment_bytes,
            found: manifest,
            disk_bytes,
            look_interval,
            state: Mutex::new(State {
                wanted_bytes: next_bytes(segment_bytes, live_bytes),
                ready: None,
                manifest,
                kept_snapshot: manifest.newest,
                awaited: false,
                no_blank: false,
                no_manifest: false,
                stopping: false,
            }),
            changed: Condvar::new(),
        }
    }

    /// The blank for the next segment, of at least `bytes`. Waits until it is made; without room for it, not
    /// for long. The one after it is larger if `grow`.
    pub(crate) fn take_blank(&self, log: &Log, bytes: u64, grow: bool) -> Result<Blank, Failed> {
        let begun = Instant::now();
        let mut state = self.lock();
        state.wanted_bytes = state.wanted_bytes.max(bytes);
        state.no_blank = false;
        loop {
            log.check()?;
            if let Some(blank) = state.ready.take_if(|blank| blank.bytes() >= bytes) {
                state.wanted_bytes = match grow {
                    true => next_bytes(self.segment_bytes, blank.bytes()),
                    false => blank.bytes().min(self.segment_bytes),
                };
                state.awaited = false;
                log.headroom
                    .blank_goes_live(blank.bytes(), self.segment_bytes);
                self.changed.notify_all();
                return Ok(blank);
            }
            let given_up = log.closing.load(SeqCst) || begun.elapsed() > ROOM_PATIENCE;
            if state.no_blank && given_up {
                drop(state);
                return Err(log.fail(LogFailure {
                    action: "make the next segment in",
                    path: log.dir.path().into(),
                    reason: "no room on the disk".into(),
                }));
            }
            state.awaited = true;
            self.changed.notify_all();
            state = self.wait(state, self.look_interval);
        }
    }

    /// All the room on the disk, in bytes.
    pub(crate) fn disk_bytes(&self) -> u64 {
        self.disk_bytes
    }

    /// Segment `number` is durable under its name.
    pub(crate) fn published(&self, number: u64) {
        self.lock().manifest.newest_segment = number;
        self.changed.notify_all();
    }

    /// Whether a blank is ready for a segment without a minimum size.
    pub(crate) fn has_blank(&self) -> bool {
        self.lock().ready.is_some()
    }

    /// Names a snapshot, which is durable, in the manifest, and waits until that is on disk. False: the log is
    /// being closed; the manifest written at its end names the snapshot.
    ///
    /// Without room for a manifest this ends with an error. The snapshot is named all the same when there is
    /// room again, and must stay.
    pub(crate) fn adopt(&self, log: &Log, start: Start) -> Result<bool, SnapshotError> {
        let mut state = self.lock();
        let named = state.manifest.newest.map(|newest| newest.snapshot);
        // One that is made again after such an error is as good as that one, and the log is there for both.
        if named != Some(start.snapshot) {
            state.manifest = state.manifest.with_snapshot(start);
        }
        let newest = state.manifest.newest;
        self.changed.notify_all();
        while state.kept_snapshot != newest {
            log.check()?;
            if log.snapshots.is_stopping() {
                return Ok(false);
            }
            if state.no_manifest {
                return Err(SnapshotError::DiskFull);
            }
            state = self.wait(state, self.look_interval);
        }
        Ok(true)
    }

    /// Leaves the disk to the writer for as long as making a blank has just `worked` it, unless the writer
    /// waits for that blank.
    fn rest(&self, worked: Duration) -> Result<(), Unmade> {
        let mut state = self.lock();
        if worked >= REST_MIN && !state.awaited && !state.stopping {
            state = self.wait(state, worked.min(REST_MAX));
        }
        match state.stopping {
            true => Err(Unmade::Unwanted),
            false => Ok(()),
        }
    }

    /// Ends the keeper.
    pub(crate) fn stop(&self) {
        self.lock().stopping = true;
        self.changed.notify_all();
    }

    /// Lets everybody look again whether the log has failed.
    pub(crate) fn interrupt(&self) {
        drop(self.lock());
        self.changed.notify_all();
    }

    /// The manifest that ought to be on disk.
    pub(crate) fn manifest(&self) -> Manifest {
        self.lock().manifest
    }

    /// The blank that is ready and will not be needed.
    pub(crate) fn leftover(&self) -> Option<Blank> {
        self.lock().ready.take()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Until something has changed, or `at_most` is over.
    fn wait<'s>(&self, state: MutexGuard<'s, State>, at_most: Duration) -> MutexGuard<'s, State> {
        self.changed
            .wait_timeout(state, at_most)
            .map_or_else(|poisoned| poisoned.into_inner().0, |(state, _)| state)
    }
}

fn next_bytes(segment_bytes: u64, live_bytes: u64) -> u64 {
    segment_bytes.clamp(segment_bytes_for(0), live_bytes.saturating_mul(GROWTH))
}

/// Why a blank was not made.
enum Unmade {
    Unwanted,
    Io(IoFailure),
}

impl From<IoFailure> for Unmade {
    fn from(failure: IoFailure) -> Self {
        Self::Io(failure)
    }
}

/// What the keeper thread owns.
pub(crate) struct Keeper<'l> {
    log: &'l Log,
    /// The manifest that is on disk.
    kept: Manifest,
    /// The serial of the next blank.
    serial: u64,
}

impl<'l> Keeper<'l> {
    pub(crate) fn new(log: &'l Log) -> Self {
        Self {
            log,
            // Others may have had wishes before this thread runs.
            kept: log.orders.found,
            serial: 1,
        }
    }

    /// Works until it is stopped or the log fails.
    pub(crate) fn run(mut self) -> Result<(), Failed> {
        loop {
            self.log.check()?;
            let mut room = self.has_room();
            room &= self.keep_manifest()?;
            // What was admitted must be written, with the last of the room if need be.
            if room || self.log.orders.lock().awaited {
                room &= self.make_blank()?;
            }
            self.tell_room(room);
            let state = self.log.orders.lock();
            if state.stopping {
                return Ok(());
            }
            let idle = state
                .ready
                .as_ref()
                .is_some_and(|blank| blank.bytes() >= state.wanted_bytes)
                && is_kept(&state.manifest, &self.kept);
            let hopeless = !room && (!state.awaited || state.no_blank);
            if idle || hopeless {
                drop(self.log.orders.wait(state, self.log.orders.look_interval));
            }
        }
    }

    fn has_room(&self) -> bool {
        // A file system that cannot tell has room until a write finds none.
        self.log.dir.space().map_or(true, |space| {
            self.log.headroom.free_is(space.free);
            is_enough(space, self.log.orders.segment_bytes)
        })
    }

    /// Brings the manifest on disk up to date; false when there is no room for that.
    fn keep_manifest(&mut self) -> Result<bool, Failed> {
        let wanted = self.log.orders.manifest();
        if is_kept(&wanted, &self.kept) {
            return Ok(true);
        }
        let manifest = Manifest {
            durable: self.log.gate.durable(),
            ..wanted
        };
        let dir = &self.log.dir;
        let tmp = self.unless_no_room(manifest.write_tmp(dir))?;
        self.log.orders.lock().no_manifest = tmp.is_none();
        let Some(tmp) = tmp else {
            self.log.orders.changed.notify_all();
            return Ok(false);
        };
        self.log.must(dir.publish_manifest(&tmp))?;
        self.kept = manifest;
        self.log.orders.lock().kept_snapshot = manifest.newest;
        self.log.orders.changed.notify_all();
        Ok(true)
    }

    /// Makes the blank that is wanted, if it is not there; false when there is no room for it.
    fn make_blank(&mut self) -> Result<bool, Failed> {
        let bytes = {
            let mut state = self.log.orders.lock();
            let wanted = state.wanted_bytes;
            if state
                .ready
                .as_ref()
                .is_some_and(|blank| blank.bytes() >= wanted)
            {
                return Ok(true);
            }
            if let Some(too_small) = state.ready.take() {
                self.log.headroom.blank_is(0);
                drop(state);
                self.log.must(too_small.discard(&self.log.dir))?;
            }
            wanted
        };
        let serial = self.serial;
        self.serial += 1;
        let log = self.log;
        let mut resumed = Instant::now();
        let made = Blank::make(&log.dir, serial, bytes, || {
            log.check().map_err(|Failed| Unmade::Unwanted)?;
            log.orders.rest(resumed.elapsed())?;
            resumed = Instant::now();
            Ok(())
        });
        let room = match made {
            Ok(blank) => {
                let mut state = log.orders.lock();
                log.headroom.blank_is(blank.bytes());
                state.ready = Some(blank);
                state.no_blank = false;
                drop(state);
                log.orders.changed.notify_all();
                if log.rotation.is_wanted() {
                    log.writer.wake();
                }
                return Ok(true);
            }
            Err(Unmade::Unwanted) => true,
            Err(Unmade::Io(failure)) => self.unless_no_room::<()>(Err(failure))?.is_some(),
        };
        log.check()?;
        log.must(log.dir.remove_segment_tmp(serial))?;
        log.orders.lock().no_blank = !room;
        log.orders.changed.notify_all();
        Ok(room)
    }

    /// `None` when there was no room, which may pass; any other failure is the log's.
    fn unless_no_room<T>(&self, outcome: Result<T, IoFailure>) -> Result<Option<T>, Failed> {
        match outcome {
            Err(failure) if failure.is_no_room() => Ok(None),
            outcome => self.log.must(outcome).map(Some),
        }
    }

    fn tell_room(&self, room: bool) {
        let log = self.log;
        if log.disk_full.swap(!room, SeqCst) == room {
            log.orders.changed.notify_all();
            // Those who wait because the log is behind are to hear that it stays so.
            log.gate.release_admission();
        } else {
            log.readmit();
        }
    }
}

/// Whether `kept` says all that `wanted` does, but for how much is durable.
fn is_kept(wanted: &Manifest, kept: &Manifest) -> bool {
    *kept
        == Manifest {
            durable: kept.durable,
            ..*wanted
        }
}

fn is_enough(space: Space, segment_bytes: u64) -> bool {
    let share = (space.total / FREE_SHARE).min(FREE_SHARE_BYTES_MAX);
    space.free >= share.max(segment_bytes.saturating_mul(FREE_SEGMENTS))
}
