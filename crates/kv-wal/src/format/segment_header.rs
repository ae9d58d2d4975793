//! The header of a segment.

use crc32c::{crc32c, crc32c_append};
use kv_core::Lsn;

use super::fields::{Fields, Malformed};
use super::{SEGMENT_HEADER_BYTES, VERSION};
use crate::Encoding;

const MAGIC: &[u8; 8] = b"kvwalseg";
const VERSION_AT: usize = 8;
const CHECKSUM_AT: usize = 12;
const FIELDS_AT: usize = 16;
/// Where the fields end and the zeros begin.
const FIELDS_END: usize = 112;

const _: () = assert!(FIELDS_END <= SEGMENT_HEADER_BYTES);

/// Everything that a segment says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    /// The layout of the segment and of its frames.
    pub(crate) version: u32,
    pub(crate) database: [u8; 16],
    pub(crate) number: u64,
    pub(crate) first_lsn: Lsn,
    pub(crate) salt: u64,
    pub(crate) capacity: u64,
    pub(crate) predecessor: Option<Predecessor>,
    pub(crate) encoding: Encoding,
    /// The most bytes that were ever written and not yet synced; 0 when there is no such limit.
    pub(crate) unsynced_max: u64,
    pub(crate) epoch: u64,
}

/// The segment before, as its successor has seen it: so that a missing or shortened one is noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Predecessor {
    pub(crate) number: u64,
    /// Where its last frame ends; nothing behind it counts.
    pub(crate) end: u64,
    pub(crate) last_lsn: Lsn,
    /// The checksum of its last frame's header, or of its own header when it has no frame.
    pub(crate) last_checksum: u32,
}

/// Why bytes are not the header of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HeaderFlaw {
    #[error("this is not a segment of a log")]
    Magic,
    #[error("the checksum of the segment header is wrong")]
    Checksum,
    #[error("format version {0}")]
    Version(u32),
    #[error("a segment header with a right checksum is malformed: {0}")]
    Malformed(#[from] Malformed),
}

impl SegmentHeader {
    /// The header's bytes, and the checksum among them.
    pub(crate) fn encode(&self) -> (Vec<u8>, u32) {
        let mut out = Vec::with_capacity(SEGMENT_HEADER_BYTES);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&self.version.to_le_bytes());
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&self.database);
        for number in [self.number, self.first_lsn.0, self.salt, self.capacity] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        let (before, checksum) = self.predecessor.map_or(([0; 3], 0), |before| {
            let numbers = [before.number, before.end, before.last_lsn.0];
            (numbers, before.last_checksum)
        });
        for number in before {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&checksum.to_le_bytes());
        out.extend_from_slice(&[encoding_number(self.encoding), 0, 0, 0]);
        out.extend_from_slice(&self.unsynced_max.to_le_bytes());
        out.extend_from_slice(&self.epoch.to_le_bytes());
        debug_assert_eq!(out.len(), FIELDS_END);
        out.resize(SEGMENT_HEADER_BYTES, 0);
        let checksum = checksum_of(&out);
        out[CHECKSUM_AT..FIELDS_AT].copy_from_slice(&checksum.to_le_bytes());
        (out, checksum)
    }

    /// The header in `bytes`, and its checksum.
    pub(crate) fn decode(bytes: &[u8]) -> Result<(Self, u32), HeaderFlaw> {
        if bytes.len() != SEGMENT_HEADER_BYTES || !bytes.starts_with(MAGIC) {
            return Err(HeaderFlaw::Magic);
        }
        let mut fields = Fields::new(bytes);
        fields.bytes(VERSION_AT)?;
        let version = fields.u32()?;
        let checksum = fields.u32()?;
        if checksum != checksum_of(bytes) {
            return Err(HeaderFlaw::Checksum);
        }
        if !(1..=VERSION).contains(&version) {
            return Err(HeaderFlaw::Version(version));
        }
        let header = Self {
            version,
            database: fields.array()?,
            number: fields.u64()?,
            first_lsn: Lsn(fields.u64()?),
            salt: fields.u64()?,
            capacity: fields.u64()?,
            predecessor: take_predecessor(&mut fields)?,
            encoding: take_encoding(&mut fields)?,
            unsynced_max: fields.u64()?,
            epoch: fields.u64()?,
        };
        fields.zeros(SEGMENT_HEADER_BYTES - FIELDS_END)?;
        header.check()?;
        Ok((header, checksum))
    }

    fn check(&self) -> Result<(), Malformed> {
        if self.number == 0 || self.first_lsn == Lsn::ZERO {
            return Err(Malformed("numbers begin at 1"));
        }
        let follows = match self.predecessor {
            None => self.number == 1,
            Some(before) => {
                before.number == self.number - 1
                    && before.last_lsn.0 == self.first_lsn.0 - 1
                    && before.end >= SEGMENT_HEADER_BYTES as u64
            }
        };
        if !follows {
            return Err(Malformed("the predecessor is not the one before"));
        }
        Ok(())
    }
}

fn checksum_of(header: &[u8]) -> u32 {
    let (before, rest) = header.split_at(CHECKSUM_AT);
    crc32c_append(crc32c(before), &rest[FIELDS_AT - CHECKSUM_AT..])
}

fn take_predecessor(fields: &mut Fields<'_>) -> Result<Option<Predecessor>, Malformed> {
    let before = Predecessor {
        number: fields.u64()?,
        end: fields.u64()?,
        last_lsn: Lsn(fields.u64()?),
        last_checksum: fields.u32()?,
    };
    if before.number > 0 {
        return Ok(Some(before));
    }
    if before.end != 0 || before.last_lsn != Lsn::ZERO || before.last_checksum != 0 {
        return Err(Malformed("a predecessor without a number"));
    }
    Ok(None)
}

const fn encoding_number(encoding: Encoding) -> u8 {
    match encoding {
        Encoding::Binary => 1,
        Encoding::Json => 2,
    }
}

fn take_encoding(fields: &mut Fields<'_>) -> Result<Encoding, Malformed> {
    let number = fields.u8()?;
    fields.zeros(3)?;
    [Encoding::Binary, Encoding::Json]
        .into_iter()
        .find(|&encoding| encoding_number(encoding) == number)
        .ok_or(Malformed("unknown payload encoding"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> SegmentHeader {
        SegmentHeader {
            version: VERSION,
            database: *b"0123456789abcdef",
            number: 4,
            first_lsn: Lsn(101),
            salt: 99,
            capacity: 1 << 20,
            predecessor: Some(Predecessor {
                number: 3,
                end: 5000,
                last_lsn: Lsn(100),
                last_checksum: 77,
            }),
            encoding: Encoding::Json,
            unsynced_max: 0,
            epoch: 1,
        }
    }

    #[test]
    fn a_header_comes_back() {
        for header in [
            header(),
            SegmentHeader {
                number: 1,
                predecessor: None,
                encoding: Encoding::Binary,
                ..header()
            },
        ] {
            let (bytes, checksum) = header.encode();
            assert_eq!(SegmentHeader::decode(&bytes), Ok((header, checksum)));
        }
    }

    #[test]
    fn a_newer_version_is_told_from_damage() {
        let (mut bytes, _) = header().encode();
        bytes[VERSION_AT] = 3;
        assert_eq!(SegmentHeader::decode(&bytes), Err(HeaderFlaw::Checksum));
        let checksum = checksum_of(&bytes);
        bytes[CHECKSUM_AT..FIELDS_AT].copy_from_slice(&checksum.to_le_bytes());
        assert_eq!(SegmentHeader::decode(&bytes), Err(HeaderFlaw::Version(3)));
    }
}
