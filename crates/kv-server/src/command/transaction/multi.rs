//! `MULTI`, `EXEC`, `DISCARD`: requests are kept until all of them run as one.

use crate::command::prelude::*;
use crate::engine::transaction::exec;
use crate::session::SessionCx;

pub(super) const MULTI: CommandSpec = CommandSpec {
    name: "MULTI",
    group: Group::Transactions,
    summary: "Begins a transaction: the requests that follow are kept for EXEC.",
    syntax: "MULTI",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(1),
    keys: Keys::None,
    flags: FLAGS.union(Flags::NO_MULTI).union(Flags::FAST),
    run: Run::Session(multi),
};

pub(super) const EXEC: CommandSpec = CommandSpec {
    name: "EXEC",
    group: Group::Transactions,
    summary: "Runs all requests of the transaction as one, unless a watched key has changed.",
    syntax: "EXEC",
    complexity: "Depends on the requests of the transaction.",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(1),
    keys: Keys::None,
    flags: Flags::NO_SCRIPT
        .union(Flags::LOADING)
        .union(Flags::STALE)
        .union(Flags::NOT_QUEUED),
    run: Run::Exec(exec),
};

pub(super) const DISCARD: CommandSpec = CommandSpec {
    name: "DISCARD",
    group: Group::Transactions,
    summary: "Forgets the requests of the transaction and the watched keys.",
    syntax: "DISCARD",
    complexity: "O(N) in the number of requests",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(1),
    keys: Keys::None,
    flags: FLAGS.union(Flags::NOT_QUEUED).union(Flags::FAST),
    run: Run::Session(discard),
};

/// The flags of commands that any connection may use at any time.
pub(super) const FLAGS: Flags = Flags::NO_SCRIPT
    .union(Flags::LOADING)
    .union(Flags::STALE)
    .union(Flags::ALLOW_BUSY);

fn multi(cx: &mut SessionCx<'_>, _args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    cx.state.multi = Some(Box::default());
    reply.ok();
    Ok(())
}

fn discard(cx: &mut SessionCx<'_>, _args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    if cx.state.multi.take().is_none() {
        return Err(CommandError::err("DISCARD without MULTI"));
    }
    cx.state.watching = None;
    reply.ok();
    Ok(())
}
