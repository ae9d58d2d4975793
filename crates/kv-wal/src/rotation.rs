//! Rotation on request: the thread that makes snapshots asks, the writer ends the live segment when the next
//! one is ready.
//!
//! Invariant: the writer never waits for a blank because of a request.

use std::sync::PoisonError;
use std::time::Duration;

use crate::SnapshotError;
use crate::file::{IoFailure, LogFile};
use crate::log::Log;
use crate::primitives::atomic::{AtomicBool, Ordering::Relaxed, Ordering::SeqCst};
use crate::primitives::{Condvar, Mutex, MutexGuard};

/// How often whoever waits looks whether there is still a point in it.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// Where the log goes on after a rotation.
pub(crate) struct Seam {
    /// The segment whose effects are all newer than what was there when the rotation was asked for.
    pub(crate) segment: u64,
    /// Bytes that the log had written by then.
    pub(crate) log_bytes: u64,
    /// The segment that was ended, and where its last frame ends.
    pub(crate) ended: Option<(LogFile, u64)>,
}

/// Cuts `file` at `end`; how much shorter it is then.
fn cut(file: &LogFile, end: u64) -> Result<u64, IoFailure> {
    let bytes = file.len()?;
    file.set_len(end)?;
    Ok(bytes.saturating_sub(end))
}

/// The request for a rotation.
#[derive(Default)]
pub(crate) struct Rotation {
    wanted: AtomicBool,
    seam: Mutex<Option<Seam>>,
    changed: Condvar,
}

impl Rotation {
    /// Asks for one and waits for it. Gives the room behind the end of the old segment back.
    pub(crate) fn ask(&self, log: &Log) -> Result<Seam, SnapshotError> {
        let mut seam = self.lock();
        // On a full disk the writer is asked all the same: it may have a segment that is as good as new.
        let mut looked = false;
        *seam = None;
        self.wanted.store(true, SeqCst);
        log.writer.wake();
        loop {
            if let Some(seam) = seam.take() {
                if let Some((file, end)) = &seam.ended {
                    // Only to save room: a length that stays as it was is as good.
                    let saved = cut(file, *end).unwrap_or_default();
                    log.counters.log_bytes.fetch_sub(saved, Relaxed);
                }
                return Ok(seam);
            }
            let given_up = if log.snapshots.is_stopping() {
                Some(SnapshotError::Closed)
            } else if looked && log.disk_full.load(SeqCst) && !log.orders.has_blank() {
                Some(SnapshotError::DiskFull)
            } else {
                log.check().err().map(SnapshotError::from)
            };
            if let Some(error) = given_up {
                self.wanted.store(false, SeqCst);
                return Err(error);
            }
            seam = self
                .changed
                .wait_timeout(seam, LOOK_INTERVAL.min(log.orders.look_interval))
                .map_or_else(|poisoned| poisoned.into_inner().0, |(seam, _)| seam);
            looked = true;
        }
    }

    /// Lets whoever waits look again whether the log has failed.
    pub(crate) fn interrupt(&self) {
        drop(self.lock());
        self.changed.notify_all();
    }

    /// Whether somebody waits for a rotation.
    pub(crate) fn is_wanted(&self) -> bool {
        self.wanted.load(SeqCst)
    }

    /// The log goes on so.
    pub(crate) fn done(&self, seam: Seam) {
        *self.lock() = Some(seam);
        self.wanted.store(false, SeqCst);
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Option<Seam>> {
        self.seam.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
