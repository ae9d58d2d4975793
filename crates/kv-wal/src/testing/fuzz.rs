//! The fuzzer of replay: damages logs in every way, or by chance, and lets the oracle judge.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::MemFs;
use super::chance::Chance;
use super::damage::{Damage, SECTOR_BYTES};
use super::image::{Ending, Image};
pub use super::oracle::Outcome;
use super::oracle::{judge, judge_twice};
use crate::Encoding;
use crate::fs::Fs;

/// Segments of the logs that are damaged.
const SEGMENTS: u64 = 3;

/// So many random cases damage the same log.
const CASES_PER_IMAGE: u64 = 64;

/// What came of some cases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Cases recovered whole.
    pub whole: u64,
    /// Cases recovered without an unfinished tail.
    pub dropped: u64,
    /// Cases refused.
    pub refused: u64,
    /// The longest that one case took.
    pub slowest: Duration,
}

impl Counts {
    /// All cases.
    #[must_use]
    pub fn cases(&self) -> u64 {
        self.whole + self.dropped + self.refused
    }

    fn count(&mut self, outcome: Outcome, took: Duration) {
        *match outcome {
            Outcome::Whole => &mut self.whole,
            Outcome::Dropped => &mut self.dropped,
            Outcome::Refused => &mut self.refused,
        } += 1;
        self.slowest = self.slowest.max(took);
    }
}

/// A case in which recovery did what it must not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What was damaged.
    pub damage: String,
    /// What went wrong.
    pub what: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.damage, self.what)
    }
}

/// Puts something between recovery and a disk.
type Wrap = dyn Fn(MemFs) -> Arc<dyn Fs>;

/// A run of the fuzzer.
#[derive(Default)]
pub struct Fuzz {
    wrap: Option<Box<Wrap>>,
    counts: Counts,
    /// The log that random cases damage, and which one it is.
    image: Option<((u64, u64), Image)>,
}

impl Fuzz {
    /// A run that has not begun.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A run in which recovery sees each disk through `wrap`.
    #[must_use]
    pub fn through(wrap: impl Fn(MemFs) -> Arc<dyn Fs> + 'static) -> Self {
        Self {
            wrap: Some(Box::new(wrap)),
            ..Self::default()
        }
    }

    /// What came of the cases so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Every length, every flipped bit, and every bad sector of each file of a log of three segments.
    /// `on_case` is called after each.
    ///
    /// # Errors
    ///
    /// The first failure.
    pub fn exhaustive(
        &mut self,
        encoding: Encoding,
        clean: bool,
        on_case: &mut dyn FnMut(&Counts),
    ) -> Result<(), Failure> {
        let ending = if clean { Ending::Clean } else { Ending::Killed };
        let image = Image::new(encoding, ending, SEGMENTS, Chance::new(1, 0));
        self.case(&image, &Damage::default())?;
        for (name, bytes) in image.disk.files() {
            for length in 0..bytes.len() {
                image.disk.change(&name, |file| file.truncate(length));
                let told = format!("{name} cut to {length}");
                let damage = Damage::single(told, &name, length..usize::MAX);
                self.case(&image, &damage)?;
                image.disk.change(&name, |file| file.clone_from(&bytes));
                on_case(&self.counts);
            }
            for bit in 0..bytes.len() * 8 {
                let at = bit / 8;
                let flip = |file: &mut Vec<u8>| file[at] ^= 1 << (bit % 8);
                image.disk.change(&name, flip);
                let told = format!("bit {} at {at} of {name} flipped", bit % 8);
                self.case(&image, &Damage::single(told, &name, at..at + 1))?;
                image.disk.change(&name, flip);
                on_case(&self.counts);
            }
            for from in (0..bytes.len()).step_by(SECTOR_BYTES) {
                let sector = from..(from + SECTOR_BYTES).min(bytes.len());
                for fill in [0x00, 0xff, 0x5a] {
                    image
                        .disk
                        .change(&name, |file| file[sector.clone()].fill(fill));
                    let told = format!("{name} filled with {fill:#x} at {sector:?}");
                    self.case(&image, &Damage::single(told, &name, sector.clone()))?;
                    image.disk.change(&name, |file| file.clone_from(&bytes));
                    on_case(&self.counts);
                }
            }
        }
        Ok(())
    }

    /// Random case number `case` of `seed`: the same in every run.
    ///
    /// # Errors
    ///
    /// The failure.
    pub fn random(&mut self, seed: u64, case: u64) -> Result<Outcome, Failure> {
        let wanted = (seed, case / CASES_PER_IMAGE);
        let image = match self.image.take() {
            Some((which, image)) if which == wanted => image,
            _ => random_image(seed, wanted.1),
        };
        let damage = Damage::by_chance(&image, &mut Chance::new(seed, case));
        let outcome = self.case(&image, &damage);
        damage.undo(&image.disk);
        self.image = Some((wanted, image));
        outcome
    }

    /// Damage that recovery cannot notice and the oracle must.
    ///
    /// # Errors
    ///
    /// The failure that it must be.
    pub fn canary(&mut self) -> Result<Outcome, Failure> {
        let image = Image::new(Encoding::Binary, Ending::Clean, SEGMENTS, Chance::new(1, 0));
        let damage = Damage::canary(&image);
        self.case(&image, &damage)
    }

    fn case(&mut self, image: &Image, damage: &Damage) -> Result<Outcome, Failure> {
        let begun = Instant::now();
        let twice = damage.touched.len() > 1 || damage.forged;
        let fs: Arc<dyn Fs> = match &self.wrap {
            Some(wrap) => wrap(image.disk.clone()),
            None => Arc::new(image.disk.clone()),
        };
        let judged = if twice {
            judge_twice(image, &*fs, damage)
        } else {
            judge(image, &*fs, damage)
        };
        let outcome = judged.map_err(|what| Failure {
            damage: damage.told.join(", "),
            what,
        })?;
        self.counts.count(outcome, begun.elapsed());
        Ok(outcome)
    }
}

fn random_image(seed: u64, number: u64) -> Image {
    let mut chance = Chance::new(!seed, number);
    let encoding = *chance.pick(&[Encoding::Binary, Encoding::Json]);
    let ending = *chance.pick(&[Ending::Clean, Ending::Killed]);
    let segments = 1 + chance.below(4) as u64;
    Image::new(encoding, ending, segments, chance)
}
