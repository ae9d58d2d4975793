//! `kv-server wal repair DIR --truncate` and `--repair=truncate`: cuts a damaged log off, and says what is lost.

use std::fmt::Write as _;
use std::path::Path;

use kv_core::Lsn;
use kv_wal::fs::RealFs;
use kv_wal::{Repaired, repair_by_truncating};

use super::{failure, file_stamp};
use crate::exit::Failure;

/// Repairs `dir` if it is damaged and tells on standard error what was done.
///
/// # Errors
///
/// It cannot be repaired, is in use, or cannot be read or written.
pub(crate) fn repair(dir: &Path) -> Result<(), Failure> {
    let aside = format!("damaged-{}", file_stamp());
    let repaired = repair_by_truncating(dir, &aside, &RealFs).map_err(|error| failure(&error))?;
    match repaired {
        None => eprintln!("{}: nothing is damaged, nothing was changed", dir.display()),
        Some(repaired) => eprint!("{}", told(dir, &repaired)),
    }
    Ok(())
}

fn told(dir: &Path, repaired: &Repaired) -> String {
    let mut text = format!("{}: repaired by truncating\n", dir.display());
    let _ = writeln!(text, "  damage: {}", repaired.damage);
    let _ = match repaired.last_lsn {
        Lsn::ZERO => writeln!(text, "  kept: nothing, no change comes before the damage"),
        lsn => writeln!(text, "  kept: everything up to LSN {lsn}"),
    };
    let first_lost = repaired.last_lsn.advanced_by(1);
    if repaired.last_known_lsn >= first_lost {
        let _ = writeln!(
            text,
            "  lost: LSN {first_lost} to {} or later, {} bytes of log",
            repaired.last_known_lsn, repaired.lost_bytes
        );
    } else {
        let _ = writeln!(
            text,
            "  lost: no change that is known of, {} bytes of log",
            repaired.lost_bytes
        );
    }
    let _ = writeln!(
        text,
        "  the files as they were are in {}: {}",
        repaired.aside.display(),
        repaired.files.join(" ")
    );
    text
}
