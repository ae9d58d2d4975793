//! The open batch: where transactions leave their effects, and where the log thread takes them from.
//!
//! Appending is done under the locks of the store's stripes, so it is a copy under one short mutex and,
//! only when the log thread sleeps, a wake-up.
//!
//! Invariant: LSNs are given in the order in which effects enter the batch.
//! Invariant: the effects of one append are in one frame.

use std::sync::PoisonError;

use kv_core::Lsn;

use crate::format::{
    FRAME_ALIGN, FRAME_HEADER_BYTES, FrameHeader, FrameKind, PAYLOAD_BYTES_MAX, PayloadChecksums,
    Place,
};
use crate::primitives::atomic::{AtomicU64, Ordering::SeqCst};
use crate::primitives::{Mutex, MutexGuard};

/// A frame that has grown to this takes no further append, in bytes.
const FRAME_BYTES_FULL: usize = 16 << 20;

/// A buffer that has grown beyond this is given back after use, in bytes.
const BUFFER_BYTES_KEPT: usize = 4 << 20;

/// One frame in the making: room for its header, then the payload.
pub(crate) struct FrameBuffer {
    bytes: Vec<u8>,
    first_lsn: Lsn,
    effects: u32,
}

impl Default for FrameBuffer {
    fn default() -> Self {
        Self {
            bytes: vec![0; FRAME_HEADER_BYTES],
            first_lsn: Lsn::ZERO,
            effects: 0,
        }
    }
}

impl FrameBuffer {
    /// An empty frame in the memory of this one.
    pub(crate) fn emptied(mut self) -> Self {
        if self.bytes.capacity() > BUFFER_BYTES_KEPT {
            return Self::default();
        }
        self.bytes.truncate(FRAME_HEADER_BYTES);
        self.effects = 0;
        self
    }

    /// Adds effects. Those of a frame that is empty begin with `first_lsn`, others follow what is there.
    pub(crate) fn push(&mut self, encoded: &[u8], count: u32, first_lsn: Lsn) {
        if self.effects == 0 {
            self.first_lsn = first_lsn;
        }
        self.effects += count;
        self.bytes.extend_from_slice(encoded);
    }

    pub(crate) fn payload_bytes(&self) -> usize {
        self.bytes.len() - FRAME_HEADER_BYTES
    }

    /// The LSN of the last effect. Only of a frame that has one.
    pub(crate) fn last_lsn(&self) -> Lsn {
        Lsn(self.first_lsn.0 + u64::from(self.effects) - 1)
    }

    pub(crate) fn effects(&self) -> u32 {
        self.effects
    }

    /// Bytes that the frame will take in a segment.
    pub(crate) fn frame_bytes(&self) -> u64 {
        self.bytes.len().next_multiple_of(FRAME_ALIGN) as u64
    }

    /// Completes the frame for its place: its bytes, and the checksum of its header.
    pub(crate) fn complete(&mut self, place: Place, synced: Lsn) -> (&[u8], u32) {
        let payload = &self.bytes[FRAME_HEADER_BYTES..];
        let header = FrameHeader {
            // Appends above the limit were refused, see `Batches::append`.
            payload_bytes: u32::try_from(payload.len()).unwrap_or(u32::MAX),
            first_lsn: self.first_lsn,
            synced,
            effects: self.effects,
            kind: FrameKind::Batch,
            checksums: PayloadChecksums::of(payload),
        };
        let (bytes, checksum) = header.encode(place);
        self.bytes[..FRAME_HEADER_BYTES].copy_from_slice(&bytes);
        let padded = self.bytes.len().next_multiple_of(FRAME_ALIGN);
        self.bytes.resize(padded, 0);
        (&self.bytes, checksum)
    }
}

struct Open {
    /// Takes the next append.
    filling: FrameBuffer,
    /// Frames before it that are full.
    full: Vec<FrameBuffer>,
    next_lsn: Lsn,
}

/// The frames that wait for the log thread.
pub(crate) struct Batches {
    open: Mutex<Open>,
    /// Payload bytes ever appended, and of these the ones that have been written.
    appended_bytes: AtomicU64,
    written_bytes: AtomicU64,
}

/// One append is larger than a frame can be.
#[derive(Debug, thiserror::Error)]
#[error("a transaction of {0} bytes is larger than a frame can be")]
pub(crate) struct TooLarge(usize);

impl Batches {
    /// No batch yet; the next effect gets `next_lsn`.
    pub(crate) fn new(next_lsn: Lsn) -> Self {
        Self {
            open: Mutex::new(Open {
                filling: FrameBuffer::default(),
                full: Vec::new(),
                next_lsn,
            }),
            appended_bytes: AtomicU64::new(0),
            written_bytes: AtomicU64::new(0),
        }
    }

    /// Takes `count` effects, `encoded` one after the other; returns the LSN of the last, and whether it was
    /// kept.
    pub(crate) fn append(&self, encoded: &[u8], count: u32) -> (Lsn, Result<(), TooLarge>) {
        let mut open = self.lock();
        let first_lsn = open.next_lsn;
        open.next_lsn = first_lsn.advanced_by(u64::from(count));
        let last_lsn = Lsn(open.next_lsn.0 - 1);
        if encoded.len() > PAYLOAD_BYTES_MAX {
            return (last_lsn, Err(TooLarge(encoded.len())));
        }
        if open.filling.effects > 0
            && open.filling.payload_bytes() + encoded.len() > FRAME_BYTES_FULL
        {
            let full = std::mem::take(&mut open.filling);
            open.full.push(full);
        }
        open.filling.push(encoded, count, first_lsn);
        self.appended_bytes.fetch_add(encoded.len() as u64, SeqCst);
        (last_lsn, Ok(()))
    }

    /// Moves all frames that have effects to `frames`, in order; whether there were any. `spent` is filled
    /// next.
    pub(crate) fn take(&self, frames: &mut Vec<FrameBuffer>, spent: &mut FrameBuffer) -> bool {
        let mut open = self.lock();
        if open.filling.effects == 0 {
            return false;
        }
        frames.append(&mut open.full);
        frames.push(std::mem::replace(&mut open.filling, std::mem::take(spent)));
        true
    }

    /// Whether there is nothing to take.
    pub(crate) fn is_empty(&self) -> bool {
        self.lock().filling.effects == 0
    }

    /// Tells that `bytes` of payload have been written.
    pub(crate) fn wrote(&self, bytes: u64) {
        self.written_bytes.fetch_add(bytes, SeqCst);
    }

    /// Payload bytes that were appended and are not yet written.
    pub(crate) fn backlog_bytes(&self) -> u64 {
        // In this order, or a batch written in between would make it negative.
        let written = self.written_bytes.load(SeqCst);
        self.appended_bytes.load(SeqCst).saturating_sub(written)
    }

    /// The newest LSN given.
    pub(crate) fn last_lsn(&self) -> Lsn {
        Lsn(self.lock().next_lsn.0 - 1)
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        // Nothing in here panics half way.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
