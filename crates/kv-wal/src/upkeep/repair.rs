//! Cutting a damaged log off where the damage begins: the operator's last resort, never done by itself.
//!
//! Invariant: everything that is taken away lies in a directory of its own before the first change, durably.
//! Invariant: a crash half way leaves a directory that is still refused and can be repaired again.

use std::path::{Path, PathBuf};

use kv_core::Lsn;

use super::start::find_beginning;
use super::{UpkeepError, manifest_of};
use crate::OpenError;
use crate::dir::{LogDir, SegmentName};
use crate::file::failed;
use crate::format::SEGMENT_HEADER_BYTES;
use crate::fs::Fs;
use crate::manifest::{Manifest, Start};
use crate::reader::SegmentReader;
use crate::replay::{Seen, Visit, visit};
use crate::segment::StoredSegment;
use crate::snapshot::verify;

/// Longest manifest that is put aside whole, in bytes.
const MANIFEST_BYTES_ASIDE: usize = 1 << 20;

/// What a repair took away.
#[derive(Debug)]
#[non_exhaustive]
pub struct Repaired {
    /// What was damaged: [`OpenError::Damaged`].
    pub damage: OpenError,
    /// The newest LSN that is left.
    pub last_lsn: Lsn,
    /// The newest LSN that is known to have been there; not above `last_lsn` when nothing is known to be lost.
    pub last_known_lsn: Lsn,
    /// Bytes that were cut off, up to the last one that is not zero.
    pub lost_bytes: u64,
    /// Where the files lie as they were.
    pub aside: PathBuf,
    /// The names of these files.
    pub files: Vec<String>,
}

