//! `PUBSUB`: who is subscribed to what.

use super::PUBSUB_FLAGS;
use crate::command::help::help;
use crate::command::prelude::*;
use crate::engine::ServerCx;
use crate::pubsub::Topic;

pub(super) const PUBSUB: CommandSpec = CommandSpec {
    name: "PUBSUB",
    group: Group::PubSub,
    summary: "Holds the commands about subscriptions.",
    syntax: "PUBSUB subcommand [argument ...]",
    complexity: "Depends on the subcommand.",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(2),
    keys: Keys::None,
    flags: Flags::NONE,
    run: Run::Group {
        alone: None,
        subcommands: &[CHANNELS, HELP, NUMPAT, NUMSUB, SHARDCHANNELS, SHARDNUMSUB],
    },
};

const CHANNELS: CommandSpec = CommandSpec {
    name: "PUBSUB|CHANNELS",
    group: Group::PubSub,
    summary: "Lists the channels that have subscribers.",
    syntax: "PUBSUB CHANNELS [pattern]",
    complexity: "O(N) where N is the number of channels with subscribers",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(2),
    keys: Keys::None,
    flags: PUBSUB_FLAGS,
    run: Run::Server(|cx, args, reply| channels(Topic::Channel, "CHANNELS", cx, args, reply)),
};

const SHARDCHANNELS: CommandSpec = CommandSpec {
    name: "PUBSUB|SHARDCHANNELS",
    group: Group::PubSub,
    summary: "Lists the shard channels that have subscribers.",
    syntax: "PUBSUB SHARDCHANNELS [pattern]",
    complexity: "O(N) where N is the number of shard channels with subscribers",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(2),
    keys: Keys::None,
    flags: PUBSUB_FLAGS,
    run: Run::Server(|cx, args, reply| {
        channels(Topic::ShardChannel, "SHARDCHANNELS", cx, args, reply)
    }),
};

const NUMSUB: CommandSpec = CommandSpec {
    name: "PUBSUB|NUMSUB",
    group: Group::PubSub,
    summary: "Returns how many are subscribed to each channel, patterns apart.",
    syntax: "PUBSUB NUMSUB [channel ...]",
    complexity: "O(N) where N is the number of channels asked for",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(2),
    keys: Keys::None,
    flags: PUBSUB_FLAGS,
    run: Run::Server(|cx, args, reply| numsub(Topic::Channel, cx, args, reply)),
};

const SHARDNUMSUB: CommandSpec = CommandSpec {
    name: "PUBSUB|SHARDNUMSUB",
    group: Group::PubSub,
    summary: "Returns how many are subscribed to each shard channel.",
    syntax: "PUBSUB SHARDNUMSUB [shardchannel ...]",
    complexity: "O(N) where N is the number of shard channels asked for",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(2),
    keys: Keys::None,
    flags: PUBSUB_FLAGS,
    run: Run::Server(|cx, args, reply| numsub(Topic::ShardChannel, cx, args, reply)),
};

const NUMPAT: CommandSpec = CommandSpec {
    name: "PUBSUB|NUMPAT",
    group: Group::PubSub,
    summary: "Returns to how many different patterns anybody is subscribed.",
    syntax: "PUBSUB NUMPAT",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(2),
    keys: Keys::None,
    flags: PUBSUB_FLAGS,
    run: Run::Server(numpat),
};

const HELP: CommandSpec = CommandSpec {
    name: "PUBSUB|HELP",
    group: Group::PubSub,
    summary: "Lists the subcommands of PUBSUB.",
    syntax: "PUBSUB HELP",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(2),
    keys: Keys::None,
    flags: Flags::LOADING.union(Flags::STALE),
    run: Run::Pure(help),
};

fn channels(
    topic: Topic,
    word: &str,
    cx: &ServerCx<'_>,
    args: Args<'_>,
    reply: &mut Reply<'_>,
) -> Outcome {
    if args.len() > 1 {
        return Err(CommandError::err(format!(
            "unknown subcommand or wrong number of arguments for '{word}'. Try PUBSUB HELP."
        )));
    }
    let names = cx.server.pubsub.channels(topic, args.peek());
    reply.array(names.len());
    for name in names {
        reply.bulk_shared(name);
    }
    Ok(())
}

fn numsub(topic: Topic, cx: &ServerCx<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    reply.array(2 * args.len());
    for name in args.rest() {
        reply.bulk(name);
        reply.int(cx.server.pubsub.subscribers(topic, name) as i64);
    }
    Ok(())
}

fn numpat(cx: &ServerCx<'_>, _args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    reply.int(cx.server.pubsub.pattern_count() as i64);
    Ok(())
}
