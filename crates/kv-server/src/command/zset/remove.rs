//! `ZREM`, `ZREMRANGEBYRANK`, `ZREMRANGEBYSCORE`, `ZREMRANGEBYLEX`: take members away.
//!
//! Owns how members are taken that are known by their ranks.

use std::ops::Range;

use kv_core::{Event, ZSet};

use super::interval::{self, LexInterval, ScoreInterval};
use crate::command::prelude::*;

pub(super) const ZREM: CommandSpec = CommandSpec {
    name: "ZREM",
    group: Group::SortedSet,
    summary: "Removes members from a sorted set and returns how many were there.",
    syntax: "ZREM key member [member ...]",
    complexity: "O(M*log(N)) in the number of members given and the size of the sorted set",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(3),
    keys: Keys::one(1, Access::DELETE),
    flags: Flags::FAST.union(Flags::NEVER_GROWS).union(Flags::BOUNDED),
    run: Run::Write(zrem),
};

pub(super) const ZREMRANGEBYRANK: CommandSpec = CommandSpec {
    name: "ZREMRANGEBYRANK",
    group: Group::SortedSet,
    summary: "Removes the members from one rank to another, both included, and returns how many there were; \
              negative ranks count from the end.",
    syntax: "ZREMRANGEBYRANK key start stop",
    complexity: RANGE_COMPLEXITY,
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(4),
    keys: Keys::one(1, Access::DELETE),
    flags: Flags::NEVER_GROWS,
    run: Run::Write(zremrangebyrank),
};

pub(super) const ZREMRANGEBYSCORE: CommandSpec = CommandSpec {
    name: "ZREMRANGEBYSCORE",
    group: Group::SortedSet,
    summary: "Removes the members whose score is between two and returns how many there were.",
    syntax: "ZREMRANGEBYSCORE key min max",
    complexity: RANGE_COMPLEXITY,
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(4),
    keys: Keys::one(1, Access::DELETE),
    flags: Flags::NEVER_GROWS,
    run: Run::Write(zremrangebyscore),
};

pub(super) const ZREMRANGEBYLEX: CommandSpec = CommandSpec {
    name: "ZREMRANGEBYLEX",
    group: Group::SortedSet,
    summary: "Removes the members that stand between two, where all scores are equal, and returns how many there \
              were.",
    syntax: "ZREMRANGEBYLEX key min max",
    complexity: RANGE_COMPLEXITY,
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(4),
    keys: Keys::one(1, Access::DELETE),
    flags: Flags::NEVER_GROWS,
    run: Run::Write(zremrangebylex),
};

const RANGE_COMPLEXITY: &str =
    "O(M*log(N)) in the number of members removed and the size of the sorted set";

/// Most members that are named at once when many go.
const PIECE_MEMBERS: usize = 1024;

fn zrem(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let removed = txn.zset_remove(key, &args.words())?;
    if removed > 0 {
        event::announce_removal(txn, key, event::ZREM);
    }
    reply.int(removed as i64);
    Ok(())
}

fn zremrangebyrank(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let (start, stop) = (args.int()?, args.int()?);
    args.finish()?;
    let ranks = |zset: &ZSet| interval::ranks(zset.len(), start, stop);
    remove(txn, key, ranks, event::ZREMRANGEBYRANK, reply)
}

fn zremrangebyscore(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let interval = ScoreInterval::parse(args.bytes()?, args.bytes()?)?;
    args.finish()?;
    let ranks = |zset: &ZSet| interval.ranks(zset);
    remove(txn, key, ranks, event::ZREMRANGEBYSCORE, reply)
}

fn zremrangebylex(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let interval = LexInterval::parse(args.bytes()?, args.bytes()?)?;
    args.finish()?;
    let ranks = |zset: &ZSet| interval.ranks(zset);
    remove(txn, key, ranks, event::ZREMRANGEBYLEX, reply)
}

fn remove(
    txn: &mut Txn<'_>,
    key: &[u8],
    ranks: impl Fn(&ZSet) -> Range<usize>,
    event: Event,
    reply: &mut Reply<'_>,
) -> Outcome {
    let ranks = txn.zset(key)?.map_or(0..0, ranks);
    reply.int(ranks.len() as i64);
    remove_ranks(txn, key, ranks, event)
}

/// Removes the members with these ranks, and announces `event` if there are any.
///
/// # Errors
///
/// The key holds something else than a sorted set.
pub(super) fn remove_ranks(
    txn: &mut Txn<'_>,
    key: &[u8],
    ranks: Range<usize>,
    event: Event,
) -> Outcome {
    let Some(zset) = txn.zset(key)?.filter(|_| !ranks.is_empty()) else {
        return Ok(());
    };
    if ranks.len() >= zset.len() {
        txn.delete(key);
    } else {
        // What goes is copied: it is needed to say what goes.
        let members = zset.range(ranks).map(|(member, _)| member.into());
        let members: Vec<Box<[u8]>> = members.collect();
        for piece in members.chunks(PIECE_MEMBERS) {
            let piece: Vec<&[u8]> = piece.iter().map(|member| &**member).collect();
            txn.zset_remove(key, &piece)?;
        }
    }
    event::announce_removal(txn, key, event);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn many_go_at_once() {
        let shell = Shell::new();
        for number in 0..3000 {
            shell.run(&format!("ZADD z {number} m{number}"));
        }
        assert_eq!(shell.run("ZREMRANGEBYRANK z 0 -11"), ":2990|");
        assert_eq!(shell.run("ZREMRANGEBYSCORE z (2990 2991"), ":1|");
        assert_eq!(shell.run("ZRANGE z 0 1"), "*2|$5|m2990|$5|m2992|");
        assert_eq!(shell.run("ZREMRANGEBYLEX z - +"), ":9|");
        assert_eq!(shell.run("EXISTS z"), ":0|");
        assert_eq!(shell.run("ZREMRANGEBYRANK z 0 -1"), ":0|");
    }
}
