//! `PUBLISH channel message`, `SPUBLISH shardchannel message`: send a message to those who are subscribed.
//!
//! A message reveals what its publisher knows, so it leaves when the newest change that the publisher has made or
//! been shown is as durable as was promised; one of a transaction, when the transaction is. See
//! docs/decisions/2026-11-22-order-of-messages.md.

use crate::command::prelude::*;
use crate::pubsub::Topic;
use crate::session::SessionCx;

pub(super) const PUBLISH: CommandSpec = CommandSpec {
    name: "PUBLISH",
    group: Group::PubSub,
    summary: "Sends a message to a channel and returns how many get it.",
    syntax: "PUBLISH channel message",
    complexity: "O(N+M) where N is the number of subscribers of the channel and M is the number of patterns",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(3),
    keys: Keys::None,
    flags: PUBLISH_FLAGS,
    run: Run::Session(|cx, args, reply| publish(Topic::Channel, cx, args, reply)),
};

pub(super) const SPUBLISH: CommandSpec = CommandSpec {
    name: "SPUBLISH",
    group: Group::PubSub,
    summary: "Sends a message to a shard channel and returns how many get it.",
    syntax: "SPUBLISH shardchannel message",
    complexity: "O(N) where N is the number of subscribers of the shard channel",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(3),
    keys: Keys::None,
    flags: PUBLISH_FLAGS,
    run: Run::Session(|cx, args, reply| publish(Topic::ShardChannel, cx, args, reply)),
};

const PUBLISH_FLAGS: Flags = super::PUBSUB_FLAGS
    .union(Flags::FAST)
    .union(Flags::PAUSED_LIKE_WRITES);

fn publish(
    topic: Topic,
    cx: &mut SessionCx<'_>,
    mut args: Args<'_>,
    reply: &mut Reply<'_>,
) -> Outcome {
    let (channel, message) = (args.bytes()?, args.bytes()?);
    reply.int(cx.publish(topic, channel, message) as i64);
    Ok(())
}
