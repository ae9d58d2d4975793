//! `XINFO`: what is known of a stream, its groups and their consumers.

use kv_core::{Consumer, Group, Stream, StreamId, UnixMillis};

use super::group::no_group;
use super::progress::lag;
use super::show;
use crate::command::help::help;
use crate::command::prelude::{Group as CommandGroup, *};

pub(super) const XINFO: CommandSpec = CommandSpec {
    name: "XINFO",
    group: CommandGroup::Stream,
    summary: "Holds the commands that show what is known of a stream.",
    syntax: "XINFO subcommand [argument ...]",
    complexity: "Depends on the subcommand.",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(2),
    keys: Keys::None,
    flags: Flags::NONE,
    run: Run::Group {
        alone: None,
        subcommands: &[CONSUMERS, GROUPS, HELP, STREAM],
    },
};

const CONSUMERS: CommandSpec = CommandSpec {
    name: "XINFO|CONSUMERS",
    group: CommandGroup::Stream,
    summary: "Returns the consumers of a group.",
    syntax: "XINFO CONSUMERS key group",
    complexity: "O(N) in the number of consumers",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(4),
    keys: Keys::one(2, Access::READ),
    flags: Flags::NONE,
    run: Run::Read(consumers),
};

const GROUPS: CommandSpec = CommandSpec {
    name: "XINFO|GROUPS",
    group: CommandGroup::Stream,
    summary: "Returns the consumer groups of a stream.",
    syntax: "XINFO GROUPS key",
    complexity: "O(N) in the number of groups",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(3),
    keys: Keys::one(2, Access::READ),
    flags: Flags::NONE,
    run: Run::Read(groups),
};

const HELP: CommandSpec = CommandSpec {
    name: "XINFO|HELP",
    group: CommandGroup::Stream,
    summary: "Lists the subcommands of XINFO.",
    syntax: "XINFO HELP",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Differs("The texts are other ones."),
    arity: Arity::exactly(2),
    keys: Keys::None,
    flags: Flags::LOADING.union(Flags::STALE),
    run: Run::Pure(help),
};

const STREAM: CommandSpec = CommandSpec {
    name: "XINFO|STREAM",
    group: CommandGroup::Stream,
    summary: "Returns what is known of a stream, or all that there is in it.",
    syntax: "XINFO STREAM key [FULL [COUNT count]]",
    complexity: "O(N) in the number of blocks, and of what is shown",
    since: "0.1.0",
    compat: Compat::Differs(
        "The figures of a radix tree are those of the blocks that entries lie in, with one node more than blocks.",
    ),
    arity: Arity::at_least(3),
    keys: Keys::one(2, Access::READ),
    flags: Flags::NONE,
    run: Run::Read(stream),
};

fn consumers(view: &mut View<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let (key, name) = (args.key()?, args.bytes()?);
    let now = view.now();
    let stream = view.stream(key)?.ok_or(CommandError::NO_SUCH_KEY)?;
    let group = stream.group(name).ok_or_else(|| no_group(key, name))?;
    reply.array(group.consumers().len());
    for consumer in group.consumers() {
        reply.map(4);
        reply.bulk(b"name");
        reply.bulk(consumer.name());
        reply.bulk(b"pending");
        show::count(consumer.pending_len() as u64, reply);
        reply.bulk(b"idle");
        reply.int(since(consumer.seen(), now));
        reply.bulk(b"inactive");
        reply.int(consumer.active().map_or(-1, |active| since(active, now)));
    }
    Ok(())
}

fn since(time: UnixMillis, now: UnixMillis) -> i64 {
    now.0.saturating_sub(time.0).max(0)
}

fn groups(view: &mut View<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let stream = view.stream(key)?.ok_or(CommandError::NO_SUCH_KEY)?;
    reply.array(stream.groups().len());
    for group in stream.groups() {
        reply.map(6);
        reply.bulk(b"name");
        reply.bulk(group.name());
        reply.bulk(b"consumers");
        show::count(group.consumers().len() as u64, reply);
        reply.bulk(b"pending");
        show::count(group.pending_len() as u64, reply);
        show_progress(stream, group, reply);
    }
    Ok(())
}

