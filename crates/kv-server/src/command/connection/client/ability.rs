//! `CLIENT CAPA`: what a client says that it can do.

use super::CLIENT_FLAGS;
use crate::command::prelude::*;
use crate::session::SessionCx;

pub(super) const CAPA: CommandSpec = CommandSpec {
    name: "CLIENT|CAPA",
    group: Group::Connection,
    summary: "Says what the client can do; words that mean nothing are passed over.",
    syntax: "CLIENT CAPA capability [capability ...]",
    complexity: "O(1)",
    since: "0.2.0",
    compat: Compat::Differs(
        "As in Valkey; Redis has no such command. No client is ever sent elsewhere.",
    ),
    arity: Arity::at_least(3),
    keys: Keys::None,
    flags: CLIENT_FLAGS,
    run: Run::Session(capa),
};

fn capa(cx: &mut SessionCx<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let mut words = args.rest();
    if words.any(|word| word.eq_ignore_ascii_case(b"REDIRECT")) {
        cx.state.client.identity().follows = true;
    }
    reply.ok();
    Ok(())
}
