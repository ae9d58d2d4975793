//! `WATCH key [key ...]`, `UNWATCH`: a transaction that runs only if nothing has changed.

use super::multi::FLAGS;
use crate::command::prelude::*;
use crate::session::SessionCx;
use crate::session::transaction::Watching;

pub(super) const WATCH: CommandSpec = CommandSpec {
    name: "WATCH",
    group: Group::Transactions,
    summary: "Lets the next EXEC do nothing if one of the keys has changed by then.",
    syntax: "WATCH key [key ...]",
    complexity: "O(N) in the number of keys",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(2),
    keys: Keys::from(1, Access::NONE),
    flags: FLAGS.union(Flags::NO_MULTI).union(Flags::FAST),
    run: Run::Session(watch),
};

pub(super) const UNWATCH: CommandSpec = CommandSpec {
    name: "UNWATCH",
    group: Group::Transactions,
    summary: "Forgets the watched keys.",
    syntax: "UNWATCH",
    complexity: "O(N) in the number of watched keys",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(1),
    keys: Keys::None,
    flags: FLAGS.union(Flags::FAST),
    run: Run::Session(unwatch),
};

fn watch(cx: &mut SessionCx<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let now = cx.server.engine.now();
    let server = cx.server;
    let watching = cx
        .state
        .watching
        .get_or_insert_with(|| Watching::new(server));
    for key in args.rest() {
        watching.add(cx.state.db, key, now);
    }
    reply.ok();
    Ok(())
}

fn unwatch(cx: &mut SessionCx<'_>, _args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    cx.state.watching = None;
    reply.ok();
    Ok(())
}
