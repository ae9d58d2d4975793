//! `CLIENT NO-EVICT` and `CLIENT NO-TOUCH`: how a connection wants to be treated.

use super::CLIENT_FLAGS;
use crate::command::prelude::*;
use crate::session::SessionCx;

pub(super) const NO_EVICT: CommandSpec = CommandSpec {
    name: "CLIENT|NO-EVICT",
    group: Group::Connection,
    summary: "Asks that the connection is not closed to save memory.",
    syntax: "CLIENT NO-EVICT <ON | OFF>",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(3),
    keys: Keys::None,
    flags: super::ADMIN_FLAGS,
    run: Run::Session(|cx, args, reply| {
        cx.state.client.identity().stays = on_or_off(args, reply)?;
        Ok(())
    }),
};

pub(super) const NO_TOUCH: CommandSpec = CommandSpec {
    name: "CLIENT|NO-TOUCH",
    group: Group::Connection,
    summary: "Asks that reads of the connection do not count as uses of keys.",
    syntax: "CLIENT NO-TOUCH <ON | OFF>",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(3),
    keys: Keys::None,
    flags: CLIENT_FLAGS,
    run: Run::Session(no_touch),
};

fn no_touch(cx: &mut SessionCx<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let on = on_or_off(args, reply)?;
    cx.state.leaves_no_trace = on;
    cx.state.client.identity().leaves_no_trace = on;
    Ok(())
}

fn on_or_off(mut args: Args<'_>, reply: &mut Reply<'_>) -> Result<bool, CommandError> {
    let on = args.eat(b"ON");
    if !on && !args.eat(b"OFF") {
        return Err(CommandError::SYNTAX);
    }
    args.finish()?;
    reply.ok();
    Ok(on)
}
