//! `kv-server backup DIR DEST`: a copy of a data directory, whether or not a server uses it.

use std::path::Path;

use kv_wal::fs::RealFs;
use kv_wal::{Copied, OpenError, Target, UpkeepError, copy};

use super::{failure, print, raise_open_files};
use crate::exit::Failure;

/// Makes `dest` a verified copy of the database in `dir`.
///
/// # Errors
///
/// `dir` is damaged, `dest` is not empty, or something cannot be read or written.
pub(crate) fn backup(dir: &Path, dest: &Path) -> Result<(), Failure> {
    raise_open_files();
    let copied = copy(dir, dest, Target::End, &RealFs).map_err(|error| match error {
        UpkeepError::Open(OpenError::Damaged { .. }) => {
            let mut failure = failure(&error);
            failure
                .message
                .push_str("; what is damaged is not backed up");
            failure
        }
        _ => failure(&error),
    })?;
    let text = format!(
        "{}: a copy of {} up to {}\n  start from it with: kv-server --dir {}\n",
        dest.display(),
        dir.display(),
        contents(&copied),
        dest.display()
    );
    print(text.as_bytes())
}

/// How far a backup goes and what it is made of.
pub(crate) fn contents(copied: &Copied) -> String {
    format!(
        "LSN {}, verified: {} segments shared by hard links, {} copied",
        copied.last_lsn, copied.shared, copied.copied
    )
}
