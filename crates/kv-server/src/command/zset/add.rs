//! `ZADD`, `ZINCRBY`: give members scores.
//!
//! Owns the conditions under which a member gets a score; what adds members in other shapes uses it.

use std::collections::HashMap;

use foldhash::quality::RandomState;
use kv_core::Event;
use smallvec::SmallVec;

use super::score;
use crate::command::prelude::*;

pub(super) const ZADD: CommandSpec = CommandSpec {
    name: "ZADD",
    group: Group::SortedSet,
    summary: "Gives members of a sorted set scores and returns how many are new; a missing key counts as an empty \
              sorted set.",
    syntax: "ZADD key [NX | XX] [GT | LT] [CH] [INCR] score member [score member ...]",
    complexity: "O(M*log(N)) in the number of members given and the size of the sorted set",
    since: "0.1.0",
    compat: Compat::Differs(
        "A score in hexadecimal digits is no number, as in Valkey; Redis takes it.",
    ),
    arity: Arity::at_least(4),
    keys: Keys::one(1, Access::UPDATE),
    flags: Flags::FAST.union(Flags::BOUNDED),
    run: Run::Write(zadd),
};

pub(super) const ZINCRBY: CommandSpec = CommandSpec {
    name: "ZINCRBY",
    group: Group::SortedSet,
    summary: "Adds a number to the score of a member and returns the sum; a missing member counts as one with 0.",
    syntax: "ZINCRBY key increment member",
    complexity: "O(log(N)) in the size of the sorted set",
    since: "0.1.0",
    compat: Compat::Differs(
        "A score in hexadecimal digits is no number, as in Valkey; Redis takes it.",
    ),
    arity: Arity::exactly(4),
    keys: Keys::one(1, Access::READ.union(Access::UPDATE)),
    flags: Flags::FAST.union(Flags::BOUNDED),
    run: Run::Write(zincrby),
};

/// Which members get the scores that they are given.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::command) struct Condition {
    /// Only members that are not there.
    pub(in crate::command) only_new: bool,
    /// Only members that are there.
    pub(in crate::command) only_old: bool,
    /// Of those that are there, only those whose score grows.
    pub(in crate::command) only_greater: bool,
    /// Of those that are there, only those whose score shrinks.
    pub(in crate::command) only_less: bool,
}

/// Scores for members of one sorted set.
#[derive(Debug)]
pub(in crate::command) struct Addition<'r> {
    /// Which members get theirs.
    pub(in crate::command) condition: Condition,
    /// Whether they are added to the scores that are there.
    pub(in crate::command) increments: bool,
    /// The members, one after the other.
    pub(in crate::command) members: SmallVec<[(f64, &'r [u8]); 4]>,
}

/// What became of an [`Addition`].
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::command) struct Added {
    /// How many members were new.
    pub(in crate::command) added: usize,
    /// How many got another score than they had.
    pub(in crate::command) changed: usize,
    /// The score that the last member has, if the condition let it have it.
    pub(in crate::command) last: Option<f64>,
}

impl Condition {
    /// The score that a member gets that has `old`; `None` when it keeps what it has.
    fn lets(
        self,
        old: Option<f64>,
        score: f64,
        increments: bool,
    ) -> Result<Option<f64>, NotANumber> {
        let Some(old) = old else {
            return Ok((!self.only_old).then_some(score));
        };
        if self.only_new {
            return Ok(None);
        }
        let new = if increments { old + score } else { score };
        if new.is_nan() {
            return Err(NotANumber);
        }
        let refused = (self.only_greater && new <= old) || (self.only_less && new >= old);
        Ok((!refused).then_some(new))
    }
}

/// The sum of an infinity and its opposite.
struct NotANumber;

impl From<NotANumber> for CommandError {
    fn from(_: NotANumber) -> Self {
        Self::err("resulting score is not a number (NaN)")
    }
}

impl Addition<'_> {
    /// Gives the members of the sorted set at `key` their scores and announces it.
    ///
    /// # Errors
    ///
    /// The key holds something else, or a sum is no number; nothing was changed then.
    pub(in crate::command) fn run(
        &self,
        txn: &mut Txn<'_>,
        key: &[u8],
    ) -> Result<Added, CommandError> {
        let zset = txn.zset(key)?;
        // What the request itself has given before counts for a member that comes again.
        let mut given: HashMap<&[u8], f64, RandomState> = HashMap::default();
        let mut new: SmallVec<[(f64, &[u8]); 4]> = SmallVec::new();
        let mut outcome = Added::default();
        for &(score, member) in &self.members {
            let before = given.get(member).copied();
            let old = before.or_else(|| zset.and_then(|zset| zset.score(member)));
            outcome.last = self.condition.lets(old, score, self.increments)?;
            let Some(score) = outcome.last else {
                continue;
            };
            outcome.added += usize::from(old.is_none());
            outcome.changed += usize::from(old.is_some_and(|old| old != score));
            if old != Some(score) {
                // The zero below zero is answered, but not kept.
                new.push((score + 0.0, member));
                if self.members.len() > 1 {
                    given.insert(member, score);
                }
            }
        }
        if !new.is_empty() {
            txn.zset_add(key, &new)?;
            txn.announce(key, self.event());
        }
        Ok(outcome)
    }

    fn event(&self) -> Event {
        match self.increments {
            true => event::ZINCR,
            false => event::ZADD,
        }
    }
}

