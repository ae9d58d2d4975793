//! `PING [message]`: shows that the server answers.

use kv_proto::Format;

use crate::command::prelude::*;
use crate::session::SessionCx;

pub(super) const PING: CommandSpec = CommandSpec {
    name: "PING",
    group: Group::Connection,
    summary: "Answers PONG, or the message that it is given.",
    syntax: "PING [message]",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(1),
    keys: Keys::None,
    flags: Flags::FAST.union(Flags::SUBSCRIBED),
    run: Run::Session(ping),
};

/// While it is subscribed, a RESP2 connection gets its answer in the form of a message.
fn ping(cx: &mut SessionCx<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    if args.len() > 1 {
        return Err(args.wrong_arity());
    }
    let message = args.peek();
    if reply.format() == Format::Resp2 && !cx.state.subscriptions.is_empty() {
        reply.array(2);
        reply.bulk(b"pong");
        reply.bulk(message.unwrap_or_default());
        return Ok(());
    }
    match message {
        None => reply.simple("PONG"),
        Some(_) => reply.bulk(args.bytes()?),
    }
    Ok(())
}
