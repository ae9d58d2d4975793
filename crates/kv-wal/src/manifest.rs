//! `MANIFEST`: what the directory must contain, as a few lines of text with a checksum. The only commit
//! point for anything that concerns more than one file.
//!
//! ```text
//! kv manifest 2
//! database 0123456789abcdef0123456789abcdef
//! first-segment 1
//! newest-segment 3
//! durable-lsn 4711
//! older-snapshot none
//! newest-snapshot 4000 2
//! crc32c 89abcdef
//! ```
//!
//! A snapshot is named by the newest effect in it, with the segment that holds the effects after it. Without a
//! snapshot, version 1 is written: it has the line `snapshot none` instead of the two.
//!
//! Invariant: replay can begin at each snapshot that is named; while less than two are, it can also begin at
//! `first-segment` with nothing.
//! Invariant: `newest-segment` is named only after the segment is durable, so a segment up to it that is
//! not there was lost. There may be newer ones.
//! Invariant: every effect up to `durable-lsn` was durable when the manifest was written.

use std::fmt::Write;

use crc32c::crc32c;
use kv_core::Lsn;

use crate::OpenError;
use crate::dir::{LogDir, SnapshotName};
use crate::file::{IoFailure, LogFile};

/// The newest version that is read.
const VERSION: u32 = 2;

/// The version without snapshots.
const VERSION_WITHOUT_SNAPSHOTS: u32 = 1;

/// Longest manifest, in bytes; ours are far shorter.
const MANIFEST_BYTES_MAX: usize = 4096;

/// A snapshot, and where the log after it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Start {
    pub(crate) snapshot: SnapshotName,
    /// The segment with the effects after it.
    pub(crate) segment: u64,
}

/// What a directory must contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Manifest {
    /// The identity of the database: also in the header of every segment.
    pub(crate) database: [u8; 16],
    /// The oldest segment that a replay can need.
    pub(crate) first_segment: u64,
    /// The newest segment known to be there; 0 before the first was made.
    pub(crate) newest_segment: u64,
    /// The newest effect known to be durable.
    pub(crate) durable: Lsn,
    /// The snapshot before the newest one.
    pub(crate) older: Option<Start>,
    pub(crate) newest: Option<Start>,
}

impl Manifest {
    /// Where a replay may begin, the best first; `None`: at the first segment with nothing.
    pub(crate) fn starts(&self) -> Vec<Option<Start>> {
        let named = [self.newest, self.older].into_iter().flatten();
        let from_nothing = self.older.is_none().then_some(None);
        named.map(Some).chain(from_nothing).collect()
    }

    /// This manifest for a directory whose other starts are of no use.
    pub(crate) fn starting_at(&self, start: Option<Start>) -> Self {
        Self {
            first_segment: start.map_or(self.first_segment, |start| start.segment),
            older: None,
            newest: start,
            ..*self
        }
    }

    /// This manifest with `newest` as the newest snapshot: what only an older one than the last needed is not
    /// needed any more.
    pub(crate) fn with_snapshot(&self, newest: Start) -> Self {
        Self {
            first_segment: self
                .newest
                .map_or(self.first_segment, |older| older.segment),
            older: self.newest,
            newest: Some(newest),
            ..*self
        }
    }

    /// The snapshots that are named, the older first.
    pub(crate) fn snapshots(&self) -> impl Iterator<Item = SnapshotName> {
        let named = [self.older, self.newest].into_iter().flatten();
        named.map(|start| start.snapshot)
    }

    /// This manifest for a directory whose log ends with `last_lsn`: without the snapshots that are newer.
    /// `None` when nothing is left to begin at.
    pub(crate) fn reaching(&self, last_lsn: Lsn) -> Option<Self> {
        let is_within =
            |start: &Option<Start>| start.is_none_or(|start| start.snapshot.lsn <= last_lsn);
        let start = self.starts().into_iter().find(is_within)?;
        Some(if start == self.newest {
            *self
        } else {
            self.starting_at(start)
        })
    }

    /// Every effect up to this one is in the newest snapshot.
    pub(crate) fn base(&self) -> Lsn {
        self.newest.map_or(Lsn::ZERO, |start| start.snapshot.lsn)
    }

    /// The manifest of `dir`; `None` when there is no database in it.
    pub(crate) fn read(dir: &LogDir) -> Result<Option<Self>, OpenError> {
        let Some(bytes) = dir.read_manifest(MANIFEST_BYTES_MAX)? else {
            // It is made before the first segment.
            if dir.segments()?.is_empty() {
                return Ok(None);
            }
            return Err(OpenError::Damaged {
                file: dir.manifest_path(),
                offset: 0,
                first_lost_lsn: Lsn(1),
                why: "the file is missing".into(),
            });
        };
        match Self::decode(&bytes) {
            Ok(manifest) => Ok(Some(manifest)),
            Err(Flaw::Version(found)) => Err(OpenError::Unsupported {
                file: dir.manifest_path(),
                found,
                supported: VERSION,
            }),
            Err(Flaw::Damaged(why)) => Err(OpenError::Damaged {
                file: dir.manifest_path(),
                offset: 0,
                first_lost_lsn: Lsn(1),
                why: why.into(),
            }),
        }
    }

    /// Makes this the manifest of `dir`, durably.
    pub(crate) fn replace(&self, dir: &LogDir) -> Result<(), IoFailure> {
        dir.publish_manifest(&self.write_tmp(dir)?)
    }

    /// The part of [`Manifest::replace`] that may find no room and be tried again; what follows is
    /// [`LogDir::publish_manifest`].
    pub(crate) fn write_tmp(&self, dir: &LogDir) -> Result<LogFile, IoFailure> {
        dir.write_manifest_tmp(self.encode().as_bytes())
    }

