//! `CLIENT DURABILITY [ALWAYS | EVERYSEC | NO]`: what the replies of one connection wait for.

use kv_wal::Durability;

use super::CLIENT_FLAGS;
use crate::command::prelude::*;
use crate::session::SessionCx;

pub(super) const DURABILITY: CommandSpec = CommandSpec {
    name: "CLIENT|DURABILITY",
    group: Group::Connection,
    summary: "Chooses what must have happened to data before a reply of this connection shows it, or tells it.",
    syntax: "CLIENT DURABILITY [ALWAYS | EVERYSEC | NO]",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Differs("Redis has no such command."),
    arity: Arity::at_least(2),
    keys: Keys::None,
    flags: CLIENT_FLAGS,
    run: Run::Session(durability),
};

fn durability(cx: &mut SessionCx<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let engine = &cx.server.engine;
    let Some(word) = args.peek() else {
        let chosen = cx.state.durability.map(Durability::name);
        reply.bulk(chosen.unwrap_or(engine.promised()).as_bytes());
        return Ok(());
    };
    args.bytes()?;
    args.finish()?;
    let chosen = policy(word)?;
    engine.can_promise(chosen).map_err(CommandError::err)?;
    cx.state.durability = Some(chosen);
    if chosen == Durability::Always {
        // Its own reply waits for everything so far; from then on reads name what is not durable.
        let newest = engine.tell_undurable();
        cx.state.shows(newest);
    }
    reply.ok();
    Ok(())
}

fn policy(word: &[u8]) -> Result<Durability, CommandError> {
    Durability::ALL
        .into_iter()
        .find(|policy| policy.name().as_bytes().eq_ignore_ascii_case(word))
        .ok_or(CommandError::SYNTAX)
}
