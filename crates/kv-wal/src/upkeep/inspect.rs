//! What is in a directory and whether it is whole, found without changing anything.

use std::path::{Path, PathBuf};

use kv_core::{Lsn, UnixMillis};

use super::start::{SnapshotFigures, find_beginning};
use super::{UpkeepError, hold};
use crate::dir::LogDir;
use crate::format::SEGMENT_HEADER_BYTES;
use crate::fs::Fs;
use crate::manifest::Manifest;
use crate::replay::{Found, Seen, Visit, visit};
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
    /// Why the log that only an older snapshot needs is of no use, if it is. No damage to the database
    /// either: the next snapshot makes that log needless.
    pub older_log_damage: Option<String>,
    /// Every segment up to the first damage, in order; without those that only an older snapshot needs when
    /// `older_log_damage` says why.
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
    let mut dir = LogDir::open_to_look(fs, path.as_ref())?;
    let mut figures = Figures::default();
    let mut snapshots = Vec::new();
    let mut base = Lsn::ZERO;
    let mut older_log_damage = None;
    let outcome = hold(&mut dir).and_then(|manifest| {
        let beginning = find_beginning(&dir, &manifest)?;
        snapshots = beginning.snapshots;
        let chosen = beginning.chosen?;
        base = chosen.base();
        let found = look_through(&dir, &manifest, &chosen, &mut figures)?;
        older_log_damage = found.1.map(|damage| damage.to_string());
        Ok(found.0)
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
        older_log_damage,
        last_lsn: segments.last().map_or(base, |last| last.last_lsn),
        last_time: segments.iter().rev().find_map(|segment| segment.last_time),
        segments,
    })
}

/// Reads all of the log, also what only an older snapshot needs; where that is damaged, all that the start
/// `chosen` needs, and the damage.
fn look_through(
    dir: &LogDir,
    manifest: &Manifest,
    chosen: &Manifest,
    figures: &mut Figures,
) -> Result<(Found, Option<OpenError>), OpenError> {
    match visit(dir, manifest, None, figures) {
        Err(damage @ OpenError::Damaged { .. })
            if manifest.first_segment < chosen.first_segment =>
        {
            *figures = Figures::default();
            Ok((visit(dir, chosen, None, figures)?, Some(damage)))
        }
        found => Ok((found?, None)),
    }
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
