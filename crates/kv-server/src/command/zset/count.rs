//! `ZCOUNT key min max`, `ZLEXCOUNT key min max`: how many members an interval has.

use std::ops::Range;

use kv_core::ZSet;

use super::interval::{LexInterval, ScoreInterval};
use crate::command::prelude::*;

pub(super) const ZCOUNT: CommandSpec = CommandSpec {
    name: "ZCOUNT",
    group: Group::SortedSet,
    summary: "Returns how many members have a score between two.",
    syntax: "ZCOUNT key min max",
    complexity: "O(log(N)) in the size of the sorted set",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(4),
    keys: Keys::one(1, Access::READ),
    flags: Flags::FAST,
    run: Run::Read(zcount),
};

pub(super) const ZLEXCOUNT: CommandSpec = CommandSpec {
    name: "ZLEXCOUNT",
    group: Group::SortedSet,
    summary: "Returns how many members stand between two, where all scores are equal.",
    syntax: "ZLEXCOUNT key min max",
    complexity: "O(log(N)) in the size of the sorted set",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(4),
    keys: Keys::one(1, Access::READ),
    flags: Flags::FAST,
    run: Run::Read(zlexcount),
};

fn zcount(view: &mut View<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let interval = ScoreInterval::parse(args.bytes()?, args.bytes()?)?;
    args.finish()?;
    count(view, key, |zset| interval.ranks(zset), reply)
}

fn zlexcount(view: &mut View<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let interval = LexInterval::parse(args.bytes()?, args.bytes()?)?;
    args.finish()?;
    count(view, key, |zset| interval.ranks(zset), reply)
}

fn count(
    view: &mut View<'_>,
    key: &[u8],
    ranks: impl Fn(&ZSet) -> Range<usize>,
    reply: &mut Reply<'_>,
) -> Outcome {
    let count = view.zset(key)?.map_or(0, |zset| ranks(zset).len());
    reply.int(count as i64);
    Ok(())
}
