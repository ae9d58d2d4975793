//! `kv-server wal verify`: whether a directory is whole, with the figures of each segment.

use std::fmt::Write as _;
use std::path::Path;

use kv_wal::fs::RealFs;
use kv_wal::{Inspection, OpenError, SegmentFigures, SnapshotFigures, Verdict, inspect};
use serde_json::{Value, json};

use super::{failure, print};
use crate::exit::{Exit, Failure};
use crate::timestamp;

/// Prints what is in `dir`.
///
/// # Errors
///
/// It is damaged, in use, or cannot be read.
pub(super) fn verify(dir: &Path, as_json: bool) -> Result<(), Failure> {
    let inspection = inspect(dir, &RealFs).map_err(|error| failure(&error))?;
    let text = if as_json {
        format!("{}\n", as_value(dir, &inspection))
    } else {
        as_text(dir, &inspection)
    };
    print(text.as_bytes())?;
    match &inspection.verdict {
        Verdict::Damaged(damage) => Err(Failure {
            exit: Exit::Damaged,
            message: format!("{damage}; {}", what_to_do(dir)),
        }),
        Verdict::InUse { pid } => Err(Failure::new(format!(
            "{}; everything but the end of its last segment was read and is whole; to have all of it \
             verified, stop that server, or make a backup: backups are verified",
            OpenError::Locked {
                dir: dir.into(),
                pid: *pid
            }
        ))),
        _ => Ok(()),
    }
}

/// What to do about damage.
fn what_to_do(dir: &Path) -> String {
    let dir = dir.display();
    format!(
        "nothing was changed: restore {dir} from a backup, or keep what comes before the damage and lose the \
         rest with: kv-server wal repair {dir} --truncate"
    )
}

fn as_text(dir: &Path, inspection: &Inspection) -> String {
    let mut text = format!("{}: {}\n", dir.display(), verdict_text(&inspection.verdict));
    let _ = write!(text, "  last LSN {}", inspection.last_lsn);
    if let Some(time) = inspection.last_time {
        let _ = write!(text, ", last time mark {}", timestamp::format(time));
    }
    text.push('\n');
    for snapshot in &inspection.snapshots {
        let note = match (&snapshot.damage, snapshot.is_used) {
            (Some(damage), _) => format!("of no use, a start passes it over: {damage}"),
            (None, true) => "whole, a start begins with it".to_owned(),
            (None, false) => "whole".to_owned(),
        };
        let (file, lsn) = (snapshot.file.display(), snapshot.lsn);
        let _ = writeln!(text, "  {file}: up to LSN {lsn}, {note}");
    }
    if let Some(damage) = &inspection.older_log_damage {
        let _ = writeln!(
            text,
            "  the log that only the older snapshot needs is of no use, a start does without it: {damage}; the \
             next snapshot (BGSAVE) makes it needless"
        );
    }
    for segment in &inspection.segments {
        let _ = writeln!(
            text,
            "  {}: {} of {} bytes used, {} frames, {} changes, {}, {}",
            segment.file.display(),
            segment.used_bytes,
            segment.file_bytes,
            segment.frames,
            segment.effects,
            lsn_range(segment),
            encoding_word(segment),
        );
    }
    text
}

fn verdict_text(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Clean { shut_down: true } => "clean, shut down in order".to_owned(),
        Verdict::Clean { .. } => {
            "clean, not shut down in order; nothing would be dropped".to_owned()
        }
        Verdict::Torn(tail) => format!(
            "torn: a start drops an unfinished write of {} bytes at offset {} of {}, which nothing shows to \
             have been synced",
            tail.bytes,
            tail.offset,
            tail.file.display()
        ),
        Verdict::InUse { .. } => "in use, so its end was not judged".to_owned(),
        _ => "damaged, a start would be refused".to_owned(),
    }
}

fn lsn_range(segment: &SegmentFigures) -> String {
    if segment.effects == 0 {
        return "no LSN".to_owned();
    }
    format!("LSN {} to {}", segment.first_lsn, segment.last_lsn)
}

fn encoding_word(segment: &SegmentFigures) -> &'static str {
    match segment.encoding {
        kv_wal::Encoding::Binary => "binary",
        kv_wal::Encoding::Json => "json",
    }
}

fn as_value(dir: &Path, inspection: &Inspection) -> Value {
    let segments: Vec<Value> = inspection.segments.iter().map(segment_value).collect();
    let snapshots: Vec<Value> = inspection.snapshots.iter().map(snapshot_value).collect();
    let mut value = json!({
        "dir": dir.display().to_string(),
        "verdict": verdict_word(&inspection.verdict),
        "last_lsn": inspection.last_lsn.0,
        "last_time_ms": inspection.last_time.map(|time| time.0),
        "snapshots": snapshots,
        "older_log_damage": inspection.older_log_damage,
        "segments": segments,
    });
    match &inspection.verdict {
        Verdict::Clean { shut_down } => value["shut_down"] = json!(shut_down),
        Verdict::Torn(tail) => {
            value["dropped"] = json!({
                "file": tail.file.display().to_string(),
                "offset": tail.offset,
                "bytes": tail.bytes,
            });
        }
        Verdict::Damaged(OpenError::Damaged {
            file,
            offset,
            first_lost_lsn,
            why,
        }) => {
            value["damage"] = json!({
                "file": file.display().to_string(),
                "offset": offset,
                "first_lost_lsn": first_lost_lsn.0,
                "why": why,
                "what_to_do": what_to_do(dir),
            });
        }
        Verdict::InUse { pid } => value["pid"] = json!(pid),
        _ => {}
    }
    value
}

fn verdict_word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Clean { .. } => "clean",
        Verdict::Torn(_) => "torn",
        Verdict::InUse { .. } => "in use",
        _ => "damaged",
    }
}

fn snapshot_value(snapshot: &SnapshotFigures) -> Value {
    json!({
        "file": snapshot.file.display().to_string(),
        "lsn": snapshot.lsn.0,
        "damage": snapshot.damage,
        "used": snapshot.is_used,
    })
}

fn segment_value(segment: &SegmentFigures) -> Value {
    json!({
        "file": segment.file.display().to_string(),
        "number": segment.number,
        "encoding": encoding_word(segment),
        "file_bytes": segment.file_bytes,
        "used_bytes": segment.used_bytes,
        "frames": segment.frames,
        "effects": segment.effects,
        "first_lsn": segment.first_lsn.0,
        "last_lsn": segment.last_lsn.0,
        "last_time_ms": segment.last_time.map(|time| time.0),
    })
}
