//! The two checksums of a frame's payload: a CRC-32C, and a digest that has nothing in common with it.
//!
//! One tells that something is wrong. Both together tell also, in any amount of noise, what one flipped bit
//! would make right: see `flip`.

use crc32c::crc32c;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::PAYLOADS_WITH_DIGEST;
use super::flip::FlippedBit;

/// What a frame's header says of its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PayloadChecksums {
    pub(super) crc: u32,
    /// Half of an XXH3 of 64 bits; 0 in segments of a version without it.
    pub(super) digest: u32,
}

impl PayloadChecksums {
    /// Those of `payload`.
    pub(crate) fn of(payload: &[u8]) -> Self {
        Self {
            crc: crc32c(payload),
            digest: half(xxh3_64(payload)),
        }
    }

    /// Whether they are those of `payload`, in a segment of `version`.
    pub(crate) fn fit(self, payload: &[u8], version: u32) -> bool {
        let digest = match version {
            PAYLOADS_WITH_DIGEST.. => half(xxh3_64(payload)),
            _ => 0,
        };
        self.crc == crc32c(payload) && self.digest == digest
    }

    /// In which bits the CRC is not that of `payload`.
    pub(super) fn difference(self, payload: &[u8]) -> u32 {
        self.crc ^ crc32c(payload)
    }

    /// Whether the digest is that of `payload` with this bit of it flipped.
    pub(super) fn fit_digest(self, payload: &[u8], flipped: FlippedBit) -> bool {
        let (before, rest) = payload.split_at(flipped.at);
        let Some((byte, behind)) = rest.split_first() else {
            return false;
        };
        let mut digest = Xxh3::new();
        digest.update(before);
        digest.update(&[byte ^ (1 << flipped.bit)]);
        digest.update(behind);
        half(digest.digest()) == self.digest
    }
}

fn half(digest: u64) -> u32 {
    let [a, b, c, d, ..] = digest.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}