    fn encode(&self) -> String {
        let version = match self.newest {
            None => VERSION_WITHOUT_SNAPSHOTS,
            Some(_) => VERSION,
        };
        let mut text = format!("kv manifest {version}\ndatabase ");
        for byte in self.database {
            let _ = write!(text, "{byte:02x}");
        }
        let _ = write!(
            text,
            "\nfirst-segment {}\nnewest-segment {}\ndurable-lsn {}\n",
            self.first_segment, self.newest_segment, self.durable
        );
        if self.newest.is_none() {
            text.push_str("snapshot none\n");
        } else {
            put_start(&mut text, "older-snapshot", self.older);
            put_start(&mut text, "newest-snapshot", self.newest);
        }
        let _ = writeln!(text, "crc32c {:08x}", crc32c(text.as_bytes()));
        text
    }

    fn decode(bytes: &[u8]) -> Result<Self, Flaw> {
        let text = checked(bytes).ok_or(Flaw::Damaged("the checksum of the manifest is wrong"))?;
        match value_of(text, "kv manifest").and_then(|version| version.parse().ok()) {
            Some(VERSION_WITHOUT_SNAPSHOTS | VERSION) => {}
            Some(version) => return Err(Flaw::Version(version)),
            None => return Err(Flaw::Damaged("this is not a manifest")),
        }
        let manifest = Self::from_lines(text);
        manifest
            .filter(|manifest| manifest.encode().as_bytes() == bytes)
            .ok_or(Flaw::Damaged(
                "a manifest with a right checksum is malformed",
            ))
    }

    fn from_lines(text: &str) -> Option<Self> {
        let number = |name| value_of(text, name)?.parse().ok();
        let digits = value_of(text, "database")?;
        let database = u128::from_str_radix(digits, 16).ok()?.to_be_bytes();
        Some(Self {
            database,
            first_segment: number("first-segment")?,
            newest_segment: number("newest-segment")?,
            durable: Lsn(number("durable-lsn")?),
            older: start_in(text, "older-snapshot"),
            newest: start_in(text, "newest-snapshot"),
        })
    }
}

fn put_start(text: &mut String, name: &str, start: Option<Start>) {
    let _ = match start {
        None => writeln!(text, "{name} none"),
        Some(start) => writeln!(text, "{name} {} {}", start.snapshot.lsn, start.segment),
    };
}

/// The opposite of [`put_start`]; a line of any other form is taken for none, and does not come back the same.
fn start_in(text: &str, name: &str) -> Option<Start> {
    let (lsn, segment) = value_of(text, name)?.split_once(' ')?;
    let lsn = Lsn(lsn.parse().ok()?);
    Some(Start {
        snapshot: SnapshotName { lsn },
        segment: segment.parse().ok()?,
    })
}

enum Flaw {
    Version(u32),
    Damaged(&'static str),
}

/// The text before the last line, if that line is its checksum.
fn checked(bytes: &[u8]) -> Option<&str> {
    let whole = std::str::from_utf8(bytes).ok()?;
    let at = whole.rfind("crc32c ")?;
    let (text, last) = whole.split_at(at);
    (last == format!("crc32c {:08x}\n", crc32c(text.as_bytes()))).then_some(text)
}

fn value_of<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    text.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: Manifest = Manifest {
        database: *b"\x010123456789abcde",
        first_segment: 2,
        newest_segment: 7,
        durable: Lsn(99),
        older: None,
        newest: None,
    };

    const fn start(lsn: u64, segment: u64) -> Start {
        Start {
            snapshot: SnapshotName { lsn: Lsn(lsn) },
            segment,
        }
    }

    #[test]
    fn a_manifest_comes_back() {
        let one = MANIFEST.with_snapshot(start(40, 4));
        let two = one.with_snapshot(start(60, 5));
        for manifest in [MANIFEST, one, two] {
            let text = manifest.encode();
            assert!(Manifest::decode(text.as_bytes()).is_ok_and(|decoded| decoded == manifest));
        }
        assert!(MANIFEST.encode().starts_with("kv manifest 1\n"));
        assert!(two.encode().starts_with("kv manifest 2\n"));
    }

    #[test]
    fn the_log_since_the_older_snapshot_is_needed() {
        assert_eq!(MANIFEST.starts(), [None]);
        let one = MANIFEST.with_snapshot(start(40, 4));
        assert_eq!((one.first_segment, one.base()), (2, Lsn(40)));
        assert_eq!(one.starts(), [Some(start(40, 4)), None]);
        let two = one.with_snapshot(start(60, 5));
        assert_eq!((two.first_segment, two.base()), (4, Lsn(60)));
        assert_eq!(two.starts(), [Some(start(60, 5)), Some(start(40, 4))]);
        let three = two.with_snapshot(start(80, 7));
        assert_eq!(three.first_segment, 5);
        assert_eq!(
            three.starting_at(Some(start(60, 5))).starts(),
            [Some(start(60, 5)), None]
        );
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let one = MANIFEST.with_snapshot(start(40, 4));
        let text = one.with_snapshot(start(60, 5)).encode().into_bytes();
        for bit in 0..text.len() * 8 {
            let mut flipped = text.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(Manifest::decode(&flipped).is_err());
        }
        for length in 0..text.len() {
            assert!(Manifest::decode(&text[..length]).is_err());
        }
    }

    #[test]
    fn a_newer_version_is_told_from_damage() {
        let text = "kv manifest 3\nanything\n";
        let whole = format!("{text}crc32c {:08x}\n", crc32c(text.as_bytes()));
        assert!(matches!(
            Manifest::decode(whole.as_bytes()),
            Err(Flaw::Version(3))
        ));
    }
}
