//! `TIME`: the server's clock.

use crate::command::prelude::*;
use crate::engine::ServerCx;

pub(super) const TIME: CommandSpec = CommandSpec {
    name: "TIME",
    group: Group::Server,
    summary: "Returns the time as seconds since 1970 and microseconds of the second.",
    syntax: "TIME",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Differs("The microseconds are whole milliseconds."),
    arity: Arity::exactly(1),
    keys: Keys::None,
    flags: Flags::FAST.union(Flags::LOADING).union(Flags::STALE),
    run: Run::Server(time),
};

fn time(cx: &ServerCx<'_>, _args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let millis = cx.now.0;
    reply.array(2);
    reply.bulk_int(millis.div_euclid(1000));
    reply.bulk_int(millis.rem_euclid(1000) * 1000);
    Ok(())
}
