//! A second directory with the same data, as of now (a backup) or as of an earlier moment (point-in-time
//! recovery).
//!
//! Segments that nobody writes to any more are shared by a hard link where the file system can; the last one
//! is copied up to the end of its last whole frame. The manifest is written last: a copy that was interrupted
//! does not open.
//!
//! A server beside it may take files away that its manifest does not need any more: all are opened first, and
//! those that have lost their names are copied.

use std::io;
use std::path::Path;

use kv_core::{Lsn, UnixMillis};

use super::start::find_beginning;
use super::{UpkeepError, hold, manifest_of};
use crate::OpenError;
use crate::dir::{LogDir, SegmentName};
use crate::format::{FrameKind, SEGMENT_HEADER_BYTES};
use crate::fs::Fs;
use crate::manifest::Manifest;
use crate::replay::{Seen, Visit, visit};
use crate::segment::StoredSegment;
use crate::snapshot::verify;

/// The moment that a copy shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Everything that is in the log.
    End,
    /// Every commit that ends at or before this LSN. Commits are never cut in two.
    Lsn(Lsn),
    /// Everything up to the newest time mark that is not later. Marks are written about once a second while
    /// there are writes, so up to the last second before the moment is missing and nothing after it is there.
    Time(UnixMillis),
}

/// What a copy holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Copied {
    /// Its newest LSN.
    pub last_lsn: Lsn,
    /// The newest time noted in it.
    pub last_time: Option<UnixMillis>,
    /// Segments that are shared with the original.
    pub shared: u64,
    /// Segments that were copied.
    pub copied: u64,
}

/// Makes the directory `into`, which must not exist or be empty, a copy of the database in `from` as of
/// `target`, reads it back and checks it. After return it is durable. `from` is not changed, and may be in use
/// by a server: what that has acknowledged before the call is in the copy.
///
/// # Errors
///
/// [`UpkeepError::NotEmpty`]; [`UpkeepError::TargetPastEnd`] and [`UpkeepError::TargetBeforeStart`];
/// [`OpenError::Damaged`] when `from` is damaged before the target. Unless it is the first of these, what has
/// been written of the copy stays and does not open.
pub fn copy(
    from: impl AsRef<Path>,
    into: impl AsRef<Path>,
    target: Target,
    fs: &dyn Fs,
) -> Result<Copied, UpkeepError> {
    let mut from = LogDir::open_to_look(fs, from.as_ref())?;
    let manifest = hold(&mut from)?;
    let (manifest, end) = plan(&from, &manifest, target)?;
    let into = open_empty(fs, into.as_ref())?;
    fill(&from, &manifest, &end, &into)
}

/// What of `from` a copy as of `target` needs, and where its log ends.
fn plan(
    from: &LogDir,
    manifest: &Manifest,
    target: Target,
) -> Result<(Manifest, End), UpkeepError> {
    // What no start needs is not copied: a damaged snapshot, and the log that only that one goes on with.
    let beginning = find_beginning(from, manifest)?;
    let chosen = beginning.chosen?;
    let manifest = if beginning.spared.is_some() {
        chosen
    } else {
        *manifest
    };
    let newest = manifest.starting_at(manifest.newest);
    let (manifest, end) = match find(from, &manifest, target) {
        // What is damaged may lie before the newest snapshot, where no start needs it.
        Err(damage @ UpkeepError::Open(OpenError::Damaged { .. })) if manifest.newest.is_some() => {
            (newest, find(from, &newest, target).map_err(|_| damage)?)
        }
        end => (manifest, end?),
    };
    // A snapshot that is newer than the target would bring back what came after it.
    match manifest.reaching(end.last_lsn) {
        Some(manifest) => Ok((manifest, end)),
        None => Err(before_start(from, &manifest)),
    }
}

/// Makes `into` the copy.
fn fill(
    from: &LogDir,
    manifest: &Manifest,
    end: &End,
    into: &LogDir,
) -> Result<Copied, UpkeepError> {
    let newest_segment = end.newest_segment(manifest);
    let (mut shared, mut copied) = (0, 0);
    for name in from.segments()? {
        if name.number < manifest.first_segment || name.number > newest_segment {
            continue;
        }
        let is_whole = end.place.as_ref().is_none_or(|place| place.is_whole);
        let is_shared = if is_whole || name.number < newest_segment {
            from.share_segment(&name, into)?
        } else {
            let bytes = end.place.as_ref().map_or(0, |place| place.end);
            from.copy_segment(&name, bytes, into)?;
            false
        };
        *(if is_shared { &mut shared } else { &mut copied }) += 1;
    }
    for name in manifest.snapshots() {
        from.share_snapshot(name, into)?;
    }
    into.sync()?;
    let manifest = Manifest {
        newest_segment,
        durable: end.last_lsn,
        ..*manifest
    };
    manifest.replace(into)?;
    check(into, end.last_lsn)?;
    Ok(Copied {
        last_lsn: end.last_lsn,
        last_time: end.last_time,
        shared,
        copied,
    })
}

fn open_empty(fs: &dyn Fs, path: &Path) -> Result<LogDir, UpkeepError> {
    let not_empty = || UpkeepError::NotEmpty { dir: path.into() };
    // Looked at first, so that not even a lock appears among somebody's files.
    match LogDir::open_to_look(fs, path) {
        Ok(there) if there.is_used()? => return Err(not_empty()),
        Ok(_) => {}
        Err(OpenError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error.into()),
    }
    let dir = LogDir::open(fs, path)?;
    if dir.is_used()? {
        return Err(not_empty());
    }
    Ok(dir)
}

