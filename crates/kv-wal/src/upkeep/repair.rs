//! Cutting a damaged log off where the damage begins: the operator's last resort, never done by itself.
//!
//! What is kept is what a start would take if the log ended where it breaks: the newest whole snapshot, and
//! the log up to the break. When the log breaks before the end of that snapshot, the snapshot is kept alone
//! and the next start begins a log behind it.
//!
//! Invariant: everything that is taken away lies in a directory of its own before the first change, durably.
//! Invariant: a crash half way leaves a directory that is still refused and can be repaired again, or one that
//! is repaired.

use std::path::{Path, PathBuf};

use kv_core::{Lsn, UnixMillis};

use super::rebuild::rebuild;
use super::start::find_beginning;
use super::{UpkeepError, manifest_of};
use crate::OpenError;
use crate::dir::{LogDir, SegmentName, SnapshotName};
use crate::file::{IoFailure, failed};
use crate::format::SEGMENT_HEADER_BYTES;
use crate::fs::Fs;
use crate::manifest::{Manifest, Start};
use crate::reader::SegmentReader;
use crate::replay::{Seen, Visit, visit};
use crate::segment::StoredSegment;

/// Longest manifest that is put aside whole, in bytes.
const MANIFEST_BYTES_ASIDE: usize = 1 << 20;

/// What a repair took away.
#[derive(Debug)]
#[non_exhaustive]
pub struct Repaired {
    /// What was damaged: [`OpenError::Damaged`].
    pub damage: OpenError,
    /// The snapshot that a start begins with now.
    pub snapshot: Option<Lsn>,
    /// The newest LSN that is left.
    pub last_lsn: Lsn,
    /// The newest time noted in the log that is left.
    pub last_time: Option<UnixMillis>,
    /// The newest LSN that is known to have been there; not above `last_lsn` when nothing is known to be lost.
    pub last_known_lsn: Lsn,
    /// The newest time noted in the log that is lost.
    pub last_known_time: Option<UnixMillis>,
    /// Bytes of log behind the damage that were taken away, up to the last one that is not zero.
    pub lost_bytes: u64,
    /// Where the files lie as they were.
    pub aside: PathBuf,
    /// The names of these files.
    pub files: Vec<String>,
}

/// Makes the damaged directory `path` one that opens with everything before the damage. The files that are
/// changed or removed are put into its new subdirectory `aside` first. `None` when nothing is damaged that a
/// start looks at: then nothing was changed.
///
/// # Errors
///
/// [`UpkeepError::Unrepairable`] when nothing before the damage is left; [`OpenError::Locked`] and others of
/// reading and writing.
pub fn repair_by_truncating(
    path: impl AsRef<Path>,
    aside: &str,
    fs: &dyn Fs,
) -> Result<Option<Repaired>, UpkeepError> {
    let path = path.as_ref();
    // Not made if it is missing.
    fs.open_dir_as_is(path)
        .map_err(failed("open directory", path))?;
    let dir = LogDir::open(fs, path)?;
    let Some((damage, plan)) = Plan::make(&dir)? else {
        return Ok(None);
    };
    let aside = LogDir::make_aside(fs, &path.join(aside))?;
    let files = plan.put_aside(&dir, &aside)?;
    plan.carry_out(&dir)?;
    visit(&dir, &manifest_of(&dir)?, None, &mut Good::default())?;
    Ok(Some(Repaired {
        damage,
        snapshot: plan.manifest.newest.map(|start| start.snapshot.lsn),
        last_lsn: plan.manifest.durable,
        last_time: plan.last_time,
        last_known_lsn: plan.lost.last_known_lsn,
        last_known_time: plan.lost.last_known_time,
        lost_bytes: plan.lost.bytes,
        aside: aside.path().into(),
        files,
    }))
}

/// What is to be done to a damaged directory.
struct Plan {
    /// The manifest that it will have.
    manifest: Manifest,
    /// The last segment, if it is to be cut, and where.
    cut: Option<(SegmentName, u64)>,
    /// The segments and snapshots that the manifest does not need.
    segments: Vec<SegmentName>,
    snapshots: Vec<SnapshotName>,
    last_time: Option<UnixMillis>,
    lost: Lost,
}

