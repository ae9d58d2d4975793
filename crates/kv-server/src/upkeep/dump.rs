//! `kv-server wal dump`: the log as JSON lines.

use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use clap::Args;
use kv_wal::fs::RealFs;
use kv_wal::{Entry, first_lsn, read_log};

use super::{failure, unless_closed};
use crate::command::glob;
use crate::exit::Failure;
use crate::tell::tell;

/// Which entries are printed.
#[derive(Debug, Args)]
pub(crate) struct DumpOptions {
    /// Begin with this LSN
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    from_lsn: u64,
    /// Only changes of keys that fit the pattern, as in KEYS: * ? [a-z] and \x for x itself
    #[arg(long, value_name = "PATTERN")]
    key: Option<String>,
    /// At most this many lines
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
}

impl DumpOptions {
    fn wants(&self, entry: &Entry<'_>) -> bool {
        match entry {
            Entry::Effect { lsn, effect, .. } => {
                let fits = |pattern: &String| {
                    let key = effect.key().map(|(_, key)| key);
                    key.is_none_or(|key| glob::matches_exactly(pattern.as_bytes(), key))
                };
                lsn.0 >= self.from_lsn && self.key.as_ref().is_none_or(fits)
            }
            Entry::Time { lsn, .. } => lsn.0 >= self.from_lsn && self.key.is_none(),
            _ => false,
        }
    }
}

/// Prints the log of `dir`.
///
/// # Errors
///
/// It is damaged or cannot be read; everything before was printed.
pub(super) fn dump(dir: &Path, options: &DumpOptions) -> Result<(), Failure> {
    let first = first_lsn(dir, &RealFs).map_err(|error| failure(&error))?;
    if first.0 > options.from_lsn.max(1) {
        tell(format_args!(
            "the log begins with LSN {first}: what came before is only in snapshots"
        ));
    }
    let mut out = BufWriter::new(io::stdout().lock());
    let mut left = options.limit.unwrap_or(u64::MAX);
    let mut line = Vec::new();
    let mut written = Ok(());
    let outcome = read_log(dir, &RealFs, &mut |entry| {
        if left > 0 && options.wants(entry) {
            line.clear();
            entry.put_json(&mut line);
            written = out.write_all(&line);
            left -= 1;
        }
        left > 0 && written.is_ok()
    });
    let written = written.and_then(|()| out.flush());
    if !unless_closed(written)? {
        return Ok(());
    }
    outcome.map_err(|error| failure(&error))
}
