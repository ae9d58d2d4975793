//! Which of its snapshots a directory begins with, found by reading all of each.

use std::path::PathBuf;

use kv_core::Lsn;

use crate::OpenError;
use crate::dir::LogDir;
use crate::manifest::Manifest;
use crate::snapshot::verify;

/// A snapshot that the manifest names.
#[derive(Debug)]
#[non_exhaustive]
pub struct SnapshotFigures {
    /// The file.
    pub file: PathBuf,
    /// The newest effect in it.
    pub lsn: Lsn,
    /// Why it is of no use, if it is.
    pub damage: Option<String>,
    /// Whether a start begins with it.
    pub is_used: bool,
}

/// Where a start begins.
pub(super) struct Beginning {
    /// All named snapshots, the newest first.
    pub(super) snapshots: Vec<SnapshotFigures>,
    /// The manifest with the start that is taken alone; the newest snapshot's damage when there is none.
    pub(super) chosen: Result<Manifest, OpenError>,
    /// What is damaged of the snapshots that a start can do without.
    pub(super) spared: Option<OpenError>,
}

/// Finds where a start of `dir` begins: at the best place that is whole, as `restore` does.
pub(super) fn find_beginning(dir: &LogDir, manifest: &Manifest) -> Result<Beginning, OpenError> {
    let mut snapshots = Vec::new();
    let (mut chosen, mut damage) = (None, None);
    for start in manifest.starts() {
        let Some(named) = start else {
            if chosen.is_none() && (snapshots.is_empty() || has_whole_log(dir, manifest)?) {
                chosen = Some(manifest.starting_at(None));
            }
            continue;
        };
        let outcome = verify(dir, named.snapshot, manifest.database);
        let mut figures = SnapshotFigures {
            file: dir.snapshot_path(named.snapshot),
            lsn: named.snapshot.lsn,
            damage: outcome.as_ref().err().map(ToString::to_string),
            is_used: false,
        };
        match outcome {
            Ok(_) if chosen.is_none() => {
                figures.is_used = true;
                chosen = Some(manifest.starting_at(start));
            }
            Ok(_) => {}
            Err(error) => damage = damage.or(Some(error)),
        }
        snapshots.push(figures);
    }
    let (chosen, spared) = match (chosen, damage) {
        (Some(chosen), damage) => (Ok(chosen), damage),
        (None, Some(damage)) => (Err(damage), None),
        (None, None) => unreachable!("without a snapshot a start begins with nothing"),
    };
    Ok(Beginning {
        snapshots,
        chosen,
        spared,
    })
}

/// Whether the log that `manifest` needs goes back to the first effect.
fn has_whole_log(dir: &LogDir, manifest: &Manifest) -> Result<bool, OpenError> {
    let mut segments = dir.segments()?.into_iter();
    let first = segments.find(|name| name.number >= manifest.first_segment);
    Ok(first.is_some_and(|first| first.first_lsn == Lsn(1)))
}
