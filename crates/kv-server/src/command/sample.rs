//! Choices by chance among things that have numbers: what the `RAND` commands read and draw.

use std::collections::HashSet;

use foldhash::quality::RandomState;
use kv_core::Random;

use super::args::Args;
use super::error::CommandError;

/// More than this is not drawn at once when things may come up again: nothing else bounds the reply then.
const REPEATED_MAX: usize = 1 << 31;

/// How many things are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sample {
    /// So many, each of them once, or all if there are fewer.
    Distinct(usize),
    /// Exactly so many, of which some may be the same.
    Repeated(usize),
}

impl Sample {
    /// Takes the count that clients send: negative where things may come up again.
    ///
    /// # Errors
    ///
    /// The next word is no such count.
    pub(crate) fn eat(args: &mut Args<'_>) -> Result<Self, CommandError> {
        args.signed().map(Self::of)
    }

    /// What is meant by `count`.
    pub(crate) fn of(count: i64) -> Self {
        let size = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
        if count < 0 {
            Self::Repeated(size)
        } else {
            Self::Distinct(size)
        }
    }

    /// Draws some of the numbers below `end`, which is not 0.
    ///
    /// # Errors
    ///
    /// These are more than a reply may hold.
    pub(crate) fn draw(self, end: usize, random: &mut Random) -> Result<Drawn<'_>, CommandError> {
        match self {
            Self::Distinct(count) if count >= end => Ok(Drawn::All(0..end)),
            Self::Distinct(count) => Ok(Drawn::Some(distinct(end, count, random).into_iter())),
            Self::Repeated(count) if count > REPEATED_MAX => Err(CommandError::OUT_OF_RANGE),
            Self::Repeated(count) => Ok(Drawn::Repeated { end, count, random }),
        }
    }
}

/// Numbers that were drawn.
pub(crate) enum Drawn<'r> {
    All(std::ops::Range<usize>),
    Some(std::vec::IntoIter<usize>),
    Repeated {
        end: usize,
        count: usize,
        random: &'r mut Random,
    },
}

impl Iterator for Drawn<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        match self {
            Self::All(all) => all.next(),
            Self::Some(drawn) => drawn.next(),
            Self::Repeated { end, count, random } => {
                *count = count.checked_sub(1)?;
                Some(random.below(*end))
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = match self {
            Self::All(all) => all.len(),
            Self::Some(drawn) => drawn.len(),
            Self::Repeated { count, .. } => *count,
        };
        (left, Some(left))
    }
}

impl ExactSizeIterator for Drawn<'_> {}

/// `count` different numbers below `end`, all choices equally likely. `count` is at most `end`.
fn distinct(end: usize, count: usize, random: &mut Random) -> Vec<usize> {
    // Floyd's way: a number that came up before is replaced by the highest one so far, which cannot have.
    let mut seen: HashSet<usize, RandomState> = HashSet::default();
    let highest = end - count..end;
    highest
        .map(|highest| {
            let number = random.below(highest + 1);
            let number = if seen.insert(number) { number } else { highest };
            seen.insert(number);
            number
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(sample: Sample, end: usize) -> Vec<usize> {
        let mut random = Random::new(7);
        sample.draw(end, &mut random).unwrap().collect()
    }

    #[test]
    fn distinct_numbers_are_different_and_all_come_up() {
        let mut counts = [0; 5];
        let mut random = Random::new(3);
        for _ in 0..500 {
            let mut drawn: Vec<_> = Sample::Distinct(3).draw(5, &mut random).unwrap().collect();
            drawn.iter().for_each(|number| counts[*number] += 1);
            drawn.sort_unstable();
            drawn.dedup();
            assert_eq!(drawn.len(), 3);
        }
        assert!(
            counts.iter().all(|count| (200..400).contains(count)),
            "{counts:?}"
        );
    }

    #[test]
    fn no_more_than_there_are_unless_they_may_come_again() {
        assert_eq!(drawn(Sample::Distinct(usize::MAX), 3), [0, 1, 2]);
        assert!(drawn(Sample::Distinct(0), 3).is_empty());
        let repeated = drawn(Sample::Repeated(10), 3);
        assert!(repeated.len() == 10 && repeated.iter().all(|number| *number < 3));
        let mut random = Random::new(1);
        assert!(Sample::Repeated(usize::MAX).draw(3, &mut random).is_err());
    }
}
