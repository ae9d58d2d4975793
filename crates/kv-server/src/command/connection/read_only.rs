//! `READONLY`, `READWRITE`: what a client of a cluster says of its intentions. Here it is only remembered, and shown
//! by `CLIENT LIST`.

use crate::command::prelude::*;
use crate::session::SessionCx;

pub(super) const READONLY: CommandSpec = CommandSpec {
    name: "READONLY",
    group: Group::Connection,
    summary: "Says that the connection reads only, which a replica of a cluster would allow then.",
    syntax: "READONLY",
    complexity: "O(1)",
    since: "0.2.0",
    compat: READ_ONLY_COMPAT,
    arity: Arity::exactly(1),
    keys: Keys::None,
    flags: READ_ONLY_FLAGS,
    run: Run::Session(|cx, args, reply| say(true, cx, args, reply)),
};

pub(super) const READWRITE: CommandSpec = CommandSpec {
    name: "READWRITE",
    group: Group::Connection,
    summary: "Takes back what READONLY said.",
    syntax: "READWRITE",
    complexity: "O(1)",
    since: "0.2.0",
    compat: READ_ONLY_COMPAT,
    arity: Arity::exactly(1),
    keys: Keys::None,
    flags: READ_ONLY_FLAGS,
    run: Run::Session(|cx, args, reply| say(false, cx, args, reply)),
};

const READ_ONLY_COMPAT: Compat =
    Compat::Differs("As in Valkey; Redis refuses it where there is no cluster.");

const READ_ONLY_FLAGS: Flags = Flags::FAST.union(Flags::LOADING).union(Flags::STALE);

fn say(
    only_reads: bool,
    cx: &mut SessionCx<'_>,
    _args: Args<'_>,
    reply: &mut Reply<'_>,
) -> Outcome {
    cx.state.client.identity().only_reads = only_reads;
    reply.ok();
    Ok(())
}
