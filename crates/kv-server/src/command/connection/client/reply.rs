//! `CLIENT REPLY`: whether replies are sent.

use super::CLIENT_FLAGS;
use crate::command::prelude::*;
use crate::session::{Replies, SessionCx};

pub(super) const REPLY: CommandSpec = CommandSpec {
    name: "CLIENT|REPLY",
    group: Group::Connection,
    summary: "Chooses whether the replies of this connection are sent, or leaves out the next one.",
    syntax: "CLIENT REPLY <ON | OFF | SKIP>",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(3),
    keys: Keys::None,
    flags: CLIENT_FLAGS.union(Flags::NO_MULTI),
    run: Run::Session(choose),
};

fn choose(cx: &mut SessionCx<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    if args.eat(b"ON") {
        cx.state.replies = Replies::On;
        reply.ok();
    } else if args.eat(b"OFF") {
        cx.state.replies = Replies::Off;
    } else if !args.eat(b"SKIP") {
        return Err(CommandError::SYNTAX);
    } else if cx.state.replies != Replies::Off {
        cx.state.replies = Replies::SkipNext;
    }
    Ok(())
}
