//! The log as a reader outside the database sees it: one entry after the other.

use std::path::Path;

use kv_core::{Effect, Lsn, UnixMillis};

use super::{UpkeepError, hold, manifest_of};
use crate::dir::LogDir;
use crate::fs::Fs;
use crate::replay::{Seen, Visit, visit};
use crate::{OpenError, json};

/// Something in the log.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Entry<'e> {
    /// A change of data.
    Effect {
        /// Its place in the order of all changes.
        lsn: Lsn,
        /// The newest time noted before it: it was written then or later.
        since: Option<UnixMillis>,
        /// The change.
        effect: &'e Effect<'e>,
    },
    /// What the clock showed after everything before had been written.
    Time {
        /// The newest LSN before.
        lsn: Lsn,
        /// The time.
        time: UnixMillis,
    },
}

impl Entry<'_> {
    /// Adds the entry as one line of JSON: `lsn`, `time` (where known), and then the fields of the JSON
    /// encoding of the log; a noted time has the `op` `time`.
    pub fn put_json(&self, out: &mut Vec<u8>) {
        let (lsn, time) = match *self {
            Self::Effect { lsn, since, .. } => (lsn, since),
            Self::Time { lsn, time } => (lsn, Some(time)),
        };
        out.extend_from_slice(format!("{{\"lsn\":{lsn},").as_bytes());
        if let Some(UnixMillis(millis)) = time {
            out.extend_from_slice(format!("\"time\":{millis},").as_bytes());
        }
        match *self {
            Self::Effect { effect, .. } => {
                let brace = out.len();
                json::encode(effect, out);
                out.remove(brace);
            }
            Self::Time { .. } => out.extend_from_slice(b"\"op\":\"time\"}\n"),
        }
    }
}

/// The first effect that is still in the log of the directory `path`; what was before is in its snapshots only.
///
/// # Errors
///
/// [`UpkeepError::NoDatabase`], and [`UpkeepError::Open`] when something is damaged or cannot be read.
pub fn first_lsn(path: impl AsRef<Path>, fs: &dyn Fs) -> Result<Lsn, UpkeepError> {
    let dir = LogDir::open_to_look(fs, path.as_ref())?;
    let manifest = manifest_of(&dir)?;
    let mut segments = dir.segments()?.into_iter();
    let first = segments.find(|name| name.number >= manifest.first_segment);
    Ok(first.map_or(manifest.base().advanced_by(1), |first| first.first_lsn))
}

/// Shows everything in the log of the directory `path` to `show`, in order, until that answers false. Works
/// beside a server that has it open: up to what that has written. Changes nothing.
///
/// # Errors
///
/// [`UpkeepError::NoDatabase`]; [`UpkeepError::Open`] with [`OpenError::Damaged`] after everything before the
/// damage was shown, and with others.
pub fn read_log(
    path: impl AsRef<Path>,
    fs: &dyn Fs,
    show: &mut dyn FnMut(&Entry<'_>) -> bool,
) -> Result<(), UpkeepError> {
    let mut dir = LogDir::open_to_look(fs, path.as_ref())?;
    let manifest = hold(&mut dir)?;
    let mut showing = Showing {
        show,
        more: true,
        since: None,
    };
    visit(&dir, &manifest, None, &mut showing)?;
    Ok(())
}

struct Showing<'s> {
    show: &'s mut dyn FnMut(&Entry<'_>) -> bool,
    more: bool,
    since: Option<UnixMillis>,
}

impl Showing<'_> {
    fn show(&mut self, entry: &Entry<'_>) {
        self.more = self.more && (self.show)(entry);
    }
}

impl Visit for Showing<'_> {
    fn effect(&mut self, lsn: Lsn, effect: &Effect<'_>) -> Result<(), OpenError> {
        let since = self.since;
        self.show(&Entry::Effect { lsn, since, effect });
        Ok(())
    }

    fn frame(&mut self, seen: &Seen<'_>) -> bool {
        if let Some(time) = seen.time {
            self.since = Some(time);
            let lsn = seen.last_lsn;
            self.show(&Entry::Time { lsn, time });
        }
        self.more
    }
}
