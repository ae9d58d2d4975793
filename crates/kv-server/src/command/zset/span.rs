//! What the `RANGE` commands ask for: which members, from which end, how many.

use std::ops::Range;

use kv_core::ZSet;

use super::interval::{self, LexInterval, ScoreInterval};
use super::score::Form;
use crate::command::args::{Args, integer};
use crate::command::error::CommandError;

/// What two bounds are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Basis {
    Rank,
    Score,
    Lex,
}

/// What a command has said by its name alone; its options cannot say it again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said {
    /// What its bounds are.
    pub(super) basis: Option<Basis>,
    /// Whether it begins with the highest member.
    pub(super) reversed: Option<bool>,
    /// Whether it may show scores.
    pub(super) may_score: bool,
}

/// Some members of a sorted set that stand side by side.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span<'r> {
    bounds: Bounds<'r>,
    /// How many to leave out at first; `None`: all.
    skipped: Option<usize>,
    /// How many at most.
    count: usize,
    /// Whether the highest member comes first.
    pub(super) reversed: bool,
    /// What is shown of them.
    pub(super) form: Form,
}

#[derive(Clone, Copy, Debug)]
enum Bounds<'r> {
    Ranks(i64, i64),
    Scores(ScoreInterval),
    Lex(LexInterval<'r>),
}

impl<'r> Span<'r> {
    /// Reads all words that are left, from the first bound on.
    ///
    /// # Errors
    ///
    /// They fit no syntax, or contradict each other.
    pub(super) fn parse(mut args: Args<'r>, said: Said) -> Result<Self, CommandError> {
        let (first, second) = (args.bytes()?, args.bytes()?);
        let (mut basis, mut reversed) = (said.basis, said.reversed);
        let mut form = Form::Members;
        let mut limit = None;
        while args.len() > 0 {
            if said.may_score && args.eat(b"WITHSCORES") {
                form = Form::Scored;
            } else if args.eat(b"LIMIT") {
                if args.len() < 2 {
                    return Err(CommandError::SYNTAX);
                }
                limit = Some((args.int()?, args.int()?));
            } else if reversed.is_none() && args.eat(b"REV") {
                reversed = Some(true);
            } else if basis.is_none() && args.eat(b"BYSCORE") {
                basis = Some(Basis::Score);
            } else if basis.is_none() && args.eat(b"BYLEX") {
                basis = Some(Basis::Lex);
            } else {
                return Err(CommandError::SYNTAX);
            }
        }
        let basis = basis.unwrap_or(Basis::Rank);
        if basis == Basis::Rank {
            // A limit that is none is passed over.
            limit = limit.filter(|(_, count)| *count != -1);
        }
        if basis == Basis::Rank && limit.is_some() {
            return Err(CommandError::err(
                "syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
            ));
        }
        if form == Form::Scored && basis == Basis::Lex {
            return Err(CommandError::err(
                "syntax error, WITHSCORES not supported in combination with BYLEX",
            ));
        }
        let reversed = reversed.unwrap_or(false);
        let (skipped, count) = limit.unwrap_or((0, -1));
        Ok(Self {
            bounds: Bounds::parse(basis, reversed, first, second)?,
            skipped: usize::try_from(skipped).ok(),
            count: usize::try_from(count).unwrap_or(usize::MAX),
            reversed,
            form,
        })
    }

    /// The ranks of its members, from the lowest.
    pub(super) fn ranks(&self, zset: &ZSet) -> Range<usize> {
        let Range { start, end } = match self.bounds {
            Bounds::Ranks(start, stop) if self.reversed => {
                let from_end = interval::ranks(zset.len(), start, stop);
                zset.len() - from_end.end..zset.len() - from_end.start
            }
            Bounds::Ranks(start, stop) => interval::ranks(zset.len(), start, stop),
            Bounds::Scores(interval) => interval.ranks(zset),
            Bounds::Lex(interval) => interval.ranks(zset),
        };
        let skipped = self.skipped.unwrap_or(usize::MAX).min(end - start);
        let count = self.count.min(end - start - skipped);
        if self.reversed {
            let end = end - skipped;
            end - count..end
        } else {
            let start = start + skipped;
            start..start + count
        }
    }
}

impl<'r> Bounds<'r> {
    /// The bounds of a request; of scores and members the one that is reached first stands first.
    fn parse(
        basis: Basis,
        reversed: bool,
        first: &'r [u8],
        second: &'r [u8],
    ) -> Result<Self, CommandError> {
        let (min, max) = match reversed {
            true => (second, first),
            false => (first, second),
        };
        Ok(match basis {
            Basis::Rank => Self::Ranks(integer(first)?, integer(second)?),
            Basis::Score => Self::Scores(ScoreInterval::parse(min, max)?),
            Basis::Lex => Self::Lex(LexInterval::parse(min, max)?),
        })
    }
}
