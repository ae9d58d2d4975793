//! `BLPOP`, `BRPOP`, `BLMPOP`, `BLMOVE`, `BRPOPLPUSH`: as the commands without the B, and they wait while there is
//! nothing to take.

use std::time::Duration;

use kv_core::{Kind, ListEnd};

use super::mpop::PopOptions;
use super::pop::pop_one;
use super::transfer::{KEYS, Transfer};
use crate::command::prelude::*;
use crate::command::spec::{Turn, Wait};
use crate::command::timeout;

pub(super) const BLMOVE: CommandSpec = CommandSpec {
    name: "BLMOVE",
    group: Group::List,
    summary: "Moves an element from one list to another and returns it; waits until there is one.",
    syntax: "BLMOVE source destination <LEFT | RIGHT> <LEFT | RIGHT> timeout",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(6),
    keys: KEYS,
    flags: Flags::NONE,
    run: Run::Block(blmove),
};

pub(super) const BLMPOP: CommandSpec = CommandSpec {
    name: "BLMPOP",
    group: Group::List,
    summary: "Removes and returns elements from an end of the first list that is there; waits until one is.",
    syntax: "BLMPOP timeout numkeys key [key ...] <LEFT | RIGHT> [COUNT count]",
    complexity: "O(N+M) in the number of keys and of elements returned",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(5),
    keys: Keys::Counted {
        count_at: 2,
        step: 1,
        access: POPS,
    },
    flags: Flags::NEVER_GROWS,
    run: Run::Block(blmpop),
};

pub(super) const BLPOP: CommandSpec = CommandSpec {
    name: "BLPOP",
    group: Group::List,
    summary: "Removes and returns the first element of the first list that is there; waits until one is.",
    syntax: "BLPOP key [key ...] timeout",
    complexity: "O(N) in the number of keys",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(3),
    keys: Keys::before_last(1, POPS),
    flags: Flags::NEVER_GROWS,
    run: Run::Block(|txn, args, reply| pop(ListEnd::Front, txn, args, reply)),
};

pub(super) const BRPOP: CommandSpec = CommandSpec {
    name: "BRPOP",
    group: Group::List,
    summary: "Removes and returns the last element of the first list that is there; waits until one is.",
    syntax: "BRPOP key [key ...] timeout",
    complexity: "O(N) in the number of keys",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(3),
    keys: Keys::before_last(1, POPS),
    flags: Flags::NEVER_GROWS,
    run: Run::Block(|txn, args, reply| pop(ListEnd::Back, txn, args, reply)),
};

pub(super) const BRPOPLPUSH: CommandSpec = CommandSpec {
    name: "BRPOPLPUSH",
    group: Group::List,
    summary: "Moves the last element of one list to the front of another and returns it; waits until there is one.",
    syntax: "BRPOPLPUSH source destination timeout",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(4),
    keys: KEYS,
    flags: Flags::NONE,
    run: Run::Block(brpoplpush),
};

const POPS: Access = Access::READ.union(Access::DELETE);

fn pop(
    end: ListEnd,
    txn: &mut Txn<'_>,
    mut args: Args<'_>,
    reply: &mut Reply<'_>,
) -> Result<Turn, CommandError> {
    let keys = args.take(args.len().saturating_sub(1))?;
    let at_most = timeout::seconds(args.bytes()?, txn.now())?;
    for key in keys.rest() {
        if txn.list(key)?.is_some() {
            reply.array(2);
            reply.bulk(key);
            pop_one(txn, key, end, reply)?;
            return Ok(Turn::Done);
        }
    }
    Ok(wait(keys.len(), at_most, true))
}

fn blmpop(
    txn: &mut Txn<'_>,
    mut args: Args<'_>,
    reply: &mut Reply<'_>,
) -> Result<Turn, CommandError> {
    let at_most = args.bytes()?;
    let options = PopOptions::parse(args)?;
    // What else is wrong is told first, as in Redis.
    let at_most = timeout::seconds(at_most, txn.now())?;
    if options.pop(txn, reply)? {
        return Ok(Turn::Done);
    }
    Ok(wait(options.keys.len(), at_most, true))
}

fn blmove(
    txn: &mut Txn<'_>,
    mut args: Args<'_>,
    reply: &mut Reply<'_>,
) -> Result<Turn, CommandError> {
    let transfer = Transfer::eat(&mut args)?;
    move_or_wait(transfer, txn, args, reply)
}

fn brpoplpush(
    txn: &mut Txn<'_>,
    mut args: Args<'_>,
    reply: &mut Reply<'_>,
) -> Result<Turn, CommandError> {
    let transfer = Transfer::eat_back_to_front(&mut args)?;
    move_or_wait(transfer, txn, args, reply)
}

fn move_or_wait(
    transfer: Transfer<'_>,
    txn: &mut Txn<'_>,
    mut args: Args<'_>,
    reply: &mut Reply<'_>,
) -> Result<Turn, CommandError> {
    let at_most = timeout::seconds(args.bytes()?, txn.now())?;
    args.finish()?;
    if transfer.run(txn, reply)? {
        return Ok(Turn::Done);
    }
    Ok(wait(1, at_most, false))
}

fn wait(keys: usize, at_most: Option<Duration>, answers_array: bool) -> Turn {
    Turn::Wait(Wait {
        keys,
        kind: Kind::List,
        at_most,
        answers_array,
        even_if_gone: false,
    })
}