impl Plan {
    /// What is wrong with `dir` and what is to be done about it; `None` when nothing is.
    fn make(dir: &LogDir) -> Result<Option<(OpenError, Self)>, UpkeepError> {
        let Some((manifest, manifest_damage)) = manifest_or_another(dir)? else {
            return Ok(None);
        };
        let beginning = find_beginning(dir, &manifest)?;
        let chosen = match beginning.chosen {
            Ok(chosen) => chosen,
            Err(damage) => return Err(UpkeepError::Unrepairable { damage }),
        };
        let kept = match beginning.spared {
            None => manifest,
            Some(_) => chosen,
        };
        let mut good = Good::default();
        let log_damage = match visit(dir, &chosen, None, &mut good) {
            Ok(_) => None,
            Err(damage @ OpenError::Damaged { .. }) => Some(damage),
            Err(error) => return Err(error.into()),
        };
        let is_broken = log_damage.is_some();
        let Some(damage) = log_damage.or(manifest_damage).or(beginning.spared) else {
            return Ok(None);
        };
        let lost = Lost::find(dir, manifest.durable, &good)?;
        // New effects must come after those of the snapshot, so the log cannot be cut before its end.
        let end = good.end.filter(|end| end.last_lsn >= chosen.base());
        let manifest = match (&end, chosen.newest) {
            (Some(end), _) => Manifest {
                newest_segment: end.segment.number,
                durable: end.last_lsn,
                ..kept
            },
            (None, Some(start)) => alone(dir, &chosen, start)?,
            (None, None) => return Err(UpkeepError::Unrepairable { damage }),
        };
        let mut plan = Self::without_cut(dir, manifest, end.as_ref(), lost)?;
        if let Some(end) = end {
            plan.last_time = good.last_time;
            if is_broken && dir.open_segment(&end.segment)?.len()? > end.offset {
                plan.cut = Some((end.segment, end.offset));
            }
        }
        Ok(Some((damage, plan)))
    }

    /// Removes what comes behind `end`, all without it, and what `manifest` does not need.
    fn without_cut(
        dir: &LogDir,
        manifest: Manifest,
        end: Option<&GoodEnd>,
        lost: Lost,
    ) -> Result<Self, UpkeepError> {
        let mut segments = dir.segments()?;
        segments.retain(|name| {
            name.number < manifest.first_segment || end.is_none_or(|end| *name > end.segment)
        });
        let mut snapshots = dir.snapshots()?;
        snapshots.retain(|name| !manifest.snapshots().any(|named| named == *name));
        Ok(Self {
            manifest,
            cut: None,
            segments,
            snapshots,
            last_time: None,
            lost,
        })
    }

    /// Puts everything that is to be changed or removed into `aside`, durably.
    fn put_aside(&self, dir: &LogDir, aside: &LogDir) -> Result<Vec<String>, UpkeepError> {
        let mut files = Vec::new();
        if let Some(manifest) = dir.read_manifest(MANIFEST_BYTES_ASIDE)? {
            aside.publish_manifest(&aside.write_manifest_tmp(&manifest)?)?;
            files.push("MANIFEST".to_owned());
        }
        for &name in &self.snapshots {
            dir.share_snapshot(name, aside)?;
            files.push(name.file_name());
        }
        let cut = self.cut.iter().map(|(name, _)| name);
        for name in cut.chain(&self.segments) {
            dir.share_segment(name, aside)?;
            files.push(name.file_name());
        }
        aside.sync()?;
        files.sort();
        Ok(files)
    }

    fn carry_out(&self, dir: &LogDir) -> Result<(), IoFailure> {
        if let Some((name, end)) = &self.cut {
            dir.copy_segment(name, *end, dir)?;
        }
        self.manifest.replace(dir)?;
        for name in self.segments.iter().rev() {
            dir.remove_segment(name)?;
        }
        for &name in &self.snapshots {
            dir.remove_snapshot(name)?;
        }
        dir.sync()
    }
}