/// Makes the damaged directory `path` one that opens with everything before the damage. The files that are
/// changed or removed are put into its new subdirectory `aside` first. `None` when nothing is damaged: then
/// nothing was changed.
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
    let (manifest, manifest_damage) = match manifest_of(&dir) {
        Ok(manifest) => (manifest, None),
        Err(UpkeepError::Open(damage @ OpenError::Damaged { .. })) => (guess(&dir)?, Some(damage)),
        Err(UpkeepError::NoDatabase { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let chosen = match find_beginning(&dir, &manifest)?.chosen {
        Ok(chosen) => chosen,
        Err(damage) => return Err(UpkeepError::Unrepairable { damage }),
    };
    let mut good = Good::default();
    let log_damage = match visit(&dir, &chosen, None, &mut good) {
        Ok(_) => None,
        Err(damage @ OpenError::Damaged { .. }) => Some(damage),
        Err(error) => return Err(error.into()),
    };
    let Some(damage) = log_damage.or(manifest_damage) else {
        return Ok(None);
    };
    // New effects must come after those of the snapshot, so the log cannot be cut before its end.
    let Some(end) = good.end.filter(|end| end.last_lsn >= chosen.base()) else {
        return Err(UpkeepError::Unrepairable { damage });
    };
    let lost = Lost::find(&dir, &chosen, &end)?;
    let aside = LogDir::make_aside(fs, &path.join(aside))?;
    let files = put_aside(&dir, &lost, &aside)?;
    let kept = if chosen.newest == manifest.newest {
        manifest
    } else {
        chosen
    };
    cut(&dir, kept, &end, &lost)?;
    visit(&dir, &manifest_of(&dir)?, None, &mut Good::default())?;
    Ok(Some(Repaired {
        damage,
        last_lsn: end.last_lsn,
        last_known_lsn: lost.last_known_lsn,
        lost_bytes: lost.bytes,
        aside: aside.path().into(),
        files,
    }))
}

/// The manifest that would go with the segments and the whole snapshots that are there.
fn guess(dir: &LogDir) -> Result<Manifest, UpkeepError> {
    let segments = dir.segments()?;
    let damaged = |why: &str| OpenError::Damaged {
        file: dir.manifest_path(),
        offset: 0,
        first_lost_lsn: Lsn(1),
        why: why.into(),
    };
    let (Some(first), Some(newest)) = (segments.first(), segments.last()) else {
        return Err(UpkeepError::Unrepairable {
            damage: damaged("it is damaged, and there are no segments"),
        });
    };
    let Some(header) = StoredSegment::header_of(dir, first)? else {
        return Err(UpkeepError::Unrepairable {
            damage: damaged("it is damaged, and so is the first segment"),
        });
    };
    let manifest = Manifest {
        database: header.database,
        first_segment: first.number,
        newest_segment: newest.number,
        durable: Lsn::ZERO,
        older: None,
        newest: None,
    };
    let mut starts = Vec::new();
    for snapshot in dir.snapshots()? {
        let after = snapshot.lsn.advanced_by(1);
        let segment = segments.iter().rfind(|name| name.first_lsn <= after);
        if let Some(segment) = segment.map(|name| name.number)
            && verify(dir, snapshot, manifest.database).is_ok()
        {
            starts.push(Start { snapshot, segment });
        }
    }
    match starts[..] {
        [] if header.predecessor.is_none() => Ok(manifest),
        [] => Err(UpkeepError::Unrepairable {
            damage: damaged(
                "it is damaged, no snapshot is whole, and the segments do not begin at the beginning",
            ),
        }),
        [newest] => Ok(manifest.with_snapshot(newest)),
        [.., older, newest] => Ok(manifest.starting_at(Some(older)).with_snapshot(newest)),
    }
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
        true
    }
}

/// What is cut off.
struct Lost {
    last_known_lsn: Lsn,
    bytes: u64,
    /// The segment that is cut, if there is anything behind the cut.
    cut: Option<SegmentName>,
    /// The segments behind it, which are removed.
    removed: Vec<SegmentName>,
}

impl Lost {
    fn find(dir: &LogDir, manifest: &Manifest, end: &GoodEnd) -> Result<Self, UpkeepError> {
        let mut lost = Self {
            last_known_lsn: manifest.durable.max(end.last_lsn),
            bytes: 0,
            cut: None,
            removed: Vec::new(),
        };
        for name in dir.segments()? {
            if name == end.segment {
                if lost.add_bytes_behind(dir, &name, end.offset)? {
                    lost.cut = Some(name);
                }
            } else if name.number >= end.segment.number {
                lost.add_bytes_behind(dir, &name, 0)?;
                let before = Lsn(name.first_lsn.0.saturating_sub(1));
                lost.last_known_lsn = lost.last_known_lsn.max(before);
                lost.removed.push(name);
            }
        }
        Ok(lost)
    }

    /// Counts what lies behind `offset`; whether the file is longer than that.
    fn add_bytes_behind(
        &mut self,
        dir: &LogDir,
        name: &SegmentName,
        offset: u64,
    ) -> Result<bool, UpkeepError> {
        let file = dir.open_segment(name)?;
        let length = file.len()?;
        match StoredSegment::header_of(dir, name)? {
            Some(header) => {
                let mut reader = SegmentReader::new(file, &header, length);
                reader.go_to(offset.max(SEGMENT_HEADER_BYTES as u64));
                let tail = reader.survey(Lsn(u64::MAX))?;
                self.last_known_lsn = self.last_known_lsn.max(tail.newest);
                self.bytes += tail.bytes;
            }
            // Where its frames are cannot be told.
            None => self.bytes += length,
        }
        Ok(length > offset)
    }
}

fn put_aside(dir: &LogDir, lost: &Lost, aside: &LogDir) -> Result<Vec<String>, UpkeepError> {
    let mut files = Vec::new();
    if let Some(manifest) = dir.read_manifest(MANIFEST_BYTES_ASIDE)? {
        aside.publish_manifest(&aside.write_manifest_tmp(&manifest)?)?;
        files.push("MANIFEST".to_owned());
    }
    for name in lost.cut.iter().chain(&lost.removed) {
        dir.share_segment(name, aside)?;
        files.push(name.file_name());
    }
    aside.sync()?;
    Ok(files)
}

fn cut(dir: &LogDir, manifest: Manifest, end: &GoodEnd, lost: &Lost) -> Result<(), UpkeepError> {
    if let Some(name) = &lost.cut {
        dir.copy_segment(name, end.offset, dir)?;
    }
    let manifest = Manifest {
        newest_segment: end.segment.number,
        durable: end.last_lsn,
        ..manifest
    };
    manifest.replace(dir)?;
    for name in lost.removed.iter().rev() {
        dir.remove_segment(name)?;
    }
    dir.sync()?;
    Ok(())
}
