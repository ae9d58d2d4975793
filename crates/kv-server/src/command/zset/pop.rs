//! `ZPOPMIN key [count]`, `ZPOPMAX key [count]`: take the members with the lowest or the highest scores.
//!
//! Owns what a pop answers and does; the commands that pop from one of several keys, or wait for one, use it.

use std::ops::Range;

use kv_core::Event;

use super::remove::remove_ranks;
use super::score::{self, Form};
use crate::command::prelude::*;

pub(super) const ZPOPMIN: CommandSpec = CommandSpec {
    name: "ZPOPMIN",
    group: Group::SortedSet,
    summary: "Removes and returns the members with the lowest scores.",
    syntax: "ZPOPMIN key [count]",
    complexity: "O(M*log(N)) in the number of members returned and the size of the sorted set",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(2),
    keys: Keys::one(1, Access::READ.union(Access::DELETE)),
    flags: Flags::FAST.union(Flags::NEVER_GROWS),
    run: Run::Write(|txn, args, reply| pop(End::Lowest, txn, args, reply)),
};

pub(super) const ZPOPMAX: CommandSpec = CommandSpec {
    name: "ZPOPMAX",
    group: Group::SortedSet,
    summary: "Removes and returns the members with the highest scores, the highest first.",
    syntax: "ZPOPMAX key [count]",
    complexity: "O(M*log(N)) in the number of members returned and the size of the sorted set",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(2),
    keys: Keys::one(1, Access::READ.union(Access::DELETE)),
    flags: Flags::FAST.union(Flags::NEVER_GROWS),
    run: Run::Write(|txn, args, reply| pop(End::Highest, txn, args, reply)),
};

/// An end of a sorted set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Lowest,
    Highest,
}

impl End {
    /// Takes the word `MIN` or `MAX`.
    ///
    /// # Errors
    ///
    /// The next word is neither.
    pub(super) fn eat(args: &mut Args<'_>) -> Result<Self, CommandError> {
        if args.eat(b"MIN") {
            Ok(Self::Lowest)
        } else if args.eat(b"MAX") {
            Ok(Self::Highest)
        } else {
            Err(CommandError::SYNTAX)
        }
    }

    /// The event that members went from here.
    pub(super) fn popped(self) -> Event {
        match self {
            Self::Lowest => event::ZPOPMIN,
            Self::Highest => event::ZPOPMAX,
        }
    }

    /// The outermost `count` ranks of `len`.
    pub(super) fn ranks(self, len: usize, count: usize) -> Range<usize> {
        match self {
            Self::Lowest => 0..count.min(len),
            Self::Highest => len.saturating_sub(count)..len,
        }
    }
}

fn pop(end: End, txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    if args.len() > 1 {
        return Err(CommandError::SYNTAX);
    }
    let (count, form) = match args.len() {
        0 => (1, Form::Flat),
        _ => (args.amount()?, Form::Scored),
    };
    if !pop_some(txn, key, end, count, form, reply)? {
        reply.array(0);
    }
    Ok(())
}

/// Pops up to `count` members of the sorted set at `key` and answers a list of them, the outermost first; `false`,
/// and nothing is answered or changed, when there is no such key.
///
/// # Errors
///
/// The key holds something else.
pub(super) fn pop_some(
    txn: &mut Txn<'_>,
    key: &[u8],
    end: End,
    count: usize,
    form: Form,
    reply: &mut Reply<'_>,
) -> Result<bool, CommandError> {
    let Some(zset) = txn.zset(key)? else {
        return Ok(false);
    };
    let ranks = end.ranks(zset.len(), count);
    let members = zset.range(ranks.clone());
    match end {
        End::Lowest => score::list(members, form, reply),
        End::Highest => score::list(members.rev(), form, reply),
    }
    remove_ranks(txn, key, ranks, end.popped())?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn pops_from_either_end() {
        let shell = Shell::new();
        shell.run("ZADD z 1 a 2 b 3 c 4 d 5 e");
        assert_eq!(shell.run("ZPOPMIN z"), "*2|$1|a|$1|1|");
        assert_eq!(shell.run("ZPOPMAX z 2"), "*4|$1|e|$1|5|$1|d|$1|4|");
        assert_eq!(shell.run("ZPOPMAX z 0"), "*0|");
        assert_eq!(
            shell.run("ZPOPMIN z 9223372036854775807"),
            "*4|$1|b|$1|2|$1|c|$1|3|"
        );
        assert_eq!(shell.run("EXISTS z"), ":0|");
        assert_eq!(shell.run("ZPOPMIN z"), "*0|");
    }
}