/// Reads the copy back from the disk, as a start would.
fn check(copy: &LogDir, last_lsn: Lsn) -> Result<(), UpkeepError> {
    let manifest = manifest_of(copy)?;
    for name in manifest.snapshots() {
        verify(copy, name, manifest.database)?;
    }
    let found = visit(copy, &manifest, None, &mut Anything)?;
    if found.report.last_lsn != last_lsn || found.report.dropped.is_some() {
        return Err(UpkeepError::Open(OpenError::Damaged {
            file: copy.path().into(),
            offset: 0,
            first_lost_lsn: found.report.last_lsn.advanced_by(1),
            why: "the copy is not what was copied".into(),
        }));
    }
    Ok(())
}

struct Anything;

impl Visit for Anything {}

/// Where the copy ends.
struct End {
    /// `None`: there is no frame in it.
    place: Option<Place>,
    last_lsn: Lsn,
    last_time: Option<UnixMillis>,
}

/// A place behind a frame.
#[derive(Clone)]
struct Place {
    segment: SegmentName,
    end: u64,
    /// Whether nothing is ever written behind it.
    is_whole: bool,
    last_lsn: Lsn,
    last_time: Option<UnixMillis>,
}

impl End {
    fn newest_segment(&self, manifest: &Manifest) -> u64 {
        self.place
            .as_ref()
            .map_or(manifest.first_segment - 1, |place| place.segment.number)
    }
}

/// The error that tells the earliest target.
fn before_start(from: &LogDir, manifest: &Manifest) -> UpkeepError {
    let oldest = manifest.starts().pop().flatten();
    let mut earliest = Earliest {
        from: oldest.map_or(Lsn(1), |start| start.snapshot.lsn),
        lsn: None,
        time: None,
    };
    // Damage does not matter here: what comes before it was seen.
    let _ = visit(from, manifest, None, &mut earliest);
    UpkeepError::TargetBeforeStart {
        lsn: earliest.lsn.or(oldest.map(|start| start.snapshot.lsn)),
        time: earliest.time,
    }
}

/// Looks for the first places that can be a target.
struct Earliest {
    /// The oldest snapshot's LSN, or the first of all.
    from: Lsn,
    lsn: Option<Lsn>,
    time: Option<UnixMillis>,
}

impl Visit for Earliest {
    fn segment(&mut self, segment: &StoredSegment) {
        let before = Lsn(segment.header.first_lsn.0 - 1);
        if before >= self.from {
            self.lsn = self.lsn.or(Some(before));
        }
    }

    fn frame(&mut self, seen: &Seen<'_>) -> bool {
        if seen.last_lsn >= self.from {
            self.lsn = self.lsn.or(Some(seen.last_lsn));
            self.time = self.time.or(seen.time);
        }
        self.lsn.is_none() || self.time.is_none()
    }
}

fn find(from: &LogDir, manifest: &Manifest, target: Target) -> Result<End, UpkeepError> {
    let mut search = Search {
        target,
        found: None,
        is_past: target == Target::End,
        last_lsn: Lsn::ZERO,
        last_time: None,
    };
    visit(from, manifest, None, &mut search)?;
    if !search.is_past {
        return Err(UpkeepError::TargetPastEnd {
            last_lsn: search.last_lsn,
            last_time: search.last_time,
        });
    }
    let place = search.found;
    if place.is_none() && target != Target::End {
        return Err(before_start(from, manifest));
    }
    Ok(End {
        // Without any log there is what the snapshot has.
        last_lsn: place
            .as_ref()
            .map_or(manifest.base(), |place| place.last_lsn),
        last_time: place.as_ref().and_then(|place| place.last_time),
        place,
    })
}

/// Looks for the last place that the target includes.
struct Search {
    target: Target,
    found: Option<Place>,
    /// Whether the log is known to reach the target.
    is_past: bool,
    last_lsn: Lsn,
    last_time: Option<UnixMillis>,
}

impl Search {
    fn keep(&mut self, seen: &Seen<'_>) {
        self.found = Some(Place {
            segment: seen.segment.name(),
            end: seen.end,
            is_whole: matches!(seen.kind, FrameKind::Seal | FrameKind::Clean),
            last_lsn: seen.last_lsn,
            last_time: self.last_time,
        });
    }
}

impl Visit for Search {
    fn segment(&mut self, segment: &StoredSegment) {
        let before = Lsn(segment.header.first_lsn.0 - 1);
        let is_within = match self.target {
            Target::End => true,
            Target::Lsn(lsn) => before <= lsn,
            Target::Time(_) => false,
        };
        // A log that goes on from a snapshot may have nothing up to the target but that.
        if self.found.is_none() && before > Lsn::ZERO && is_within {
            self.found = Some(Place {
                segment: segment.name(),
                end: SEGMENT_HEADER_BYTES as u64,
                is_whole: false,
                last_lsn: before,
                last_time: None,
            });
        }
    }

    fn frame(&mut self, seen: &Seen<'_>) -> bool {
        let (is_within, is_past) = match self.target {
            Target::End => (true, false),
            Target::Lsn(lsn) => (seen.last_lsn <= lsn, seen.last_lsn >= lsn),
            Target::Time(time) => seen
                .time
                .map_or((false, false), |mark| (mark <= time, mark > time)),
        };
        self.last_lsn = seen.last_lsn;
        if is_within {
            self.last_time = seen.time.or(self.last_time);
            self.keep(seen);
        }
        self.is_past |= is_past;
        !is_past
    }
}
