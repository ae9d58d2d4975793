//! `kv-server wal repair DIR --truncate` and `--repair=truncate`: cuts a damaged log off, and says what is lost.

use std::fmt::Write as _;
use std::path::Path;

use kv_core::Lsn;
use kv_wal::fs::RealFs;
use kv_wal::{Repaired, repair_by_truncating};

use super::{failure, file_stamp};
use crate::exit::Failure;
use crate::tell::tell;
use crate::timestamp;

/// Repairs `dir` if it is damaged and tells on standard error what was done.
///
/// # Errors
///
/// It cannot be repaired, is in use, or cannot be read or written.
pub(crate) fn repair(dir: &Path) -> Result<(), Failure> {
    let aside = format!("damaged-{}", file_stamp());
    let repaired = repair_by_truncating(dir, &aside, &RealFs).map_err(|error| failure(&error))?;
    match repaired {
        None => tell(format_args!(
            "{}: nothing is damaged, nothing was changed",
            dir.display()
        )),
        Some(repaired) => tell(told(dir, &repaired).trim_end()),
    }
    Ok(())
}

fn told(dir: &Path, repaired: &Repaired) -> String {
    let mut text = format!("{}: repaired by truncating\n", dir.display());
    let _ = writeln!(text, "  damage: {}", repaired.damage);
    let _ = match repaired.last_lsn {
        Lsn::ZERO => writeln!(text, "  kept: nothing, no change comes before the damage"),
        lsn => writeln!(
            text,
            "  kept: everything up to LSN {lsn}{}",
            origin(repaired)
        ),
    };
    let (first_lost, last_lost) = (repaired.last_lsn.advanced_by(1), repaired.last_known_lsn);
    let mut lost = if last_lost >= first_lost {
        let changes = last_lost.0 - repaired.last_lsn.0;
        format!("LSN {first_lost} to {last_lost} or later, {changes} changes or more")
    } else {
        "no change that is known of".to_owned()
    };
    if let Some(time) = repaired.last_known_time {
        let _ = write!(lost, ", last time mark {}", timestamp::format(time));
    }
    let bytes = repaired.lost_bytes;
    let _ = writeln!(text, "  lost: {lost}, {bytes} bytes of log");
    let _ = writeln!(
        text,
        "  the files as they were are in {}: {}",
        repaired.aside.display(),
        repaired.files.join(" ")
    );
    text
}

/// What the data that is kept comes from.
fn origin(repaired: &Repaired) -> String {
    let mut origin = String::new();
    if let Some(lsn) = repaired.snapshot {
        let _ = write!(origin, ", from the snapshot up to LSN {lsn}");
        if repaired.last_lsn == lsn {
            origin.push_str(" and no log behind it");
        }
    }
    if let Some(time) = repaired.last_time {
        let _ = write!(origin, ", last time mark {}", timestamp::format(time));
    }
    origin
}
