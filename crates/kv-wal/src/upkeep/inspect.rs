//! What is in a directory and whether it is whole, found without changing anything.

use std::path::{Path, PathBuf};

use kv_core::{Lsn, UnixMillis};

use super::start::{SnapshotFigures, find_beginning};
use super::{UpkeepError, manifest_of};
use crate::dir::LogDir;
use crate::format::SEGMENT_HEADER_BYTES;
use crate::fs::Fs;
use crate::replay::{Seen, Visit, visit};
use crate::segment::StoredSegment;
use crate::{DroppedTail, Encoding, OpenError};

/// What a look at a directory found.
#[derive(Debug)]
#[non_exhaustive]
pub struct Inspection {
    /// Whether a start would go well.
    pub verdict: Verdict,
    /// The snapshots, the newest first. One that is damaged is no damage to the database as long as a start can
    /// begin elsewhere.
    pub snapshots: Vec<SnapshotFigures>,
    /// Every segment up to the first damage that a start needs, in order.
    pub segments: Vec<SegmentFigures>,
    /// The newest LSN before the end or the first damage.
    pub last_lsn: Lsn,
    /// The newest time noted before the end or the first damage.
    pub last_time: Option<UnixMillis>,
}

/// Whether a start would go well.
#[derive(Debug)]
#[non_exhaustive]
pub enum Verdict {
    /// Everything is there.
    Clean {
        /// Whether the log ends with the mark of an orderly shutdown.
        shut_down: bool,
    },
    /// A start would drop this unfinished tail, in which nothing was acknowledged under the policy of its time.
    Torn(DroppedTail),
    /// Data that had been made durable is damaged: always [`OpenError::Damaged`]. A start would be refused.
    Damaged(OpenError),
    /// Another process writes to the directory. All but the end of the last segment was looked at and is
    /// whole.
    InUse {
        /// Which process, when its lock file says so.
        pid: Option<u32>,
    },
}

/// What is in one segment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SegmentFigures {
    /// The file.
    pub file: PathBuf,
    /// Its number, from 1.
    pub number: u64,
    /// How its effects are written.
    pub encoding: Encoding,
    /// Bytes of the file.
    pub file_bytes: u64,
    /// Bytes up to the end of its last whole frame.
    pub used_bytes: u64,
    /// Frames of any kind.
    pub frames: u64,
    /// Effects in them.
    pub effects: u64,
    /// The LSN of its first effect, if it has one.
    pub first_lsn: Lsn,
    /// The newest LSN up to its end.
    pub last_lsn: Lsn,
    /// The newest time noted in it.
    pub last_time: Option<UnixMillis>,
}

/// Looks at the directory `path` as a start would. Works beside a server that has it open.
///
/// # Errors
///
/// [`UpkeepError::NoDatabase`], and [`UpkeepError::Open`] when something cannot be read. That the data is
/// damaged is no error but a [`Verdict`].
pub fn inspect(path: impl AsRef<Path>, fs: &dyn Fs) -> Result<Inspection, UpkeepError> {
    let dir = LogDir::open_to_look(fs, path.as_ref())?;
    let mut figures = Figures::default();
    let mut snapshots = Vec::new();
    let mut base = Lsn::ZERO;
    let outcome = manifest_of(&dir).and_then(|manifest| {
        let beginning = find_beginning(&dir, &manifest)?;
        snapshots = beginning.snapshots;
        let chosen = beginning.chosen?;
        base = chosen.base();
        visit(&dir, &chosen, None, &mut figures).map_err(UpkeepError::Open)
    });
    let verdict = match outcome {
        Err(UpkeepError::Open(damage @ OpenError::Damaged { .. })) => Verdict::Damaged(damage),
        Err(error) => return Err(error),
        Ok(_) if !dir.is_locked() => Verdict::InUse { pid: dir.holder() },
        Ok(found) => found.report.dropped.map_or(
            Verdict::Clean {
                shut_down: found.report.clean,
            },
            Verdict::Torn,
        ),
    };
    let segments = figures.segments;
    Ok(Inspection {
        verdict,
        snapshots,
        last_lsn: segments.last().map_or(base, |last| last.last_lsn),
        last_time: segments.iter().rev().find_map(|segment| segment.last_time),
        segments,
    })
}

#[derive(Default)]
struct Figures {
    segments: Vec<SegmentFigures>,
}

impl Visit for Figures {
    fn segment(&mut self, segment: &StoredSegment) {
        let header = &segment.header;
        self.segments.push(SegmentFigures {
            file: segment.file.path().into(),
            number: header.number,
            encoding: header.encoding,
            file_bytes: segment.bytes,
            used_bytes: SEGMENT_HEADER_BYTES as u64,
            frames: 0,
            effects: 0,
            first_lsn: header.first_lsn,
            last_lsn: Lsn(header.first_lsn.0 - 1),
            last_time: None,
        });
    }

    fn frame(&mut self, seen: &Seen<'_>) -> bool {
        if let Some(segment) = self.segments.last_mut() {
            segment.used_bytes = seen.end;
            segment.frames += 1;
            segment.effects += u64::from(seen.effects);
            segment.last_lsn = seen.last_lsn;
            segment.last_time = seen.time.or(segment.last_time);
        }
        true
    }
}
