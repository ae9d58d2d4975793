//! The header of a frame.

use crc32c::{crc32c, crc32c_append};
use kv_core::Lsn;

use super::checksums::PayloadChecksums;
use super::fields::{Fields, Malformed};
use super::{FRAME_HEADER_BYTES, PAYLOAD_BYTES_MAX};

/// Where the bytes begin that the header's checksum covers; before them stands the checksum.
const COVERED_FROM: usize = 4;
/// Where the kind stands.
const KIND_AT: usize = 28;
/// Where the checksums of the payload stand.
const CRC_AT: usize = 32;
const DIGEST_AT: usize = 36;

/// What a frame is for. The numbers are those on disk; a number is never given a second meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum FrameKind {
    /// Effects.
    Batch = 1,
    /// No effects: only carries `synced` to disk.
    Noop = 2,
    /// The segment ends here; its successor goes on.
    Seal = 3,
    /// The log was shut down in order; everything before this is durable.
    Clean = 4,
    /// What the clock showed after everything before this had been written; see `time_mark`.
    TimeMark = 5,
}

impl FrameKind {
    fn from_number(number: u8) -> Option<Self> {
        [
            Self::Batch,
            Self::Noop,
            Self::Seal,
            Self::Clean,
            Self::TimeMark,
        ]
        .into_iter()
        .find(|&kind| kind as u8 == number)
    }

    /// Whether a frame of this kind has a payload.
    fn has_payload(self) -> bool {
        matches!(self, Self::Batch | Self::TimeMark)
    }
}

/// Where a frame stands: part of its checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) salt: u64,
    pub(crate) segment: u64,
    pub(crate) offset: u64,
}

impl Place {
    fn checksum(self) -> u32 {
        let mut bytes = [0; 24];
        bytes[..8].copy_from_slice(&self.salt.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.segment.to_le_bytes());
        bytes[16..].copy_from_slice(&self.offset.to_le_bytes());
        crc32c(&bytes)
    }
}

/// Everything about a frame but its place and its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrameHeader {
    pub(crate) payload_bytes: u32,
    pub(crate) first_lsn: Lsn,
    pub(crate) synced: Lsn,
    pub(crate) effects: u32,
    pub(crate) kind: FrameKind,
    /// Of the payload.
    pub(crate) checksums: PayloadChecksums,
}

/// Why the bytes at some place are not a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Flaw {
    /// Nothing was ever written here, as far as can be seen.
    #[error("there is no frame")]
    Unwritten,
    /// The file ends inside the frame.
    #[error("the file ends inside a frame")]
    CutOff,
    /// The header is not what was written at this place.
    #[error("the checksum of a frame header is wrong")]
    HeaderChecksum,
    /// The payload is not what was written.
    #[error("the checksum of a frame is wrong")]
    PayloadChecksum,
    /// The checksums are right and the contents are not: no crash does this.
    #[error("a frame with right checksums is malformed: {0}")]
    Malformed(#[from] Malformed),
}

impl FrameHeader {
    /// The newest effect up to the end of the frame.
    pub(crate) fn last_lsn(&self) -> Lsn {
        // `check` refuses a header with which this would wrap or be below zero.
        Lsn(self.first_lsn.0 + u64::from(self.effects) - 1)
    }

    /// The header's bytes, and the checksum among them.
    pub(crate) fn encode(&self, place: Place) -> ([u8; FRAME_HEADER_BYTES], u32) {
        let mut out = [0; FRAME_HEADER_BYTES];
        out[4..8].copy_from_slice(&self.payload_bytes.to_le_bytes());
        out[8..16].copy_from_slice(&self.first_lsn.0.to_le_bytes());
        out[16..24].copy_from_slice(&self.synced.0.to_le_bytes());
        out[24..28].copy_from_slice(&self.effects.to_le_bytes());
        out[KIND_AT] = self.kind as u8;
        out[CRC_AT..DIGEST_AT].copy_from_slice(&self.checksums.crc.to_le_bytes());
        out[DIGEST_AT..].copy_from_slice(&self.checksums.digest.to_le_bytes());
        let checksum = crc32c_append(place.checksum(), &out[COVERED_FROM..]);
        out[..COVERED_FROM].copy_from_slice(&checksum.to_le_bytes());
        (out, checksum)
    }

    /// The header at `place`, and its checksum.
    pub(crate) fn decode(
        bytes: &[u8; FRAME_HEADER_BYTES],
        place: Place,
    ) -> Result<(Self, u32), Flaw> {
        if bytes.iter().all(|&byte| byte == 0) {
            return Err(Flaw::Unwritten);
        }
        let mut fields = Fields::new(bytes);
        let checksum = fields.u32()?;
        if checksum != crc32c_append(place.checksum(), &bytes[COVERED_FROM..]) {
            return Err(Flaw::HeaderChecksum);
        }
        let payload_bytes = fields.u32()?;
        let first_lsn = Lsn(fields.u64()?);
        let synced = Lsn(fields.u64()?);
        let effects = fields.u32()?;
        let kind =
            FrameKind::from_number(fields.u8()?).ok_or(Malformed("unknown kind of frame"))?;
        fields.zeros(3)?;
        let checksums = PayloadChecksums {
            crc: fields.u32()?,
            digest: fields.u32()?,
        };
        let header = Self {
            payload_bytes,
            first_lsn,
            synced,
            effects,
            kind,
            checksums,
        };
        header.check()?;
        Ok((header, checksum))
    }

