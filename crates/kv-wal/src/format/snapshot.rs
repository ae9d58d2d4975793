//! The bytes of a snapshot file: a header, blocks, and a last block that tells what the others are.
//!
//! ```text
//! header                                  block, right after the one before
//!    0  magic "kvsnapsh"                     0  u32  checksum of place and bytes 4..24
//!    8  u32  format version                  4  u32  payload length, at most 1 MiB
//!   12  u32  checksum of all other bytes     8  u32  checksum of the payload
//!   16  16   database id                    12  u8   kind: 1 records, 2 footer
//!   32  u64  LSN: the newest effect in it   13  u8   flags: 1 begins inside an item, 2 ends inside one
//!   40  u64  salt, random                   14  10   zero
//!   48  i64  when it was made, ms of 1970   24  payload
//!   56  u64  zero
//!
//! footer payload
//!    0  u64  keys
//!    8  u64  blocks before this one
//!   16  u64  bytes before this block
//!   24  16   XXH3 (128 bits, big-endian) of all bytes before this block
//! ```
//!
//! The payloads hold binary records as the log has them (see `record`), which make each key once. All records
//! of a key, an item, lie in one block; one that does not fit takes several, which hold nothing else, and the
//! flags say so. The order of items means nothing. Salt and offset go into the checksum of a block.
//!
//! Invariant: every bit of the file is covered by a checksum, and no length is believed before its own was
//! right.

use crc32c::{crc32c, crc32c_append};
use kv_core::{Lsn, UnixMillis};

use super::fields::{Fields, Malformed};

/// The version of the layout that is written, and the newest that is read.
pub(crate) const SNAPSHOT_VERSION: u32 = 1;

/// Bytes of the header of a snapshot.
pub(crate) const SNAPSHOT_HEADER_BYTES: usize = 64;

/// Bytes of the header of a block.
pub(crate) const BLOCK_HEADER_BYTES: usize = 24;

/// Most bytes of payload in a block.
pub(crate) const BLOCK_PAYLOAD_BYTES_MAX: usize = 1 << 20;

/// Bytes of the last block's payload.
pub(crate) const FOOTER_BYTES: usize = 40;

const MAGIC: &[u8; 8] = b"kvsnapsh";
const CHECKSUM_AT: usize = 12;
const FIELDS_AT: usize = 16;
const BEGINS_INSIDE: u8 = 1;
const ENDS_INSIDE: u8 = 2;

/// What the first bytes of a snapshot say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SnapshotHeader {
    pub(crate) database: [u8; 16],
    pub(crate) lsn: Lsn,
    pub(crate) salt: u64,
    pub(crate) made: UnixMillis,
}

/// Why bytes are not the header of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SnapshotFlaw {
    #[error("this is not a snapshot")]
    Magic,
    #[error("the checksum of the header is wrong")]
    Checksum,
    #[error("format version {0}")]
    Version(u32),
    #[error("a header with a right checksum is malformed: {0}")]
    Malformed(#[from] Malformed),
}

impl SnapshotHeader {
    pub(crate) fn encode(&self) -> [u8; SNAPSHOT_HEADER_BYTES] {
        let mut out = [0; SNAPSHOT_HEADER_BYTES];
        out[..8].copy_from_slice(MAGIC);
        out[8..12].copy_from_slice(&SNAPSHOT_VERSION.to_le_bytes());
        out[16..32].copy_from_slice(&self.database);
        out[32..40].copy_from_slice(&self.lsn.0.to_le_bytes());
        out[40..48].copy_from_slice(&self.salt.to_le_bytes());
        out[48..56].copy_from_slice(&self.made.0.to_le_bytes());
        let checksum = header_checksum(&out);
        out[CHECKSUM_AT..FIELDS_AT].copy_from_slice(&checksum.to_le_bytes());
        out
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, SnapshotFlaw> {
        if bytes.len() != SNAPSHOT_HEADER_BYTES || !bytes.starts_with(MAGIC) {
            return Err(SnapshotFlaw::Magic);
        }
        let mut fields = Fields::new(bytes);
        fields.bytes(MAGIC.len())?;
        let version = fields.u32()?;
        if fields.u32()? != header_checksum(bytes) {
            return Err(SnapshotFlaw::Checksum);
        }
        if version != SNAPSHOT_VERSION {
            return Err(SnapshotFlaw::Version(version));
        }
        let header = Self {
            database: fields.array()?,
            lsn: Lsn(fields.u64()?),
            salt: fields.u64()?,
            made: UnixMillis(fields.u64()?.cast_signed()),
        };
        fields.zeros(8)?;
        Ok(header)
    }
}

fn header_checksum(header: &[u8]) -> u32 {
    let (before, rest) = header.split_at(CHECKSUM_AT);
    crc32c_append(crc32c(before), &rest[FIELDS_AT - CHECKSUM_AT..])
}

/// What a block is for. The numbers are those on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum BlockKind {
    Records = 1,
    Footer = 2,
}

