//! `MANIFEST`: what the directory must contain, as a few lines of text with a checksum. The only commit
//! point for anything that concerns more than one file.
//!
//! ```text
//! kv manifest 1
//! database 0123456789abcdef0123456789abcdef
//! first-segment 1
//! newest-segment 3
//! durable-lsn 4711
//! snapshot none
//! crc32c 89abcdef
//! ```
//!
//! Invariant: `newest-segment` is named only after the segment is durable, so a segment up to it that is
//! not there was lost. There may be newer ones.
//! Invariant: every effect up to `durable-lsn` was durable when the manifest was written.

use std::fmt::Write;

use crc32c::crc32c;
use kv_core::Lsn;

use crate::OpenError;
use crate::dir::LogDir;
use crate::file::{IoFailure, LogFile};

/// The version that is written, and the newest that is read.
const VERSION: u32 = 1;

/// Longest manifest, in bytes; ours are far shorter.
const MANIFEST_BYTES_MAX: usize = 4096;

/// What a directory must contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Manifest {
    /// The identity of the database: also in the header of every segment.
    pub(crate) database: [u8; 16],
    /// The oldest segment that replay needs.
    pub(crate) first_segment: u64,
    /// The newest segment known to be there; 0 before the first was made.
    pub(crate) newest_segment: u64,
    /// The newest effect known to be durable.
    pub(crate) durable: Lsn,
}

impl Manifest {
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
        let mut text = format!("kv manifest {VERSION}\ndatabase ");
        for byte in self.database {
            let _ = write!(text, "{byte:02x}");
        }
        let _ = write!(
            text,
            "\nfirst-segment {}\nnewest-segment {}\ndurable-lsn {}\nsnapshot none\n",
            self.first_segment, self.newest_segment, self.durable
        );
        let _ = writeln!(text, "crc32c {:08x}", crc32c(text.as_bytes()));
        text
    }

    fn decode(bytes: &[u8]) -> Result<Self, Flaw> {
        let text = checked(bytes).ok_or(Flaw::Damaged("the checksum of the manifest is wrong"))?;
        match value_of(text, "kv manifest").and_then(|version| version.parse().ok()) {
            Some(VERSION) => {}
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
        })
    }
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
    };

    #[test]
    fn a_manifest_comes_back() {
        let text = MANIFEST.encode();
        assert!(Manifest::decode(text.as_bytes()).is_ok_and(|manifest| manifest == MANIFEST));
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let text = MANIFEST.encode().into_bytes();
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
        let text = "kv manifest 2\nanything\n";
        let whole = format!("{text}crc32c {:08x}\n", crc32c(text.as_bytes()));
        assert!(matches!(
            Manifest::decode(whole.as_bytes()),
            Err(Flaw::Version(2))
        ));
    }
}
