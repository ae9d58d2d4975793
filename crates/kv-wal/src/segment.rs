//! One segment's life: a blank file of zeros becomes the live segment, which is written, ended, and later
//! read as a stored one.
//!
//! Invariant: a file gets a segment's name only when its zeros and its header are durable.
//! Invariant: only the process that made a segment writes to it, and never behind its end mark.

use kv_core::{Lsn, UnixMillis};

use crate::OpenError;
use crate::batch::FrameBuffer;
use crate::dir::{LogDir, SegmentName};
use crate::file::{IoFailure, LogFile};
use crate::format::{
    FRAME_HEADER_BYTES, FrameHeader, FrameKind, HeaderFlaw, PayloadChecksums, Place, Predecessor,
    SEGMENT_HEADER_BYTES, SegmentHeader, VERSION, encode_time, frame_bytes,
};

/// Zeros are written in pieces of this many bytes.
static ZEROS: [u8; 1 << 18] = [0; 1 << 18];

/// So much of a blank is written between two syncs, in bytes: few enough that a commit of the log beside it
/// never waits for many.
const SYNC_BYTES: u64 = 1 << 20;

/// Kept free at the end of each segment for the mark that ends it, in bytes.
const END_MARK_BYTES: u64 = FRAME_HEADER_BYTES as u64;

/// The smallest segment that can hold a frame of `frame_bytes`, in bytes.
pub(crate) fn segment_bytes_for(frame_bytes: u64) -> u64 {
    SEGMENT_HEADER_BYTES as u64 + frame_bytes + END_MARK_BYTES
}

/// A file of durable zeros without a name of its own. Overwriting written space makes syncing fast: no
/// metadata of the file system changes with a commit.
pub(crate) struct Blank {
    serial: u64,
    file: LogFile,
    bytes: u64,
}

impl Blank {
    /// Makes one of `bytes`, as long as `go_on` does not object, which is asked before each piece of work and
    /// may rest. `serial` tells it from other blanks; a half-made file is the caller's to remove.
    pub(crate) fn make<E: From<IoFailure>>(
        dir: &LogDir,
        serial: u64,
        bytes: u64,
        mut go_on: impl FnMut() -> Result<(), E>,
    ) -> Result<Self, E> {
        let file = dir.create_segment_tmp(serial)?;
        let mut at = 0;
        while at < bytes {
            go_on()?;
            if at > 0 && at.is_multiple_of(SYNC_BYTES) {
                file.sync_data()?;
                go_on()?;
            }
            let left = usize::try_from(bytes - at).unwrap_or(usize::MAX);
            let piece = &ZEROS[..left.min(ZEROS.len())];
            file.write_at(piece, at)?;
            at += piece.len() as u64;
        }
        file.sync_data()?;
        Ok(Self {
            serial,
            file,
            bytes,
        })
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Removes the file.
    pub(crate) fn discard(self, dir: &LogDir) -> Result<(), IoFailure> {
        dir.remove_segment_tmp(self.serial)
    }
}

/// The segment that is being written.
pub(crate) struct LiveSegment {
    file: LogFile,
    header: SegmentHeader,
    end: u64,
    last_lsn: Lsn,
    last_checksum: u32,
}

impl LiveSegment {
    /// Makes `blank` the segment of `header`, whose capacity is set here. After return the segment is
    /// durable under its name.
    pub(crate) fn publish(
        dir: &LogDir,
        blank: Blank,
        header: SegmentHeader,
    ) -> Result<Self, IoFailure> {
        let header = SegmentHeader {
            capacity: blank.bytes,
            ..header
        };
        let (bytes, last_checksum) = header.encode();
        blank.file.write_at(&bytes, 0)?;
        blank.file.sync_data()?;
        let name = SegmentName {
            number: header.number,
            first_lsn: header.first_lsn,
        };
        Ok(Self {
            file: dir.publish_segment(blank.serial, blank.file, &name)?,
            header,
            end: SEGMENT_HEADER_BYTES as u64,
            last_lsn: Lsn(header.first_lsn.0 - 1),
            last_checksum,
        })
    }

    pub(crate) fn file(&self) -> &LogFile {
        &self.file
    }

    pub(crate) fn number(&self) -> u64 {
        self.header.number
    }

    pub(crate) fn capacity(&self) -> u64 {
        self.header.capacity
    }

    /// Where the next frame begins, in bytes.
    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    pub(crate) fn last_lsn(&self) -> Lsn {
        self.last_lsn
    }

    /// Whether there is no effect in it yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.last_lsn < self.header.first_lsn
    }

    /// The header of the segment that comes after this one, as far as it follows from it.
    pub(crate) fn successor(&self, salt: u64) -> SegmentHeader {
        SegmentHeader {
            number: self.header.number + 1,
            first_lsn: self.last_lsn.advanced_by(1),
            salt,
            predecessor: Some(Predecessor {
                number: self.header.number,
                end: self.end,
                last_lsn: self.last_lsn,
                last_checksum: self.last_checksum,
            }),
            ..self.header
        }
    }

    /// Whether a frame of `frame_bytes` fits, and an end mark after it.
    pub(crate) fn fits(&self, frame_bytes: u64) -> bool {
        self.end + frame_bytes + END_MARK_BYTES <= self.header.capacity
    }

