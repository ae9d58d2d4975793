//! Frames out of one segment, read in big blocks.
//!
//! Invariant: no length is believed before the checksum of the header that holds it was right, and no more
//! memory is taken than the file has bytes.

use kv_core::{Lsn, UnixMillis};

use crate::Encoding;
use crate::file::{IoFailure, LogFile};
use crate::format::{
    FRAME_ALIGN, FRAME_HEADER_BYTES, Flaw, FlippedBit, FrameHeader, FrameKind, Place,
    SEGMENT_HEADER_BYTES, SegmentHeader, decode_time, flipped_in_body, flipped_in_header,
    frame_bytes,
};

/// How much is read at once, in bytes, where a frame does not need more.
const BLOCK_BYTES: usize = 512 * 1024;

/// A frame whose checksums are right.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame<'r> {
    pub(crate) header: FrameHeader,
    pub(crate) checksum: u32,
    pub(crate) payload: &'r [u8],
}

/// What lies behind the place where the frames of a segment stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tail {
    /// Bytes up to the last one that is not zero; 0 when all are.
    pub(crate) bytes: u64,
    /// Where a frame says that something missing had been durable, if one does.
    pub(crate) proof: Option<u64>,
    /// The newest effect that a frame header tells of, whether or not its payload is intact.
    pub(crate) newest: Lsn,
    /// The newest time that an intact frame notes.
    pub(crate) newest_time: Option<UnixMillis>,
}

/// Reads one segment from its first frame on.
pub(crate) struct SegmentReader {
    file: LogFile,
    salt: u64,
    segment: u64,
    encoding: Encoding,
    version: u32,
    /// Nothing at or behind this offset is looked at.
    end: u64,
    at: u64,
    block: Vec<u8>,
    block_at: u64,
}

impl SegmentReader {
    /// Reads `file` up to `end`, which must not be behind its end.
    pub(crate) fn new(file: LogFile, header: &SegmentHeader, end: u64) -> Self {
        Self {
            file,
            salt: header.salt,
            segment: header.number,
            encoding: header.encoding,
            version: header.version,
            end,
            at: SEGMENT_HEADER_BYTES as u64,
            block: Vec::new(),
            block_at: 0,
        }
    }

    /// Goes on at `offset`, which must be a multiple of 8.
    pub(crate) fn go_to(&mut self, offset: u64) {
        self.at = offset;
    }

    /// Where the next frame begins.
    pub(crate) fn offset(&self) -> u64 {
        self.at
    }

