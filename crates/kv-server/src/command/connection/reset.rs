//! `RESET`: takes the connection back to where it was when it was opened.

use kv_core::Db;

use crate::command::prelude::*;
use crate::session::{Replies, SessionCx};

pub(super) const RESET: CommandSpec = CommandSpec {
    name: "RESET",
    group: Group::Connection,
    summary: "Takes the connection back to its first state: database 0, RESP2, no name.",
    syntax: "RESET",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(1),
    keys: Keys::None,
    flags: RESET_FLAGS,
    run: Run::Session(reset),
};

const RESET_FLAGS: Flags = Flags::FAST
    .union(Flags::NOT_QUEUED)
    .union(Flags::NO_SCRIPT)
    .union(Flags::LOADING)
    .union(Flags::STALE)
    .union(Flags::NO_AUTH)
    .union(Flags::ALLOW_BUSY)
    .union(Flags::SUBSCRIBED);

fn reset(cx: &mut SessionCx<'_>, _args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    cx.state.subscriptions.clear();
    cx.server.monitors.remove(cx.state.client.id);
    cx.untrack();
    if cx.state.client.inbox.has_mail() {
        cx.state.collect_mail(reply.buffer());
    }
    cx.state.multi = None;
    cx.state.watching = None;
    cx.state.replies = Replies::On;
    cx.state.db = Db::FIRST;
    cx.state.durability = None;
    cx.state.decoder.set_resp3(false);
    cx.state.leaves_no_trace = false;
    cx.state.client.identity().reset();
    cx.log_out();
    Reply::new(reply.buffer(), cx.state.decoder.format()).simple("RESET");
    Ok(())
}
