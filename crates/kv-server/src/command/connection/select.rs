//! `SELECT index`: chooses the connection's database.

use kv_core::Db;

use crate::command::prelude::*;
use crate::session::SessionCx;

pub(super) const SELECT: CommandSpec = CommandSpec {
    name: "SELECT",
    group: Group::Connection,
    summary: "Chooses the database that the connection works on from now on.",
    syntax: "SELECT index",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(2),
    keys: Keys::None,
    flags: Flags::FAST.union(Flags::LOADING).union(Flags::STALE),
    run: Run::Session(select),
};

fn select(cx: &mut SessionCx<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let index = args.database()?;
    args.finish()?;
    cx.state.db = u16::try_from(index)
        .ok()
        .filter(|&index| index < cx.server.engine.databases())
        .map(Db)
        .ok_or_else(|| CommandError::err("DB index is out of range"))?;
    reply.ok();
    Ok(())
}
