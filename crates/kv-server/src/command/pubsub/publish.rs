//! `PUBLISH channel message`, `SPUBLISH shardchannel message`: send a message to those who are subscribed.
//!
//! A message reveals what its publisher knows, so it leaves when the newest change that the publisher has made or
//! been shown is as durable as was promised: see docs/decisions/2026-11-22-order-of-messages.md.

use crate::command::prelude::*;
use crate::session::SessionCx;

pub(super) const PUBLISH: CommandSpec = CommandSpec {
    name: "PUBLISH",
    group: Group::PubSub,
    summary: "Sends a message to a channel and returns how many get it.",
    syntax: "PUBLISH channel message",
    complexity: "O(N+M) where N is the number of subscribers of the channel and M is the number of patterns",
    since: "0.2.0",
    compat: Compat::Full,
    arity: Arity::exactly(3),
    keys: Keys::None,
    flags: super::PUBSUB_FLAGS.union(Flags::FAST),
    run: Run::Session(publish),
};

pub(super) const SPUBLISH: CommandSpec = CommandSpec {
    name: "SPUBLISH",
    group: Group::PubSub,
    summary: "Sends a message to a shard channel and returns how many get it.",
    syntax: "SPUBLISH shardchannel message",
    complexity: "O(N) where N is the number of subscribers of the shard channel",
    since: "0.2.0",
    compat: Compat::Full,
    arity: Arity::exactly(3),
    keys: Keys::None,
    flags: super::PUBSUB_FLAGS.union(Flags::FAST),
    run: Run::Session(spublish),
};

fn publish(cx: &mut SessionCx<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let (channel, message) = (args.bytes()?, args.bytes()?);
    let hard_bytes = cx.server.settings.pubsub_hard_bytes.get();
    let newest = cx.state.newest;
    let reached = cx
        .server
        .pubsub
        .publish(channel, message, newest, hard_bytes);
    reply.int(reached as i64);
    Ok(())
}

fn spublish(cx: &mut SessionCx<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let (channel, message) = (args.bytes()?, args.bytes()?);
    let hard_bytes = cx.server.settings.pubsub_hard_bytes.get();
    let newest = cx.state.newest;
    let pubsub = &cx.server.pubsub;
    let reached = pubsub.publish_to_shard(channel, message, newest, hard_bytes);
    reply.int(reached as i64);
    Ok(())
}
