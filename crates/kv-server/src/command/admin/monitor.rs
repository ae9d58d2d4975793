//! `MONITOR`: shows the connection every request of everybody from now on.

use crate::command::prelude::*;
use crate::session::SessionCx;

pub(super) const MONITOR: CommandSpec = CommandSpec {
    name: "MONITOR",
    group: Group::Server,
    summary: "Shows the connection every request of all clients, as the server gets them.",
    syntax: "MONITOR",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Differs(
        "Times are exact to the millisecond. The connection may go on asking, and ends with QUIT or RESET.",
    ),
    arity: Arity::exactly(1),
    keys: Keys::None,
    flags: Flags::ADMIN
        .union(Flags::DANGEROUS)
        .union(Flags::NO_SCRIPT)
        .union(Flags::NO_MULTI)
        .union(Flags::LOADING)
        .union(Flags::STALE),
    run: Run::Session(monitor),
};

fn monitor(cx: &mut SessionCx<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    args.finish()?;
    cx.server.monitors.add(&cx.state.client);
    reply.ok();
    Ok(())
}
