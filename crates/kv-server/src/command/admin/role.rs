//! `ROLE`: which part the server has in a replication.

use crate::command::prelude::*;

pub(super) const ROLE: CommandSpec = CommandSpec {
    name: "ROLE",
    group: Group::Server,
    summary: "Returns the part that the server has in a replication.",
    syntax: "ROLE",
    complexity: "O(1)",
    since: "0.2.0",
    compat: Compat::Differs("There are no replicas yet: always a master of none, at offset 0."),
    arity: Arity::exactly(1),
    keys: Keys::None,
    flags: Flags::ADMIN
        .union(Flags::DANGEROUS)
        .union(Flags::NO_SCRIPT)
        .union(Flags::LOADING)
        .union(Flags::STALE)
        .union(Flags::FAST),
    run: Run::Pure(role),
};

fn role(_args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    reply.array(3);
    reply.bulk(b"master");
    reply.int(0);
    reply.array(0);
    Ok(())
}