    /// Tells that each frame will be synced when it is written. Before the first one.
    pub(crate) fn sync_at_once(&self) {
        self.file.write_on_past_cache(self.end);
    }

    /// Writes a frame of effects at the end. It must fit.
    pub(crate) fn append(&mut self, frame: &mut FrameBuffer, synced: Lsn) -> Result<(), IoFailure> {
        debug_assert!(self.fits(frame.frame_bytes()));
        let last_lsn = frame.last_lsn();
        let (bytes, checksum) = frame.complete(self.place(), synced);
        self.file.write_at(bytes, self.end)?;
        self.end += bytes.len() as u64;
        self.last_lsn = last_lsn;
        self.last_checksum = checksum;
        Ok(())
    }

    /// Writes a frame without effects at the end.
    pub(crate) fn mark(&mut self, kind: FrameKind, synced: Lsn) -> Result<(), IoFailure> {
        self.mark_with(kind, synced, &[])
    }

    /// Writes a time mark at the end: everything before was written when the clock shows `time`.
    pub(crate) fn mark_time(&mut self, time: UnixMillis, synced: Lsn) -> Result<(), IoFailure> {
        let payload = encode_time(self.header.encoding, time);
        self.mark_with(FrameKind::TimeMark, synced, &payload)
    }

    fn mark_with(&mut self, kind: FrameKind, synced: Lsn, payload: &[u8]) -> Result<(), IoFailure> {
        let header = FrameHeader {
            // Marks are short.
            payload_bytes: u32::try_from(payload.len()).unwrap_or(u32::MAX),
            first_lsn: self.last_lsn.advanced_by(1),
            synced,
            effects: 0,
            kind,
            checksums: PayloadChecksums::of(payload),
        };
        let (header, checksum) = header.encode(self.place());
        let mut bytes = header.to_vec();
        bytes.extend_from_slice(payload);
        bytes.resize(frame_bytes(payload.len()), 0);
        self.file.write_at(&bytes, self.end)?;
        self.end += bytes.len() as u64;
        self.last_checksum = checksum;
        Ok(())
    }

    /// Gives the room behind the end back. Only after the last frame is durable.
    pub(crate) fn cut(&self) -> Result<(), IoFailure> {
        self.file.set_len(self.end)
    }

    fn place(&self) -> Place {
        Place {
            salt: self.header.salt,
            segment: self.header.number,
            offset: self.end,
        }
    }
}

/// A segment of an earlier process, open for reading.
#[derive(Debug)]
pub(crate) struct StoredSegment {
    pub(crate) file: LogFile,
    pub(crate) header: SegmentHeader,
    /// The checksum of its header.
    pub(crate) checksum: u32,
    /// The length of the file.
    pub(crate) bytes: u64,
}

impl StoredSegment {
    /// Opens a segment and checks that it is the one that its name says, of this database.
    ///
    /// A crashed process may have left bytes that can be read and are not durable. They are made durable
    /// first, or they could be trusted now and be lost later, and are then read back from the disk. (Not in
    /// a directory that another process has locked: that one sees to it.)
    pub(crate) fn open(
        dir: &LogDir,
        name: &SegmentName,
        database: [u8; 16],
    ) -> Result<Self, OpenError> {
        let file = dir.open_segment(name)?;
        if dir.is_locked() {
            file.sync_data()?;
            file.drop_cache();
        }
        let mut bytes = vec![0; SEGMENT_HEADER_BYTES];
        let length = file.read_full(&mut bytes, 0)?;
        let damaged = |why: String| OpenError::Damaged {
            file: file.path().into(),
            offset: 0,
            first_lost_lsn: name.first_lsn,
            why,
        };
        if length < SEGMENT_HEADER_BYTES {
            return Err(damaged("the file ends inside the segment header".into()));
        }
        let (header, checksum) = match SegmentHeader::decode(&bytes) {
            Ok(decoded) => decoded,
            Err(HeaderFlaw::Version(found)) => {
                return Err(OpenError::Unsupported {
                    file: file.path().into(),
                    found,
                    supported: VERSION,
                });
            }
            Err(flaw) => return Err(damaged(flaw.to_string())),
        };
        if header.database != database {
            return Err(damaged("the segment belongs to another database".into()));
        }
        if (header.number, header.first_lsn) != (name.number, name.first_lsn) {
            return Err(damaged("the segment has been renamed".into()));
        }
        let bytes = file.len()?;
        Ok(Self {
            file,
            header,
            checksum,
            bytes,
        })
    }

    /// The header of a segment, if it is intact.
    pub(crate) fn header_of(
        dir: &LogDir,
        name: &SegmentName,
    ) -> Result<Option<SegmentHeader>, IoFailure> {
        let mut bytes = vec![0; SEGMENT_HEADER_BYTES];
        let length = dir.open_segment(name)?.read_full(&mut bytes, 0)?;
        bytes.truncate(length);
        Ok(SegmentHeader::decode(&bytes).ok().map(|(header, _)| header))
    }

    /// The name of its file.
    pub(crate) fn name(&self) -> SegmentName {
        SegmentName {
            number: self.header.number,
            first_lsn: self.header.first_lsn,
        }
    }
}