/// How far a group has come, in three fields.
fn show_progress(stream: &Stream, group: &Group, reply: &mut Reply<'_>) {
    reply.bulk(b"last-delivered-id");
    show::id(group.last_id(), reply);
    for (name, number) in [
        (&b"entries-read"[..], group.entries_read()),
        (b"lag", lag(stream, group)),
    ] {
        reply.bulk(name);
        match number {
            Some(number) => show::count(number, reply),
            None => reply.null(),
        }
    }
}

fn stream(view: &mut View<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let stream = view.stream(key)?.ok_or(CommandError::NO_SUCH_KEY)?;
    if args.len() == 0 {
        show_summary(stream, reply);
        return Ok(());
    }
    let is_full = args.eat(b"FULL");
    let wrong = || {
        CommandError::err(
            "unknown subcommand or wrong number of arguments for 'STREAM'. Try XINFO HELP.",
        )
    };
    let count = match args.len() {
        0 if is_full => 10,
        2 if is_full && args.eat(b"COUNT") => match args.int()? {
            0 => usize::MAX,
            count => usize::try_from(count).unwrap_or(10),
        },
        _ => return Err(wrong()),
    };
    show_full(stream, count, reply);
    Ok(())
}

fn show_numbers(stream: &Stream, reply: &mut Reply<'_>) {
    let blocks = stream.blocks().count() as u64;
    reply.bulk(b"length");
    show::count(stream.len() as u64, reply);
    reply.bulk(b"radix-tree-keys");
    show::count(blocks, reply);
    reply.bulk(b"radix-tree-nodes");
    show::count(blocks + 1, reply);
    reply.bulk(b"last-generated-id");
    show::id(stream.last_id(), reply);
    reply.bulk(b"max-deleted-entry-id");
    show::id(stream.max_deleted_id(), reply);
    reply.bulk(b"entries-added");
    show::count(stream.added(), reply);
    reply.bulk(b"recorded-first-entry-id");
    let first = stream.first().map_or(StreamId::MIN, |entry| entry.id());
    show::id(first, reply);
}

fn show_summary(stream: &Stream, reply: &mut Reply<'_>) {
    reply.map(10);
    show_numbers(stream, reply);
    reply.bulk(b"groups");
    show::count(stream.groups().len() as u64, reply);
    for (name, entry) in [
        (&b"first-entry"[..], stream.first()),
        (b"last-entry", stream.last()),
    ] {
        reply.bulk(name);
        match entry {
            Some(entry) => show::entry(entry, reply),
            None => reply.null(),
        }
    }
}

fn show_full(stream: &Stream, count: usize, reply: &mut Reply<'_>) {
    reply.map(9);
    show_numbers(stream, reply);
    reply.bulk(b"entries");
    let entries = stream.range(0..count);
    reply.array(entries.len());
    entries.for_each(|entry| show::entry(entry, reply));
    reply.bulk(b"groups");
    reply.array(stream.groups().len());
    for group in stream.groups() {
        reply.map(7);
        reply.bulk(b"name");
        reply.bulk(group.name());
        show_progress(stream, group, reply);
        reply.bulk(b"pel-count");
        show::count(group.pending_len() as u64, reply);
        reply.bulk(b"pending");
        reply.array(group.pending_len().min(count));
        for pending in group.pending_from(StreamId::MIN).take(count) {
            reply.array(4);
            show::id(pending.id(), reply);
            reply.bulk(pending.consumer());
            reply.int(pending.delivered().0);
            show::count(pending.deliveries(), reply);
        }
        reply.bulk(b"consumers");
        reply.array(group.consumers().len());
        for consumer in group.consumers() {
            show_consumer(group, consumer, count, reply);
        }
    }
}

fn show_consumer(group: &Group, consumer: &Consumer, count: usize, reply: &mut Reply<'_>) {
    reply.map(5);
    reply.bulk(b"name");
    reply.bulk(consumer.name());
    reply.bulk(b"seen-time");
    reply.int(consumer.seen().0);
    reply.bulk(b"active-time");
    reply.int(consumer.active().map_or(-1, |active| active.0));
    reply.bulk(b"pel-count");
    show::count(consumer.pending_len() as u64, reply);
    reply.bulk(b"pending");
    let ids = consumer.pending_from(StreamId::MIN).take(count);
    reply.array(ids.len());
    for pending in ids.filter_map(|id| group.pending(id)) {
        reply.array(3);
        show::id(pending.id(), reply);
        reply.int(pending.delivered().0);
        show::count(pending.deliveries(), reply);
    }
}
