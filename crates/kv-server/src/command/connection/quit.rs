//! `QUIT`: ends the connection after its reply.

use crate::command::prelude::*;
use crate::session::SessionCx;

pub(super) const QUIT: CommandSpec = CommandSpec {
    name: "QUIT",
    group: Group::Connection,
    summary: "Answers OK, then closes the connection.",
    syntax: "QUIT",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(1),
    keys: Keys::None,
    flags: QUIT_FLAGS,
    run: Run::Session(quit),
};

const QUIT_FLAGS: Flags = Flags::FAST
    .union(Flags::NOT_QUEUED)
    .union(Flags::NO_SCRIPT)
    .union(Flags::LOADING)
    .union(Flags::STALE)
    .union(Flags::NO_AUTH)
    .union(Flags::ALLOW_BUSY)
    .union(Flags::SUBSCRIBED);

fn quit(cx: &mut SessionCx<'_>, _args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    cx.state.ending = true;
    reply.ok();
    Ok(())
}
