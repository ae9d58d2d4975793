//! Headroom: what of the log fits for sure, because the files for it are on disk already.
//!
//! A write is admitted only while everything that waits to be written, and a share for those that are admitted
//! at the same moment, fits into the live segment or into the blank that is ready to follow it. So a disk that
//! is full from one moment to the next refuses writes and keeps none waiting.
//!
//! Invariant: with a blank ready and nothing waiting, there is headroom.

use crate::format::TIME_MARK_FRAME_BYTES_MAX;
use crate::primitives::atomic::{AtomicU64, Ordering::SeqCst};
use crate::segment::segment_bytes_for;

/// The share of a segment that is kept for what is admitted at the same moment, as a divisor.
const SHARE: u64 = 4;

/// A disk holds at least so many segments: on a small one they are smaller.
const SEGMENTS_MIN: u64 = 16;

/// A disk holds at least so many times the log that calls for a snapshot.
const SNAPSHOTS_MIN: u64 = 8;

/// The sizes of `wanted` that fit a disk of `disk_bytes`: of a segment, in bytes.
pub(crate) fn fitting_segment_bytes(wanted: u64, disk_bytes: u64) -> u64 {
    wanted.min(disk_bytes / SEGMENTS_MIN)
}

/// The bytes of log that are enough for a snapshot, where `wanted` is, on a disk of `disk_bytes`.
pub(crate) fn fitting_log_bytes(wanted: u64, disk_bytes: u64) -> u64 {
    wanted.min(disk_bytes / SNAPSHOTS_MIN)
}

/// Payload that fits into what is on disk, in bytes.
pub(crate) struct Headroom {
    live: AtomicU64,
    /// 0 while none is ready.
    blank: AtomicU64,
    /// The least that must be left.
    share: AtomicU64,
    /// Room on the disk for further files, when it was last looked at.
    free: AtomicU64,
}

impl Headroom {
    /// Of a live segment of `live_bytes` whose next frame begins at `end`.
    pub(crate) fn new(live_bytes: u64, end: u64, segment_bytes: u64) -> Self {
        let headroom = Self {
            live: AtomicU64::new(0),
            blank: AtomicU64::new(0),
            share: AtomicU64::new(share(live_bytes, segment_bytes)),
            free: AtomicU64::new(u64::MAX),
        };
        headroom.live_ends_at(end, live_bytes);
        headroom
    }

    /// Whether `waiting` bytes of payload fit, and the share beside them.
    pub(crate) fn is_enough_for(&self, waiting: u64) -> bool {
        // In this order: a blank is counted as live before it is no longer counted as a blank.
        let blank = self.blank.load(SeqCst);
        let most = blank.max(self.live.load(SeqCst));
        waiting.saturating_add(self.share.load(SeqCst)) <= most
    }

    /// Whether there may be room for a file that holds `waiting` bytes of payload.
    pub(crate) fn could_grow_to(&self, waiting: u64) -> bool {
        waiting <= payload_bytes(self.free.load(SeqCst))
    }

    /// The disk has so many bytes free.
    pub(crate) fn free_is(&self, bytes: u64) {
        self.free.store(bytes, SeqCst);
    }

    /// The next frame of the live segment, of `live_bytes`, begins at `end`.
    pub(crate) fn live_ends_at(&self, end: u64, live_bytes: u64) {
        let left = live_bytes.saturating_sub(end);
        let marks = segment_bytes_for(TIME_MARK_FRAME_BYTES_MAX as u64) - segment_bytes_for(0);
        self.live.store(left.saturating_sub(marks), SeqCst);
    }

    /// A blank of so many bytes is ready, or none with 0.
    pub(crate) fn blank_is(&self, bytes: u64) {
        self.blank.store(payload_bytes(bytes), SeqCst);
    }

    /// The blank of `bytes` becomes the live segment.
    pub(crate) fn blank_goes_live(&self, bytes: u64, segment_bytes: u64) {
        self.share.store(share(bytes, segment_bytes), SeqCst);
        self.live.store(payload_bytes(bytes), SeqCst);
        self.blank.store(0, SeqCst);
    }
}

/// What a new segment of `bytes` has room for.
fn payload_bytes(bytes: u64) -> u64 {
    bytes.saturating_sub(segment_bytes_for(TIME_MARK_FRAME_BYTES_MAX as u64))
}

/// What must be left while a segment of `live_bytes` is live. Its successor is no smaller than that segment or
/// than the usual size.
fn share(live_bytes: u64, segment_bytes: u64) -> u64 {
    payload_bytes(live_bytes.min(segment_bytes)) / SHARE
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn what_is_admitted_fits_into_one_file() {
        let headroom = Headroom::new(MIB, MIB / 2, MIB);
        assert!(headroom.is_enough_for(MIB / 8));
        assert!(!headroom.is_enough_for(MIB / 2));
        headroom.blank_is(4 * MIB);
        assert!(headroom.is_enough_for(3 * MIB));
        assert!(!headroom.is_enough_for(4 * MIB));
        headroom.blank_goes_live(4 * MIB, MIB);
        assert!(headroom.is_enough_for(3 * MIB));
        headroom.live_ends_at(4 * MIB - MIB / 8, 4 * MIB);
        assert!(!headroom.is_enough_for(0));
        assert!(!headroom.is_enough_for(u64::MAX));
    }

    #[test]
    fn a_blank_that_is_ready_is_always_enough() {
        for live_bytes in [0, segment_bytes_for(0), MIB, 64 * MIB, u64::MAX] {
            for segment_bytes in [0, segment_bytes_for(1), MIB, 64 * MIB] {
                let headroom = Headroom::new(live_bytes, live_bytes, segment_bytes);
                headroom.blank_is(live_bytes.min(segment_bytes));
                assert!(headroom.is_enough_for(0), "{live_bytes} {segment_bytes}");
            }
        }
    }

    #[test]
    fn a_small_disk_has_small_segments() {
        assert_eq!(fitting_segment_bytes(64 * MIB, u64::MAX), 64 * MIB);
        assert_eq!(fitting_segment_bytes(64 * MIB, 100 * MIB), 100 * MIB / 16);
        assert_eq!(fitting_log_bytes(64 * MIB, 100 * MIB), 100 * MIB / 8);
        assert_eq!(fitting_log_bytes(0, 100 * MIB), 0);
    }
}
