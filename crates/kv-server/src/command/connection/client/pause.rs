//! `CLIENT PAUSE`, `CLIENT UNPAUSE`: requests of all connections wait.

use std::time::Duration;

use super::ADMIN_FLAGS;
use crate::command::prelude::*;
use crate::command::timeout;
use crate::session::SessionCx;

pub(super) const PAUSE: CommandSpec = CommandSpec {
    name: "CLIENT|PAUSE",
    group: Group::Connection,
    summary: "Lets requests of all connections wait for a time, all of them or those that may write.",
    syntax: "CLIENT PAUSE timeout [WRITE | ALL]",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Differs("Keys go on to expire meanwhile."),
    arity: Arity::at_least(3),
    keys: Keys::None,
    flags: ADMIN_FLAGS,
    run: Run::Session(pause),
};

pub(super) const UNPAUSE: CommandSpec = CommandSpec {
    name: "CLIENT|UNPAUSE",
    group: Group::Connection,
    summary: "Ends a pause.",
    syntax: "CLIENT UNPAUSE",
    complexity: "O(N) in the number of requests that wait",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(2),
    keys: Keys::None,
    flags: ADMIN_FLAGS,
    run: Run::Session(unpause),
};

fn pause(cx: &mut SessionCx<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let duration = args.bytes()?;
    let only_writes = args.eat(b"WRITE");
    if !only_writes && args.len() == 1 && !args.eat(b"ALL") {
        return Err(CommandError::err("CLIENT PAUSE mode must be WRITE or ALL"));
    }
    let duration = timeout::millis(duration, cx.server.engine.now())?;
    cx.server
        .pause
        .begin(duration.unwrap_or(Duration::ZERO), only_writes);
    reply.ok();
    Ok(())
}

fn unpause(cx: &mut SessionCx<'_>, _args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    cx.server.pause.end_now();
    reply.ok();
    Ok(())
}
