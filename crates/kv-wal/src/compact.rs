//! When old files may go: what the manifest on disk does not need.
//!
//! Invariant: the manifest that does not need a file is durable before the file is removed.

use std::sync::atomic::Ordering::Relaxed;

use crate::dir::LogDir;
use crate::file::IoFailure;
use crate::log::Log;
use crate::manifest::Manifest;
use crate::poison::Failed;

/// Removes the segments and snapshots of a running store that its manifest, which is on disk, does not need.
/// What cannot be removed stays for the next time.
pub(crate) fn remove_unneeded(log: &Log) -> Result<(), Failed> {
    let removed = remove_from(&log.dir, &log.orders.manifest());
    let removed = removed.unwrap_or_default();
    log.counters.log_bytes.fetch_sub(removed, Relaxed);
    log.must(log.dir.sync())
}

/// Removes the segments and snapshots in `dir` that `manifest` does not need; how many bytes of log they had.
pub(crate) fn remove_from(dir: &LogDir, manifest: &Manifest) -> Result<u64, IoFailure> {
    for name in dir.snapshots()? {
        let named = [manifest.older, manifest.newest].into_iter().flatten();
        if !named.into_iter().any(|start| start.snapshot == name) {
            dir.remove_snapshot(name)?;
        }
    }
    let mut removed = 0;
    for name in dir.segments()? {
        if name.number < manifest.first_segment {
            let bytes = dir.open_segment(&name)?.len()?;
            dir.remove_segment(&name)?;
            removed += bytes;
        }
    }
    Ok(removed)
}

/// Bytes of the segments in `dir` that are kept for an older snapshot, before segment `before`.
pub(crate) fn kept_bytes(dir: &LogDir, manifest: &Manifest, before: u64) -> Result<u64, IoFailure> {
    let mut kept = 0;
    for name in dir.segments()? {
        if (manifest.first_segment..before).contains(&name.number) {
            kept += dir.open_segment(&name)?.len()?;
        }
    }
    Ok(kept)
}
