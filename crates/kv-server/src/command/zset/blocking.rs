//! `BZPOPMIN`, `BZPOPMAX`, `BZMPOP`: as the commands without the B, and they wait while there is nothing to take.

use std::time::Duration;

use kv_core::Kind;

use super::mpop::PopOptions;
use super::pop::End;
use super::remove::remove_ranks;
use crate::command::prelude::*;
use crate::command::spec::{Turn, Wait};
use crate::command::timeout;

pub(super) const BZMPOP: CommandSpec = CommandSpec {
    name: "BZMPOP",
    group: Group::SortedSet,
    summary: "Removes and returns members with the lowest or the highest scores from the first sorted set that is \
              there; waits until one is.",
    syntax: "BZMPOP timeout numkeys key [key ...] <MIN | MAX> [COUNT count]",
    complexity: "O(K+M*log(N)) in the number of keys, of members returned and the size of the sorted set",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(5),
    keys: Keys::Counted {
        count_at: 2,
        step: 1,
        access: POPS,
    },
    flags: Flags::NEVER_GROWS,
    run: Run::Block(bzmpop),
};

pub(super) const BZPOPMAX: CommandSpec = CommandSpec {
    name: "BZPOPMAX",
    group: Group::SortedSet,
    summary: "Removes and returns the member with the highest score of the first sorted set that is there; waits \
              until one is.",
    syntax: "BZPOPMAX key [key ...] timeout",
    complexity: COMPLEXITY,
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(3),
    keys: Keys::before_last(1, POPS),
    flags: Flags::FAST.union(Flags::NEVER_GROWS),
    run: Run::Block(|txn, args, reply| pop(End::Highest, txn, args, reply)),
};

pub(super) const BZPOPMIN: CommandSpec = CommandSpec {
    name: "BZPOPMIN",
    group: Group::SortedSet,
    summary: "Removes and returns the member with the lowest score of the first sorted set that is there; waits \
              until one is.",
    syntax: "BZPOPMIN key [key ...] timeout",
    complexity: COMPLEXITY,
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(3),
    keys: Keys::before_last(1, POPS),
    flags: Flags::FAST.union(Flags::NEVER_GROWS),
    run: Run::Block(|txn, args, reply| pop(End::Lowest, txn, args, reply)),
};

const POPS: Access = Access::READ.union(Access::DELETE);
const COMPLEXITY: &str = "O(K+log(N)) in the number of keys and the size of the sorted set";

fn pop(
    end: End,
    txn: &mut Txn<'_>,
    mut args: Args<'_>,
    reply: &mut Reply<'_>,
) -> Result<Turn, CommandError> {
    let keys = args.take(args.len().saturating_sub(1))?;
    let at_most = timeout::seconds(args.bytes()?, txn.now())?;
    for key in keys.rest() {
        let Some(zset) = txn.zset(key)? else {
            continue;
        };
        let ranks = end.ranks(zset.len(), 1);
        if let Some((member, score)) = zset.at(ranks.start) {
            reply.array(3);
            reply.bulk(key);
            reply.bulk(member);
            reply.double(score);
            remove_ranks(txn, key, ranks, end.popped())?;
            return Ok(Turn::Done);
        }
    }
    Ok(wait(keys.len(), at_most))
}

fn bzmpop(
    txn: &mut Txn<'_>,
    mut args: Args<'_>,
    reply: &mut Reply<'_>,
) -> Result<Turn, CommandError> {
    let seconds = args.bytes()?;
    let options = PopOptions::parse(args)?;
    let at_most = timeout::seconds(seconds, txn.now())?;
    if options.pop(txn, reply)? {
        return Ok(Turn::Done);
    }
    Ok(wait(options.keys.len(), at_most))
}

fn wait(keys: usize, at_most: Option<Duration>) -> Turn {
    Turn::Wait(Wait {
        keys,
        kind: Kind::ZSet,
        at_most,
        answers_array: true,
        even_if_gone: false,
    })
}
