//! A manifest made anew from the files that it should name.
//!
//! It names what can be seen. That a newer segment or snapshot had been there cannot be known without the
//! manifest that is lost.

use kv_core::Lsn;

use super::UpkeepError;
use crate::dir::{LogDir, SegmentName, SnapshotName};
use crate::manifest::{Manifest, Start};
use crate::segment::StoredSegment;
use crate::snapshot::{database_of, verify};

/// The manifest that goes with the segments and the newest two whole snapshots that are there; `None` when a
/// start could begin nowhere.
pub(super) fn rebuild(dir: &LogDir) -> Result<Option<Manifest>, UpkeepError> {
    let segments = dir.segments()?;
    let snapshots = dir.snapshots()?;
    let Some(database) = database_in(dir, &segments, &snapshots)? else {
        return Ok(None);
    };
    let manifest = Manifest {
        database,
        first_segment: segments.first().map_or(1, |first| first.number),
        newest_segment: segments.last().map_or(0, |newest| newest.number),
        durable: Lsn::ZERO,
        older: None,
        newest: None,
    };
    let mut starts = Vec::new();
    for snapshot in snapshots {
        if verify(dir, snapshot, database).is_ok() {
            let after = snapshot.lsn.advanced_by(1);
            let segment = segments.iter().rfind(|name| name.first_lsn <= after);
            let segment = segment.map_or(manifest.first_segment, |name| name.number);
            starts.push(Start { snapshot, segment });
        }
    }
    let goes_back = segments
        .first()
        .is_some_and(|first| first.first_lsn == Lsn(1));
    Ok(match starts[..] {
        [] => goes_back.then_some(manifest),
        [newest] => Some(manifest.with_snapshot(newest)),
        [.., older, newest] => Some(manifest.starting_at(Some(older)).with_snapshot(newest)),
    })
}

/// The identity of the database, as the first file says in which it can be read.
fn database_in(
    dir: &LogDir,
    segments: &[SegmentName],
    snapshots: &[SnapshotName],
) -> Result<Option<[u8; 16]>, UpkeepError> {
    for name in segments {
        if let Some(header) = StoredSegment::header_of(dir, name)? {
            return Ok(Some(header.database));
        }
    }
    for &name in snapshots {
        if let Some(database) = database_of(dir, name)? {
            return Ok(Some(database));
        }
    }
    Ok(None)
}