    /// How the checksum in `bytes` differs from that of what it covers, at `place`, and where in `bytes` that
    /// begins.
    pub(super) fn checksum_difference(
        bytes: &[u8; FRAME_HEADER_BYTES],
        place: Place,
    ) -> (u32, usize) {
        let (stored, covered) = bytes.split_at(COVERED_FROM);
        let stored = stored
            .iter()
            .rev()
            .fold(0, |number, &byte| (number << 8) | u32::from(byte));
        (
            stored ^ crc32c_append(place.checksum(), covered),
            COVERED_FROM,
        )
    }

    /// Whether `body`, the payload and its padding, is what this header of a segment of `version` says.
    pub(crate) fn is_of(&self, body: &[u8], version: u32) -> bool {
        let Some((payload, padding)) = body.split_at_checked(self.payload_bytes as usize) else {
            return false;
        };
        self.checksums.fit(payload, version) && padding.iter().all(|&byte| byte == 0)
    }

    /// Whether a header can begin with these bytes: a quick look that spares most of a search for headers
    /// its checksums.
    pub(crate) fn is_thinkable(bytes: &[u8; FRAME_HEADER_BYTES]) -> bool {
        FrameKind::from_number(bytes[KIND_AT]).is_some()
            && bytes[KIND_AT + 1..CRC_AT].iter().all(|&byte| byte == 0)
    }

    /// Makes the checksums of `frame`, at `place`, right whatever is in it: for tests that want to get past
    /// them.
    #[cfg(feature = "testing")]
    pub(crate) fn rechecksum(frame: &mut [u8], place: Place) {
        let Some((header, payload)) = frame.split_first_chunk_mut::<FRAME_HEADER_BYTES>() else {
            return;
        };
        let length = Fields::new(&header[COVERED_FROM..]).u32().unwrap_or(0);
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let payload = payload.get(..length).unwrap_or(payload);
        let checksums = PayloadChecksums::of(payload);
        header[CRC_AT..DIGEST_AT].copy_from_slice(&checksums.crc.to_le_bytes());
        header[DIGEST_AT..].copy_from_slice(&checksums.digest.to_le_bytes());
        let checksum = crc32c_append(place.checksum(), &header[COVERED_FROM..]);
        header[..COVERED_FROM].copy_from_slice(&checksum.to_le_bytes());
    }

    fn check(&self) -> Result<(), Malformed> {
        if self.payload_bytes as usize > PAYLOAD_BYTES_MAX {
            return Err(Malformed("payload longer than its limit"));
        }
        if (self.kind == FrameKind::Batch) != (self.effects > 0)
            || self.kind.has_payload() != (self.payload_bytes > 0)
        {
            return Err(Malformed("effects and kind of frame do not agree"));
        }
        if self.first_lsn == Lsn::ZERO || self.synced >= self.first_lsn {
            return Err(Malformed("synced before it was written"));
        }
        if self
            .first_lsn
            .0
            .checked_add(u64::from(self.effects))
            .is_none()
        {
            return Err(Malformed("LSN out of range"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place = Place {
        salt: 7,
        segment: 3,
        offset: 4096,
    };

    const HEADER: FrameHeader = FrameHeader {
        payload_bytes: 100,
        first_lsn: Lsn(50),
        synced: Lsn(49),
        effects: 3,
        kind: FrameKind::Batch,
        checksums: PayloadChecksums {
            crc: 0xDEAD_BEEF,
            digest: 0xCAFE_F00D,
        },
    };

    #[test]
    fn a_header_is_only_itself_at_its_own_place() {
        let (bytes, checksum) = HEADER.encode(PLACE);
        assert_eq!(FrameHeader::decode(&bytes, PLACE), Ok((HEADER, checksum)));
        assert!(FrameHeader::is_thinkable(&bytes));
        for elsewhere in [
            Place { salt: 8, ..PLACE },
            Place {
                segment: 4,
                ..PLACE
            },
            Place {
                offset: 4104,
                ..PLACE
            },
        ] {
            assert_eq!(
                FrameHeader::decode(&bytes, elsewhere),
                Err(Flaw::HeaderChecksum)
            );
        }
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let (bytes, _) = HEADER.encode(PLACE);
        for bit in 0..FRAME_HEADER_BYTES * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(
                FrameHeader::decode(&flipped, PLACE),
                Err(Flaw::HeaderChecksum)
            );
        }
    }

    #[test]
    fn right_checksums_do_not_make_nonsense_right() {
        for header in [
            FrameHeader {
                kind: FrameKind::Noop,
                ..HEADER
            },
            FrameHeader {
                effects: 0,
                ..HEADER
            },
            FrameHeader {
                payload_bytes: 0,
                ..HEADER
            },
            FrameHeader {
                synced: Lsn(50),
                ..HEADER
            },
            FrameHeader {
                payload_bytes: u32::MAX,
                ..HEADER
            },
            FrameHeader {
                first_lsn: Lsn(u64::MAX),
                ..HEADER
            },
        ] {
            let (bytes, _) = header.encode(PLACE);
            assert!(matches!(
                FrameHeader::decode(&bytes, PLACE),
                Err(Flaw::Malformed(_))
            ));
        }
    }
}