/// The manifest of `dir`, or one made anew and what is wrong with the old one; `None` when there is no database.
fn manifest_or_another(dir: &LogDir) -> Result<Option<(Manifest, Option<OpenError>)>, UpkeepError> {
    match manifest_of(dir) {
        Ok(manifest) => Ok(Some((manifest, None))),
        Err(UpkeepError::Open(damage @ OpenError::Damaged { .. })) => match rebuild(dir)? {
            Some(manifest) => Ok(Some((manifest, Some(damage)))),
            None => Err(UpkeepError::Unrepairable { damage }),
        },
        // Snapshots without a manifest are a database that lost it, and its log.
        Err(UpkeepError::NoDatabase { .. }) => Ok(rebuild(dir)?.map(|manifest| {
            let damage = OpenError::Damaged {
                file: dir.manifest_path(),
                offset: 0,
                first_lost_lsn: Lsn(1),
                why: "the file is missing".into(),
            };
            (manifest, Some(damage))
        })),
        Err(error) => Err(error),
    }
}

/// The manifest of a directory with the snapshot of `start` and no log at all.
fn alone(dir: &LogDir, chosen: &Manifest, start: Start) -> Result<Manifest, IoFailure> {
    let newest = dir.segments()?.last().map_or(0, |name| name.number);
    // Only the first segment of all has none before it.
    let next = newest.max(chosen.newest_segment).max(1) + 1;
    let behind = Start {
        segment: next,
        ..start
    };
    Ok(Manifest {
        newest_segment: next - 1,
        durable: start.snapshot.lsn,
        ..chosen.starting_at(Some(behind))
    })
}

/// Where the last whole frame ends.
struct GoodEnd {
    segment: SegmentName,
    offset: u64,
    last_lsn: Lsn,
}

#[derive(Default)]
struct Good {
    end: Option<GoodEnd>,
    last_time: Option<UnixMillis>,
}

impl Good {
    fn keep(&mut self, segment: &StoredSegment, offset: u64, last_lsn: Lsn) {
        self.end = Some(GoodEnd {
            segment: segment.name(),
            offset,
            last_lsn,
        });
    }
}

impl Visit for Good {
    fn segment(&mut self, segment: &StoredSegment) {
        let before = Lsn(segment.header.first_lsn.0 - 1);
        self.keep(segment, SEGMENT_HEADER_BYTES as u64, before);
    }

    fn frame(&mut self, seen: &Seen<'_>) -> bool {
        self.keep(seen.segment, seen.end, seen.last_lsn);
        self.last_time = seen.time.or(self.last_time);
        true
    }
}

/// What can be told of the log behind the damage.
struct Lost {
    last_known_lsn: Lsn,
    last_known_time: Option<UnixMillis>,
    bytes: u64,
}

impl Lost {
    fn find(dir: &LogDir, durable: Lsn, good: &Good) -> Result<Self, UpkeepError> {
        let mut lost = Self {
            last_known_lsn: durable,
            last_known_time: None,
            bytes: 0,
        };
        let (last_good, offset) = good
            .end
            .as_ref()
            .map_or((0, 0), |end| (end.segment.number, end.offset));
        for name in dir.segments()? {
            if name.number == last_good {
                lost.look_behind(dir, &name, offset)?;
            } else if name.number > last_good {
                lost.look_behind(dir, &name, 0)?;
                let before = Lsn(name.first_lsn.0.saturating_sub(1));
                lost.last_known_lsn = lost.last_known_lsn.max(before);
            }
        }
        Ok(lost)
    }

    fn look_behind(
        &mut self,
        dir: &LogDir,
        name: &SegmentName,
        offset: u64,
    ) -> Result<(), UpkeepError> {
        let file = dir.open_segment(name)?;
        let length = file.len()?;
        match StoredSegment::header_of(dir, name)? {
            Some(header) => {
                let mut reader = SegmentReader::new(file, &header, length);
                reader.go_to(offset.max(SEGMENT_HEADER_BYTES as u64));
                let tail = reader.survey(Lsn(u64::MAX))?;
                self.last_known_lsn = self.last_known_lsn.max(tail.newest);
                self.last_known_time = self.last_known_time.max(tail.newest_time);
                self.bytes += tail.bytes;
            }
            // Where its frames are cannot be told.
            None => self.bytes += length,
        }
        Ok(())
    }
}
