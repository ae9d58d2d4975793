//! The bytes of the log. This module and `json` are the only places that know them.
//!
//! A segment is a header of 4 KiB and then frames, one after the other; behind the last one there are
//! zeros up to the capacity of the file. All numbers are little-endian.
//!
//! ```text
//! segment header                          frame, at a multiple of 8
//!    0  magic "kvwalseg"                     0  u32  checksum of place and bytes 4..40
//!    8  u32  format version                  4  u32  payload length, without padding
//!   12  u32  checksum of all other bytes     8  u64  LSN of the first effect
//!   16  16   database id                    16  u64  synced: highest LSN known durable
//!   32  u64  segment number, from 1         24  u32  number of effects
//!   40  u64  LSN of the first effect        28  u8   kind, see below
//!   48  u64  salt, random                   29  u8   flags, zero
//!   56  u64  capacity of the file           30  u16  zero
//!   64  u64  predecessor: number, 0 none    32  u32  checksum of the payload
//!   72  u64  predecessor: where it ends     36  u32  digest of the payload
//!   80  u64  predecessor: last LSN          40  payload, zero-padded to a multiple of 8
//!   88  u32  predecessor: last checksum
//!   92  u8   payload encoding: 1 binary, 2 JSON
//!   93  3    zero
//!   96  u64  most bytes ever unsynced, 0 unlimited
//!  104  u64  epoch
//!  112  zeros to 4096
//! ```
//!
//! Kinds of frame: 1 batch of effects, 2 noop, 3 seal, 4 clean shutdown, 5 time mark. Only batches have
//! effects; the payload of a time mark is told in `time_mark`.
//!
//! A frame is one group commit: all of it counts or nothing. Its place (salt, segment number, offset) goes
//! into its checksum, so bytes that stand anywhere else than where they were written are not taken for a
//! frame. The checksum of a header is checked before the length in it is believed. `synced` is what tells
//! an unfinished tail from damage: see `replay`.
//!
//! Every checksum is CRC-32C. The digest is the lower half of an XXH3 of 64 bits: what one flipped bit would make
//! whole was whole, and is damaged; see `flip`. Version 1 has zero in its place. Payloads are told in `record`
//! (binary) and `json`.
//!
//! Invariant: decoding never panics, never allocates, and whatever it accepts encodes to the same bytes.

mod checksums;
mod fields;
mod flip;
mod frame;
mod list;
mod payload;
mod record;
mod segment_header;
mod snapshot;
mod stream;
mod time_mark;

pub(crate) use checksums::PayloadChecksums;
pub(crate) use fields::Malformed;
pub(crate) use flip::{FlippedBit, flipped_in_body, flipped_in_header};
pub(crate) use frame::{Flaw, FrameHeader, FrameKind, Place};
pub(crate) use payload::for_each_effect;
pub(crate) use payload::{encode_effect, encoded_bytes_max};
pub(crate) use record::{Cut, decode_front, encode_around_large};
pub(crate) use segment_header::{HeaderFlaw, Predecessor, SegmentHeader};
pub(crate) use snapshot::{
    BLOCK_HEADER_BYTES, BLOCK_PAYLOAD_BYTES_MAX, BlockHeader, BlockKind, Footer,
    SNAPSHOT_HEADER_BYTES, SNAPSHOT_VERSION, SnapshotFlaw, SnapshotHeader,
};
pub(crate) use time_mark::{TIME_MARK_FRAME_BYTES_MAX, decode_time, encode_time};

/// The version of the layout that is written, and the newest that is read.
pub(crate) const VERSION: u32 = 2;

/// The first version whose frames have a digest of their payload.
const PAYLOADS_WITH_DIGEST: u32 = 2;

/// Bytes of a segment's header.
pub(crate) const SEGMENT_HEADER_BYTES: usize = 4096;

/// Bytes of a frame's header.
pub(crate) const FRAME_HEADER_BYTES: usize = 40;

/// Frames begin at multiples of this.
pub(crate) const FRAME_ALIGN: usize = 8;

/// Longest payload of a frame, in bytes: with its padding its length must stay a `u32`.
pub(crate) const PAYLOAD_BYTES_MAX: usize = u32::MAX as usize - FRAME_ALIGN;

const _: () = assert!(FRAME_HEADER_BYTES.is_multiple_of(FRAME_ALIGN));
const _: () = assert!(SEGMENT_HEADER_BYTES.is_multiple_of(FRAME_ALIGN));

/// Bytes that a frame with a payload of `payload_bytes` takes in a segment.
pub(crate) const fn frame_bytes(payload_bytes: usize) -> usize {
    FRAME_HEADER_BYTES + payload_bytes.next_multiple_of(FRAME_ALIGN)
}