fn zadd(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let (addition, counts_changes) = parse(args)?;
    let outcome = addition.run(txn, key)?;
    match (addition.increments, outcome.last) {
        (true, Some(score)) => reply.double(score),
        (true, None) => reply.null(),
        (false, _) if counts_changes => reply.int((outcome.added + outcome.changed) as i64),
        (false, _) => reply.int(outcome.added as i64),
    }
    Ok(())
}

/// Reads all words of `ZADD` behind the key, and whether changes count as new members do.
fn parse(mut args: Args<'_>) -> Result<(Addition<'_>, bool), CommandError> {
    let mut condition = Condition::default();
    let (mut counts_changes, mut increments) = (false, false);
    loop {
        if args.eat(b"NX") {
            condition.only_new = true;
        } else if args.eat(b"XX") {
            condition.only_old = true;
        } else if args.eat(b"GT") {
            condition.only_greater = true;
        } else if args.eat(b"LT") {
            condition.only_less = true;
        } else if args.eat(b"CH") {
            counts_changes = true;
        } else if args.eat(b"INCR") {
            increments = true;
        } else {
            break;
        }
    }
    if args.len() == 0 || !args.len().is_multiple_of(2) {
        return Err(CommandError::SYNTAX);
    }
    check(condition, increments, args.len() / 2)?;
    let mut members = SmallVec::with_capacity(args.len() / 2);
    while args.len() > 0 {
        members.push((score::given(args.bytes()?)?, args.bytes()?));
    }
    let addition = Addition {
        condition,
        increments,
        members,
    };
    Ok((addition, counts_changes))
}

fn check(condition: Condition, increments: bool, members: usize) -> Result<(), CommandError> {
    let Condition {
        only_new,
        only_old,
        only_greater,
        only_less,
    } = condition;
    if only_new && only_old {
        return Err(CommandError::err(
            "XX and NX options at the same time are not compatible",
        ));
    }
    if (only_new && (only_greater || only_less)) || (only_greater && only_less) {
        return Err(CommandError::err(
            "GT, LT, and/or NX options at the same time are not compatible",
        ));
    }
    if increments && members > 1 {
        return Err(CommandError::err(
            "INCR option supports a single increment-element pair",
        ));
    }
    Ok(())
}

fn zincrby(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let (increment, member) = (score::given(args.bytes()?)?, args.bytes()?);
    args.finish()?;
    let addition = Addition {
        condition: Condition::default(),
        increments: true,
        members: SmallVec::from_iter([(increment, member)]),
    };
    let outcome = addition.run(txn, key)?;
    reply.double(outcome.last.unwrap_or(increment));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn a_member_that_comes_again_meets_its_own_score() {
        let shell = Shell::new();
        assert_eq!(shell.run("ZADD z CH 1 a 2 a"), ":2|");
        assert_eq!(shell.run("ZADD z NX CH 1 b 2 b"), ":1|");
        assert_eq!(shell.run("ZSCORE z b"), "$1|1|");
        assert_eq!(shell.run("ZADD z GT CH 5 a 4 a 6 a"), ":2|");
        assert_eq!(shell.run("ZADD z CH 7 a 6 a"), ":2|");
        assert_eq!(shell.run("ZSCORE z a"), "$1|6|");
    }

    #[test]
    fn nothing_is_made_where_nothing_may_be_new() {
        let shell = Shell::new();
        assert_eq!(shell.run("ZADD z XX 1 a"), ":0|");
        assert_eq!(shell.run("ZADD z XX INCR 1 a"), "$-1|");
        assert_eq!(shell.run("EXISTS z"), ":0|");
        assert_eq!(shell.run("ZADD z GT 1 a"), ":1|");
    }

    #[test]
    fn opposite_infinities_have_no_sum() {
        let shell = Shell::new();
        shell.run("ZADD z inf a");
        assert_eq!(
            shell.run("ZINCRBY z -inf a"),
            "-ERR resulting score is not a number (NaN)|"
        );
        assert_eq!(shell.run("ZINCRBY z 1 a"), "$3|inf|");
    }
}
