//! One flipped bit: what tells damage to a frame from a write that a crash has cut short.
//!
//! A frame at the end of the log that is not whole has mostly not been finished. But an unfinished write lacks
//! sectors, or holds noise in them; it is not right everywhere but in one bit. So a frame that one bit would
//! make whole was whole.
//!
//! Checksums are linear: how the stored one differs from the computed one depends on nothing but which bits
//! were flipped. Taken back through the message bit by bit, that difference comes to a single bit where that
//! bit was flipped. In noise it may do so by chance, once in 2^32 for each bit; so the digest must agree too.
//!
//! Invariant: what an unfinished write can leave is never called a flip. Where it can leave the very bytes that
//! one cleared bit would, because all that is missing from them is that bit, it is taken for unfinished.

use super::frame::{FrameHeader, Place};
use super::{FRAME_HEADER_BYTES, PAYLOADS_WITH_DIGEST};

/// The least that a disk writes at once, in bytes.
const SECTOR_BYTES: usize = 512;

/// The polynomial of CRC-32C, the lowest power in the highest bit.
const POLYNOMIAL: u32 = 0x82F6_3B78;

/// A bit that is not what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FlippedBit {
    /// The byte that it is in, from the beginning of the frame.
    pub(crate) at: usize,
    /// Which bit of that byte, 0 for the lowest.
    pub(crate) bit: u8,
}

impl FlippedBit {
    fn behind(self, bytes: usize) -> Self {
        Self {
            at: self.at + bytes,
            ..self
        }
    }

    /// Whether a write of `frame` at `offset` that was not finished can have left this, the bit never having
    /// been set: when it would be the only one in its sector, or in everything from its byte on.
    pub(crate) fn may_be_unwritten(self, frame: &[u8], offset: u64) -> bool {
        let (before, rest) = frame.split_at(self.at);
        if is_blank(rest) {
            return true;
        }
        let frame_within = usize::try_from(offset % SECTOR_BYTES as u64).unwrap_or(0);
        let within = (frame_within + self.at) % SECTOR_BYTES;
        let sector_rest = rest.len().min(SECTOR_BYTES - within);
        let sector_before = before.len() - before.len().min(within);
        is_blank(&rest[..sector_rest]) && is_blank(&before[sector_before..])
    }
}

fn is_blank(bytes: &[u8]) -> bool {
    bytes.iter().all(|&byte| byte == 0)
}

/// The header that one bit keeps `bytes`, at `place`, from being, and that bit.
pub(crate) fn flipped_in_header(
    bytes: &[u8; FRAME_HEADER_BYTES],
    place: Place,
) -> Option<(FrameHeader, FlippedBit)> {
    let (difference, covered_from) = FrameHeader::checksum_difference(bytes, place);
    let in_checksum = difference.is_power_of_two().then(|| lowest(difference));
    let in_fields = places(difference, FRAME_HEADER_BYTES - covered_from)
        .map(|flipped| flipped.behind(covered_from));
    in_checksum
        .into_iter()
        .chain(in_fields)
        .find_map(|flipped| {
            let mut right = *bytes;
            *right.get_mut(flipped.at)? ^= 1 << flipped.bit;
            let (header, _) = FrameHeader::decode(&right, place).ok()?;
            Some((header, flipped))
        })
}

/// The bit that keeps `body`, the payload and its padding, from being what `header` says, in a segment of
/// `version`.
pub(crate) fn flipped_in_body(
    header: &FrameHeader,
    body: &[u8],
    version: u32,
) -> Option<FlippedBit> {
    let (payload, padding) = body.split_at(header.payload_bytes as usize);
    let flipped = if header.checksums.fit(payload, version) {
        only_bit(padding)?.behind(payload.len())
    } else if is_blank(padding) && version >= PAYLOADS_WITH_DIGEST {
        places(header.checksums.difference(payload), payload.len())
            .find(|flipped| header.checksums.fit_digest(payload, *flipped))?
    } else {
        return None;
    };
    Some(flipped.behind(FRAME_HEADER_BYTES))
}

/// The bit of `bytes` that is set, if it is one alone.
fn only_bit(bytes: &[u8]) -> Option<FlippedBit> {
    let mut set = bytes.iter().enumerate().filter(|(_, byte)| **byte != 0);
    let (at, byte) = set.next()?;
    let alone = byte.is_power_of_two() && set.next().is_none();
    alone.then(|| lowest(u32::from(*byte)).behind(at))
}

/// The lowest set bit of a number whose bytes stand lowest first.
fn lowest(number: u32) -> FlippedBit {
    let bit = number.trailing_zeros();
    FlippedBit {
        at: bit as usize / 8,
        // Less than 8.
        bit: u8::try_from(bit % 8).unwrap_or(0),
    }
}

