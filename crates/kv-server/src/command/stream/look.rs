//! `XLEN`, `XRANGE`, `XREVRANGE`: show entries.

use kv_core::StreamEntry;

use super::add::count_up_to;
use super::{id, show};
use crate::command::prelude::*;

pub(super) const XLEN: CommandSpec = CommandSpec {
    name: "XLEN",
    group: Group::Stream,
    summary: "Returns how many entries a stream has.",
    syntax: "XLEN key",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(2),
    keys: Keys::one(1, Access::NONE),
    flags: Flags::FAST,
    run: Run::Read(xlen),
};

pub(super) const XRANGE: CommandSpec = CommandSpec {
    name: "XRANGE",
    group: Group::Stream,
    summary: "Returns the entries of a stream within a range of IDs.",
    syntax: "XRANGE key start end [COUNT count]",
    complexity: "O(log(N)+M) in the number of entries there and returned",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(4),
    keys: Keys::one(1, Access::READ),
    flags: Flags::NONE,
    run: Run::Read(|view, args, reply| range(view, args, false, reply)),
};

pub(super) const XREVRANGE: CommandSpec = CommandSpec {
    name: "XREVRANGE",
    group: Group::Stream,
    summary: "Returns the entries of a stream within a range of IDs, the last one first.",
    syntax: "XREVRANGE key end start [COUNT count]",
    complexity: "O(log(N)+M) in the number of entries there and returned",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(4),
    keys: Keys::one(1, Access::READ),
    flags: Flags::NONE,
    run: Run::Read(|view, args, reply| range(view, args, true, reply)),
};

fn xlen(view: &mut View<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    args.finish()?;
    let length = view.stream(key)?.map_or(0, |stream| stream.len());
    show::count(length as u64, reply);
    Ok(())
}

fn range(
    view: &mut View<'_>,
    mut args: Args<'_>,
    backwards: bool,
    reply: &mut Reply<'_>,
) -> Outcome {
    let key = args.key()?;
    let (first, second) = (args.bytes()?, args.bytes()?);
    let (from, to) = if backwards {
        (second, first)
    } else {
        (first, second)
    };
    let (from, to) = (id::from(from)?, id::to(to)?);
    let mut count = None;
    while args.len() > 0 {
        if args.len() < 2 || !args.eat(b"COUNT") {
            return Err(CommandError::SYNTAX);
        }
        count = Some(usize::try_from(args.int()?).unwrap_or(0));
    }
    let Some(stream) = view.stream(key)? else {
        reply.array(0);
        return Ok(());
    };
    if count == Some(0) {
        reply.null_array();
        return Ok(());
    }
    let most = count.unwrap_or(usize::MAX);
    let entries = stream.range(stream.count_before(from)..count_up_to(stream, to));
    reply.array(entries.len().min(most));
    let put = |entry: StreamEntry<'_>| show::entry(entry, reply);
    if backwards {
        entries.rev().take(most).for_each(put);
    } else {
        entries.take(most).for_each(put);
    }
    Ok(())
}