/// Everything about a block but its place and its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BlockHeader {
    pub(crate) payload_bytes: u32,
    pub(crate) payload_checksum: u32,
    pub(crate) kind: BlockKind,
    /// Its first record goes on with an item of the block before.
    pub(crate) begins_inside: bool,
    /// The next block goes on with the item that its last record is of.
    pub(crate) ends_inside: bool,
}

impl BlockHeader {
    pub(crate) fn encode(&self, salt: u64, offset: u64) -> [u8; BLOCK_HEADER_BYTES] {
        let mut out = [0; BLOCK_HEADER_BYTES];
        out[4..8].copy_from_slice(&self.payload_bytes.to_le_bytes());
        out[8..12].copy_from_slice(&self.payload_checksum.to_le_bytes());
        out[12] = self.kind as u8;
        out[13] = if self.begins_inside { BEGINS_INSIDE } else { 0 }
            | if self.ends_inside { ENDS_INSIDE } else { 0 };
        let checksum = block_checksum(salt, offset, &out[4..]);
        out[..4].copy_from_slice(&checksum.to_le_bytes());
        out
    }

    /// The header that stands at `offset`; `None` when its checksum is wrong.
    pub(crate) fn decode(bytes: &[u8], salt: u64, offset: u64) -> Result<Option<Self>, Malformed> {
        let mut fields = Fields::new(bytes);
        let checksum = fields.u32()?;
        let covered = bytes.get(4..BLOCK_HEADER_BYTES).unwrap_or_default();
        if checksum != block_checksum(salt, offset, covered) {
            return Ok(None);
        }
        let payload_bytes = fields.u32()?;
        let payload_checksum = fields.u32()?;
        let kind = match fields.u8()? {
            1 => BlockKind::Records,
            2 => BlockKind::Footer,
            _ => return Err(Malformed("unknown kind of block")),
        };
        let flags = fields.u8()?;
        fields.zeros(10)?;
        if payload_bytes as usize > BLOCK_PAYLOAD_BYTES_MAX {
            return Err(Malformed("a block longer than its limit"));
        }
        if flags & !(BEGINS_INSIDE | ENDS_INSIDE) != 0 {
            return Err(Malformed("unknown flags"));
        }
        Ok(Some(Self {
            payload_bytes,
            payload_checksum,
            kind,
            begins_inside: flags & BEGINS_INSIDE != 0,
            ends_inside: flags & ENDS_INSIDE != 0,
        }))
    }
}

fn block_checksum(salt: u64, offset: u64, covered: &[u8]) -> u32 {
    let place = crc32c_append(crc32c(&salt.to_le_bytes()), &offset.to_le_bytes());
    crc32c_append(place, covered)
}

/// What the last block tells of the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Footer {
    pub(crate) keys: u64,
    pub(crate) blocks: u64,
    pub(crate) bytes: u64,
    pub(crate) digest: u128,
}

impl Footer {
    pub(crate) fn encode(&self) -> [u8; FOOTER_BYTES] {
        let mut out = [0; FOOTER_BYTES];
        out[..8].copy_from_slice(&self.keys.to_le_bytes());
        out[8..16].copy_from_slice(&self.blocks.to_le_bytes());
        out[16..24].copy_from_slice(&self.bytes.to_le_bytes());
        out[24..].copy_from_slice(&self.digest.to_be_bytes());
        out
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut fields = Fields::new(bytes);
        let footer = Self {
            keys: fields.u64()?,
            blocks: fields.u64()?,
            bytes: fields.u64()?,
            digest: fields.array().map(u128::from_be_bytes)?,
        };
        if !fields.is_empty() {
            return Err(Malformed("a footer of the wrong length"));
        }
        Ok(footer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_comes_back_and_every_flipped_bit_is_noticed() {
        let header = SnapshotHeader {
            database: *b"0123456789abcdef",
            lsn: Lsn(77),
            salt: 5,
            made: UnixMillis(-3),
        };
        let bytes = header.encode();
        assert_eq!(SnapshotHeader::decode(&bytes), Ok(header));
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(SnapshotHeader::decode(&flipped).is_err());
        }
    }

    #[test]
    fn a_block_is_known_only_in_its_place() {
        let header = BlockHeader {
            payload_bytes: 9,
            payload_checksum: 1,
            kind: BlockKind::Records,
            begins_inside: true,
            ends_inside: false,
        };
        let bytes = header.encode(7, 64);
        assert_eq!(BlockHeader::decode(&bytes, 7, 64), Ok(Some(header)));
        assert_eq!(BlockHeader::decode(&bytes, 8, 64), Ok(None));
        assert_eq!(BlockHeader::decode(&bytes, 7, 65), Ok(None));
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(BlockHeader::decode(&flipped, 7, 64), Ok(None));
        }
    }
}