/// Each bit of a message of `length` bytes that makes this difference of its checksum when it alone is flipped,
/// the last ones first. There can be several only if they are 256 MiB apart.
fn places(difference: u32, length: usize) -> impl Iterator<Item = FlippedBit> {
    let length = if difference == 0 { 0 } else { length };
    let mut register = difference;
    (0..length).rev().filter_map(move |at| {
        register = back_by_a_byte(register);
        let is_one_bit = register.is_power_of_two() && register < 1 << 8;
        is_one_bit.then(|| lowest(register).behind(at))
    })
}

/// What the register of the checksum was, one byte of zeros before it was `register`.
fn back_by_a_byte(mut register: u32) -> u32 {
    for _ in 0..8 {
        let carried = register >> 31;
        register = ((register ^ (POLYNOMIAL * carried)) << 1) | carried;
    }
    register
}

#[cfg(test)]
mod tests {
    use crc32c::crc32c;
    use kv_core::Lsn;
    use proptest::prelude::*;

    use super::super::{FrameKind, PayloadChecksums, VERSION};
    use super::*;

    const PLACE: Place = Place {
        salt: 7,
        segment: 3,
        offset: 4096,
    };

    fn header_of(payload: &[u8]) -> FrameHeader {
        FrameHeader {
            payload_bytes: u32::try_from(payload.len()).unwrap(),
            first_lsn: Lsn(50),
            synced: Lsn(49),
            effects: 3,
            kind: FrameKind::Batch,
            checksums: PayloadChecksums::of(payload),
        }
    }

    fn body_of(payload: &[u8]) -> Vec<u8> {
        let mut body = payload.to_vec();
        body.resize(payload.len().next_multiple_of(8), 0);
        body
    }

    proptest! {
        #[test]
        fn every_bit_is_found(payload in prop::collection::vec(any::<u8>(), 1..150)) {
            let header = header_of(&payload);
            let mut body = body_of(&payload);
            prop_assert_eq!(flipped_in_body(&header, &body, VERSION), None);
            for bit in 0..body.len() * 8 {
                let flipped = lowest(1 << (bit % 8)).behind(FRAME_HEADER_BYTES + bit / 8);
                body[bit / 8] ^= 1 << (bit % 8);
                prop_assert_eq!(flipped_in_body(&header, &body, VERSION), Some(flipped));
                body[bit / 8] ^= 1 << (bit % 8);
            }
        }

        #[test]
        fn more_than_one_bit_is_not_one(
            payload in prop::collection::vec(any::<u8>(), 1..400),
            noise: u64,
        ) {
            prop_assume!(!noise.is_power_of_two());
            let header = header_of(&payload);
            let mut body = body_of(&payload);
            for (byte, noise) in body.iter_mut().zip(noise.to_le_bytes()) {
                *byte ^= noise;
            }
            let changed: u32 = body.iter().zip(body_of(&payload)).map(|(a, b)| (a ^ b).count_ones()).sum();
            prop_assume!(changed != 1);
            prop_assert_eq!(flipped_in_body(&header, &body, VERSION), None);
        }

        /// Without the digest, chance finds a place in most differences, if the message is long enough.
        #[test]
        fn what_is_found_makes_the_difference(difference: u32) {
            let message = vec![0_u8; 4000];
            let right = crc32c(&message);
            for flipped in places(difference, message.len()) {
                let mut message = message.clone();
                message[flipped.at] ^= 1 << flipped.bit;
                prop_assert_eq!(crc32c(&message) ^ right, difference);
            }
        }
    }

    #[test]
    fn every_bit_of_a_header_is_found() {
        let header = header_of(b"payload");
        let (bytes, _) = header.encode(PLACE);
        assert_eq!(flipped_in_header(&bytes, PLACE), None);
        for bit in 0..FRAME_HEADER_BYTES * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            let found = lowest(1 << (bit % 8)).behind(bit / 8);
            assert_eq!(flipped_in_header(&flipped, PLACE), Some((header, found)));
            flipped[(bit + 8) / 8 % FRAME_HEADER_BYTES] ^= 2;
            assert_eq!(flipped_in_header(&flipped, PLACE), None);
        }
    }

    #[test]
    fn a_sector_that_is_blank_may_never_have_been_written() {
        let flipped = |at| FlippedBit { at, bit: 3 };
        let mut frame = vec![0; 1200];
        frame[..60].fill(1);
        frame[1100] = 1;
        // The frame begins 100 bytes before the end of a sector.
        let offset = 4096 - 100;
        for (at, may_be) in [
            (0, false),
            (99, false),
            (100, true),
            (611, true),
            (612, false),
            (1100, false),
            // Nothing of the frame behind this was written either.
            (1101, true),
            (1199, true),
        ] {
            assert_eq!(flipped(at).may_be_unwritten(&frame, offset), may_be, "{at}");
        }
    }
}
