//! What recovery may do with a damaged log, and whether it did.
//!
//! - It succeeds only with a prefix of what was written, at or after everything that intact parts of the
//!   log prove to be durable.
//! - It does not refuse what a crash can leave behind, and refuses a frame in which one bit was flipped, unless a
//!   crash can leave the same.
//! - Where every frame is as it was, nothing is missing.
//! - It writes nothing, and comes to the same end each time.

use std::path::Path;

use kv_core::{Effect, Lsn};

use super::damage::{Damage, SECTOR_BYTES};
use super::image::{Evidence, Image};
use crate::dir::LogDir;
use crate::format::encode_effect;
use crate::fs::Fs;
use crate::manifest::Manifest;
use crate::replay::replay;
use crate::{Encoding, OpenError, Recovered};

/// How recovery ended well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// With everything, or with all but an unfinished end that leaves no trace.
    Whole,
    /// With an unfinished tail dropped.
    Dropped,
    /// It refused.
    Refused,
}

/// Recovers a damaged image, whose disk is seen as `fs`, and judges what came out.
pub(super) fn judge(image: &Image, fs: &dyn Fs, damage: &Damage) -> Result<Outcome, String> {
    let writes = image.disk.writes();
    let mut seen = Seen::new(&image.effects);
    let outcome = recover(fs, &mut |effect| seen.effect(effect));
    if image.disk.writes() != writes {
        return Err("recovery has written to the disk".into());
    }
    let broken = Broken::of(image, damage);
    let report = match outcome {
        Ok(report) => report,
        Err(OpenError::Damaged { why, .. })
            if broken != Broken::ByOneBit && is_crash(image, damage) =>
        {
            return Err(format!("refused what a crash can do: {why}"));
        }
        Err(OpenError::Damaged { .. } | OpenError::Unsupported { .. }) => {
            return Ok(Outcome::Refused);
        }
        Err(error) => return Err(format!("failed otherwise: {error}")),
    };
    if !damage.forged {
        seen.check(match broken {
            Broken::Nowhere => Lsn(image.effects.len() as u64),
            Broken::ByOneBit => return Err("took a flipped bit for an unfinished write".into()),
            Broken::Otherwise => proven(image, damage),
        })?;
    }
    Ok(match report.dropped {
        Some(_) => Outcome::Dropped,
        None => Outcome::Whole,
    })
}

/// Whether recovery comes to the same end twice.
pub(super) fn judge_twice(image: &Image, fs: &dyn Fs, damage: &Damage) -> Result<Outcome, String> {
    let first = judge(image, fs, damage)?;
    let second = judge(image, fs, damage)?;
    if first != second {
        return Err(format!("{first:?} the first time, {second:?} the second"));
    }
    Ok(first)
}

fn recover(fs: &dyn Fs, apply: &mut dyn FnMut(&Effect<'_>)) -> Result<Recovered, OpenError> {
    let dir = LogDir::open(fs, Path::new("image"))?;
    let Some(manifest) = Manifest::read(&dir)? else {
        return Ok(Recovered::default());
    };
    let found = replay(&dir, &manifest, None, &mut |effect| {
        apply(effect);
        Ok(())
    })?;
    Ok(found.report)
}

/// How the log breaks: what is wrong with the first frame that is not as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Broken {
    Nowhere,
    ByOneBit,
    Otherwise,
}

impl Broken {
    fn of(image: &Image, damage: &Damage) -> Self {
        for frame in &image.frames {
            if damage.spares(&frame.file, &frame.range) {
                continue;
            }
            let was = &image.written[&frame.file][frame.range.clone()];
            match image.disk.part(&frame.file, frame.range.clone()) {
                Some(is) if is == was => {}
                Some(is) if is_one_bit_off(frame, was, &is) => return Self::ByOneBit,
                _ => return Self::Otherwise,
            }
        }
        Self::Nowhere
    }
}

/// Whether a frame `is` what it `was` but for one bit, and no unfinished write leaves the same.
fn is_one_bit_off(frame: &Evidence, was: &[u8], is: &[u8]) -> bool {
    let mut changed = (0..was.len()).filter(|&at| was[at] != is[at]);
    let (Some(at), None) = (changed.next(), changed.next()) else {
        return false;
    };
    let mut cut = was.to_vec();
    cut[at..].fill(0);
    let mut without_sector = was.to_vec();
    let sector = (frame.range.start + at) / SECTOR_BYTES * SECTOR_BYTES;
    let sector = sector.max(frame.range.start)..(sector + SECTOR_BYTES).min(frame.range.end);
    without_sector[sector.start - frame.range.start..sector.end - frame.range.start].fill(0);
    (was[at] ^ is[at]).is_power_of_two() && is != cut && is != without_sector
}

/// The newest LSN that intact parts prove to be durable.
fn proven(image: &Image, damage: &Damage) -> Lsn {
    image
        .evidence
        .iter()
        .filter(|part| damage.spares(&part.file, &part.range))
        .map(|part| part.durable)
        .max()
        .unwrap_or_default()
}

/// Whether a crash can do this: only what was never synced is touched.
fn is_crash(image: &Image, damage: &Damage) -> bool {
    let (last, unsynced_from) = &image.unsynced;
    !damage.forged
        && damage
            .touched
            .iter()
            .all(|(file, part)| file == last && part.start >= *unsynced_from)
}

/// Compares the effects that come with those that were written.
struct Seen<'i> {
    written: &'i [Vec<u8>],
    count: usize,
    wrong_at: Option<usize>,
    encoded: Vec<u8>,
}

impl<'i> Seen<'i> {
    fn new(written: &'i [Vec<u8>]) -> Self {
        Self {
            written,
            count: 0,
            wrong_at: None,
            encoded: Vec::new(),
        }
    }

    fn effect(&mut self, effect: &Effect<'_>) {
        self.encoded.clear();
        encode_effect(Encoding::Binary, effect, &mut self.encoded);
        if self.written.get(self.count) != Some(&self.encoded) {
            self.wrong_at.get_or_insert(self.count);
        }
        self.count += 1;
    }

    fn check(&self, proven: Lsn) -> Result<(), String> {
        if let Some(at) = self.wrong_at {
            return Err(format!("LSN {} is not what was written", at + 1));
        }
        if (self.count as u64) < proven.0 {
            return Err(format!(
                "came back up to LSN {}, but {proven} is proven durable",
                self.count
            ));
        }
        Ok(())
    }
}