    /// The next frame, or why there is none; after a flaw the place stays.
    pub(crate) fn next(&mut self) -> Result<Result<Frame<'_>, Flaw>, IoFailure> {
        let left = usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let loaded = self.load(self.at, FRAME_HEADER_BYTES.min(left))?;
        if !loaded || left < FRAME_HEADER_BYTES {
            let is_blank = self.loaded(self.at).iter().all(|&byte| byte == 0);
            return Ok(Err(if is_blank {
                Flaw::Unwritten
            } else {
                Flaw::CutOff
            }));
        }
        let (header, checksum) = match self.header_at(self.at) {
            Ok(header) => header,
            Err(flaw) => return Ok(Err(flaw)),
        };
        let payload_bytes = header.payload_bytes as usize;
        let whole = frame_bytes(payload_bytes);
        if !self.load(self.at, whole)? {
            return Ok(Err(Flaw::CutOff));
        }
        let body = &self.loaded(self.at)[FRAME_HEADER_BYTES..whole];
        if !header.is_of(body, self.version) {
            return Ok(Err(Flaw::PayloadChecksum));
        }
        let frame_at = self.at;
        self.at += whole as u64;
        let payload = &self.loaded(frame_at)[FRAME_HEADER_BYTES..][..payload_bytes];
        Ok(Ok(Frame {
            header,
            checksum,
            payload,
        }))
    }

    /// Looks through everything from the next frame's place on, which is not a frame, for a frame which
    /// proves that `lost`, the first effect that is missing, had been durable.
    pub(crate) fn survey(&mut self, lost: Lsn) -> Result<Tail, IoFailure> {
        let mut tail = Tail::default();
        let from = self.at;
        let mut at = from;
        while at < self.end {
            let length = BLOCK_BYTES.min(usize::try_from(self.end - at).unwrap_or(BLOCK_BYTES));
            if !self.load(at, length)? {
                break;
            }
            let block = &self.loaded(at)[..length];
            if let Some(last) = block.iter().rposition(|&byte| byte != 0) {
                tail.bytes = at + last as u64 + 1 - from;
            }
            self.survey_block(at, length, lost, &mut tail);
            // A header may lie across two blocks; blocks overlap by one. The last one ends the file.
            let step = if length > FRAME_HEADER_BYTES && at + (length as u64) < self.end {
                (length - FRAME_HEADER_BYTES) / FRAME_ALIGN * FRAME_ALIGN
            } else {
                length
            };
            at += step as u64;
        }
        Ok(tail)
    }

    fn survey_block(&self, block_at: u64, length: usize, lost: Lsn, tail: &mut Tail) {
        let block = &self.loaded(block_at)[..length];
        for within in (0..length).step_by(FRAME_ALIGN) {
            let Some(bytes) = block.get(within..).and_then(<[u8]>::first_chunk) else {
                return;
            };
            let at = block_at + within as u64;
            if FrameHeader::is_thinkable(bytes)
                && let Ok((header, _)) = self.header_at(at)
            {
                tail.newest = tail.newest.max(header.last_lsn());
                if tail.proof.is_none() && header.synced >= lost {
                    tail.proof = Some(at);
                }
                let behind = block.get(within + FRAME_HEADER_BYTES..);
                let time = behind.and_then(|behind| self.time_in(&header, behind));
                tail.newest_time = tail.newest_time.max(time);
            }
        }
    }

    /// The time that a frame with this header notes, if it does; `behind` is what follows the header.
    fn time_in(&self, header: &FrameHeader, behind: &[u8]) -> Option<UnixMillis> {
        let payload = behind.get(..header.payload_bytes as usize)?;
        let is_mark =
            header.kind == FrameKind::TimeMark && header.checksums.fit(payload, self.version);
        is_mark
            .then(|| decode_time(self.encoding, payload).ok())
            .flatten()
    }

    /// The bit alone that keeps the next frame, whose first effect is `due`, from being whole: what no unfinished
    /// write leaves. `None` when more is wrong, or when that bit may never have been written.
    pub(crate) fn flipped_bit(&mut self, due: Lsn) -> Result<Option<FlippedBit>, IoFailure> {
        if !self.load(self.at, FRAME_HEADER_BYTES)? {
            return Ok(None);
        }
        let found = self.loaded(self.at).first_chunk();
        let (header, in_header) = match (self.header_at(self.at), found) {
            (Ok((header, _)), _) => (header, None),
            (Err(Flaw::HeaderChecksum), Some(bytes)) => {
                match flipped_in_header(bytes, self.place(self.at)) {
                    Some((header, flipped)) => (header, Some(flipped)),
                    None => return Ok(None),
                }
            }
            _ => return Ok(None),
        };
        let whole = frame_bytes(header.payload_bytes as usize);
        if header.first_lsn != due || !self.load(self.at, whole)? {
            return Ok(None);
        }
        let frame = &self.loaded(self.at)[..whole];
        let body = &frame[FRAME_HEADER_BYTES..];
        let flipped = match in_header {
            Some(flipped) => header.is_of(body, self.version).then_some(flipped),
            None => flipped_in_body(&header, body, self.version),
        };
        Ok(flipped.filter(|flipped| !flipped.may_be_unwritten(frame, self.at)))
    }

    fn place(&self, at: u64) -> Place {
        Place {
            salt: self.salt,
            segment: self.segment,
            offset: at,
        }
    }

    fn header_at(&self, at: u64) -> Result<(FrameHeader, u32), Flaw> {
        let bytes = self.loaded(at).first_chunk().ok_or(Flaw::CutOff)?;
        FrameHeader::decode(bytes, self.place(at))
    }

    /// Makes sure that `length` bytes at `at` are in the block; false when the file ends before.
    fn load(&mut self, at: u64, length: usize) -> Result<bool, IoFailure> {
        if at >= self.block_at && self.loaded(at).len() >= length {
            return Ok(true);
        }
        let left = self.end.saturating_sub(at);
        if left < length as u64 {
            return Ok(false);
        }
        let wanted = length.max(BLOCK_BYTES.min(usize::try_from(left).unwrap_or(BLOCK_BYTES)));
        self.block.resize(wanted, 0);
        self.block_at = at;
        let read = self.file.read_full(&mut self.block, at)?;
        self.block.truncate(read);
        Ok(read >= length)
    }

    /// What of the block lies at `at` and behind.
    fn loaded(&self, at: u64) -> &[u8] {
        usize::try_from(at.saturating_sub(self.block_at))
            .ok()
            .and_then(|from| self.block.get(from..))
            .unwrap_or_default()
    }
}
