//! `CLIENT UNBLOCK`: ends the wait of a connection.

use super::ADMIN_FLAGS;
use crate::command::prelude::*;
use crate::engine::blocked::Wake;
use crate::session::SessionCx;

pub(super) const UNBLOCK: CommandSpec = CommandSpec {
    name: "CLIENT|UNBLOCK",
    group: Group::Connection,
    summary: "Ends the wait of a connection, as if its time were up or with an error.",
    syntax: "CLIENT UNBLOCK client-id [TIMEOUT | ERROR]",
    complexity: "O(log N) in the number of connections that wait",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(3),
    keys: Keys::None,
    flags: ADMIN_FLAGS,
    run: Run::Session(unblock),
};

fn unblock(cx: &mut SessionCx<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let id = args.bytes()?;
    let wake = if args.peek().is_none() || args.eat(b"TIMEOUT") {
        Wake::TimedOut
    } else if args.eat(b"ERROR") {
        Wake::Unblocked
    } else {
        return Err(CommandError::err(
            "CLIENT UNBLOCK reason should be TIMEOUT or ERROR",
        ));
    };
    let id = u64::try_from(crate::command::args::integer(id)?).unwrap_or(0);
    let client = cx.server.clients.find(id);
    let unblocked = client.is_some_and(|client| cx.end_wait(&client, Some(wake)));
    reply.int(i64::from(unblocked));
    Ok(())
}
