//! `DBSIZE`: how many keys there are.

use crate::command::prelude::*;
use crate::engine::ServerCx;

pub(super) const DBSIZE: CommandSpec = CommandSpec {
    name: "DBSIZE",
    group: Group::Server,
    summary: "Returns the number of keys of the database.",
    syntax: "DBSIZE",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(1),
    keys: Keys::None,
    flags: Flags::FAST.union(Flags::READS_KEYSPACE),
    run: Run::Server(dbsize),
};

fn dbsize(cx: &ServerCx<'_>, _args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    reply.int(i64::try_from(cx.count(cx.db)).unwrap_or(i64::MAX));
    Ok(())
}
