//! Intervals of scores and of members, as clients write them, and the ranks they stand for.

use std::ops::Range;

use kv_core::ZSet;

use super::score;
use crate::command::error::CommandError;

/// The scores between two, each of which belongs to it or not.
#[derive(Clone, Copy, Debug)]
pub(super) struct ScoreInterval {
    min: ScoreBound,
    max: ScoreBound,
}

#[derive(Clone, Copy, Debug)]
struct ScoreBound {
    score: f64,
    excluded: bool,
}

impl ScoreBound {
    fn parse(word: &[u8]) -> Option<Self> {
        let (excluded, word) = match word.strip_prefix(b"(") {
            Some(word) => (true, word),
            None => (false, word),
        };
        let score = score::parse_bound(word)?;
        Some(Self { score, excluded })
    }
}

impl ScoreInterval {
    /// The interval from `min` to `max`.
    ///
    /// # Errors
    ///
    /// One of them is no number.
    pub(super) fn parse(min: &[u8], max: &[u8]) -> Result<Self, CommandError> {
        match (ScoreBound::parse(min), ScoreBound::parse(max)) {
            (Some(min), Some(max)) => Ok(Self { min, max }),
            _ => Err(CommandError::err("min or max is not a float")),
        }
    }

    /// The ranks of the scores in it.
    pub(super) fn ranks(&self, zset: &ZSet) -> Range<usize> {
        let Self { min, max } = self;
        let start = zset
            .partition_point(|_, score| score < min.score || (min.excluded && score == min.score));
        let end = zset
            .partition_point(|_, score| score < max.score || (!max.excluded && score == max.score));
        start..end.max(start)
    }
}

/// The members between two, for sorted sets all of whose scores are equal.
#[derive(Clone, Copy, Debug)]
pub(super) struct LexInterval<'r> {
    min: LexBound<'r>,
    max: LexBound<'r>,
}

#[derive(Clone, Copy, Debug)]
enum LexBound<'r> {
    /// Before all members.
    Lowest,
    /// Behind all members.
    Highest,
    /// At this member, which belongs to the interval.
    Included(&'r [u8]),
    /// At this member, which does not.
    Excluded(&'r [u8]),
}

impl<'r> LexBound<'r> {
    fn parse(word: &'r [u8]) -> Option<Self> {
        match word {
            b"-" => Some(Self::Lowest),
            b"+" => Some(Self::Highest),
            [b'[', member @ ..] => Some(Self::Included(member)),
            [b'(', member @ ..] => Some(Self::Excluded(member)),
            _ => None,
        }
    }

    /// How many members stand before the bound; `equal` says whether one that is equal does.
    fn rank(self, zset: &ZSet, equal: bool) -> usize {
        match self {
            Self::Lowest => 0,
            Self::Highest => zset.len(),
            Self::Included(bound) | Self::Excluded(bound) => {
                zset.partition_point(|member, _| member < bound || (equal && member == bound))
            }
        }
    }
}

impl<'r> LexInterval<'r> {
    /// The interval from `min` to `max`.
    ///
    /// # Errors
    ///
    /// One of them is no bound.
    pub(super) fn parse(min: &'r [u8], max: &'r [u8]) -> Result<Self, CommandError> {
        match (LexBound::parse(min), LexBound::parse(max)) {
            (Some(min), Some(max)) => Ok(Self { min, max }),
            _ => Err(CommandError::err("min or max not valid string range item")),
        }
    }

    /// The ranks of the members in it.
    pub(super) fn ranks(&self, zset: &ZSet) -> Range<usize> {
        let start = self
            .min
            .rank(zset, matches!(self.min, LexBound::Excluded(_)));
        let end = self
            .max
            .rank(zset, matches!(self.max, LexBound::Included(_)));
        start..end.max(start)
    }
}

/// The ranks from `start` to `stop`, both included, of which negative ones count from the end, among `len`.
pub(super) fn ranks(len: usize, start: i64, stop: i64) -> Range<usize> {
    let place = |index: i64| {
        let distance = usize::try_from(index.unsigned_abs()).unwrap_or(usize::MAX);
        match index {
            0.. => Some(distance),
            _ => len.checked_sub(distance),
        }
    };
    let start = place(start).unwrap_or(0).min(len);
    let end = place(stop).map_or(0, |stop| stop.saturating_add(1).min(len));
    start..end.max(start)
}

#[cfg(test)]
mod tests {
    use super::ranks;

    #[test]
    fn ranks_stay_among_those_that_are() {
        assert_eq!(ranks(5, 0, -1), 0..5);
        assert_eq!(ranks(5, -2, -1), 3..5);
        assert_eq!(ranks(5, -9, 1), 0..2);
        assert!(ranks(5, 3, 2).is_empty());
        assert!(ranks(5, 0, -6).is_empty());
        assert!(ranks(5, i64::MAX, i64::MAX).is_empty());
        assert_eq!(ranks(5, i64::MIN, i64::MAX), 0..5);
        assert!(ranks(0, 0, -1).is_empty());
    }
}
