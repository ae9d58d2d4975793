//! `SUBSCRIBE`, `PSUBSCRIBE`, `SSUBSCRIBE` and their opposites. Each name is confirmed by a push of its own.
//!
//! Invariant: a confirmed subscription is live: it is entered before its confirmation is written.
//! Invariant: behind the confirmation that a subscription has ended no message of it follows.

use crate::command::prelude::*;
use crate::pubsub::Topic;
use crate::session::SessionCx;

pub(super) const SUBSCRIBE: CommandSpec = CommandSpec {
    name: "SUBSCRIBE",
    group: Group::PubSub,
    summary: "Subscribes to channels: their messages come as pushes.",
    syntax: "SUBSCRIBE channel [channel ...]",
    complexity: "O(N) where N is the number of channels",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(2),
    keys: Keys::None,
    flags: SUBSCRIBE_FLAGS,
    run: Run::Session(|cx, args, reply| subscribe(Topic::Channel, b"subscribe", cx, args, reply)),
};

pub(super) const PSUBSCRIBE: CommandSpec = CommandSpec {
    name: "PSUBSCRIBE",
    group: Group::PubSub,
    summary: "Subscribes to all channels whose names fit patterns.",
    syntax: "PSUBSCRIBE pattern [pattern ...]",
    complexity: "O(N) where N is the number of patterns",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(2),
    keys: Keys::None,
    flags: SUBSCRIBE_FLAGS,
    run: Run::Session(|cx, args, reply| subscribe(Topic::Pattern, b"psubscribe", cx, args, reply)),
};

pub(super) const SSUBSCRIBE: CommandSpec = CommandSpec {
    name: "SSUBSCRIBE",
    group: Group::PubSub,
    summary: "Subscribes to shard channels, which have a name space of their own.",
    syntax: "SSUBSCRIBE shardchannel [shardchannel ...]",
    complexity: "O(N) where N is the number of shard channels",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(2),
    keys: Keys::None,
    flags: SUBSCRIBE_FLAGS,
    run: Run::Session(|cx, args, reply| {
        subscribe(Topic::ShardChannel, b"ssubscribe", cx, args, reply)
    }),
};

pub(super) const UNSUBSCRIBE: CommandSpec = CommandSpec {
    name: "UNSUBSCRIBE",
    group: Group::PubSub,
    summary: "Ends the subscriptions to channels, to all without names.",
    syntax: "UNSUBSCRIBE [channel ...]",
    complexity: "O(N) where N is the number of channels",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(1),
    keys: Keys::None,
    flags: SUBSCRIBE_FLAGS,
    run: Run::Session(|cx, args, reply| {
        unsubscribe(Topic::Channel, b"unsubscribe", cx, args, reply)
    }),
};

pub(super) const PUNSUBSCRIBE: CommandSpec = CommandSpec {
    name: "PUNSUBSCRIBE",
    group: Group::PubSub,
    summary: "Ends the subscriptions to patterns, to all without patterns.",
    syntax: "PUNSUBSCRIBE [pattern ...]",
    complexity: "O(N) where N is the number of patterns",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(1),
    keys: Keys::None,
    flags: SUBSCRIBE_FLAGS,
    run: Run::Session(|cx, args, reply| {
        unsubscribe(Topic::Pattern, b"punsubscribe", cx, args, reply)
    }),
};

pub(super) const SUNSUBSCRIBE: CommandSpec = CommandSpec {
    name: "SUNSUBSCRIBE",
    group: Group::PubSub,
    summary: "Ends the subscriptions to shard channels, to all without names.",
    syntax: "SUNSUBSCRIBE [shardchannel ...]",
    complexity: "O(N) where N is the number of shard channels",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(1),
    keys: Keys::None,
    flags: SUBSCRIBE_FLAGS,
    run: Run::Session(|cx, args, reply| {
        unsubscribe(Topic::ShardChannel, b"sunsubscribe", cx, args, reply)
    }),
};

const SUBSCRIBE_FLAGS: Flags = super::PUBSUB_FLAGS
    .union(Flags::NO_SCRIPT)
    .union(Flags::SUBSCRIBED);

fn subscribe(
    topic: Topic,
    word: &[u8],
    cx: &mut SessionCx<'_>,
    args: Args<'_>,
    reply: &mut Reply<'_>,
) -> Outcome {
    for name in args.rest() {
        cx.state.subscriptions.subscribe(topic, name);
        confirm(word, Some(name), cx.state.subscriptions.count(topic), reply);
    }
    Ok(())
}

fn unsubscribe(
    topic: Topic,
    word: &[u8],
    cx: &mut SessionCx<'_>,
    args: Args<'_>,
    reply: &mut Reply<'_>,
) -> Outcome {
    if args.len() > 0 {
        for name in args.rest() {
            end(topic, word, name, cx, reply);
        }
        return Ok(());
    }
    let names = cx.state.subscriptions.names(topic);
    for name in &names {
        end(topic, word, name, cx, reply);
    }
    if names.is_empty() {
        confirm(word, None, cx.state.subscriptions.count(topic), reply);
    }
    Ok(())
}

fn end(topic: Topic, word: &[u8], name: &[u8], cx: &mut SessionCx<'_>, reply: &mut Reply<'_>) {
    cx.state.subscriptions.unsubscribe(topic, name);
    // What came before the end goes before its confirmation.
    if cx.state.client.inbox.has_mail() {
        cx.state.collect_mail(reply.buffer());
    }
    confirm(word, Some(name), cx.state.subscriptions.count(topic), reply);
}

fn confirm(word: &[u8], name: Option<&[u8]>, count: usize, reply: &mut Reply<'_>) {
    reply.push(3);
    reply.bulk(word);
    match name {
        Some(name) => reply.bulk(name),
        None => reply.null(),
    }
    reply.int(count as i64);
}
