//! `DUMP key`: a value as bytes that another server understands.

use crate::command::prelude::*;
use crate::rdb;

pub(super) const DUMP: CommandSpec = CommandSpec {
    name: "DUMP",
    group: Group::Keys,
    summary: "Returns what a key holds as bytes that RESTORE takes, here, in Redis or in Valkey.",
    syntax: "DUMP key",
    complexity: "O(N) in the size of the value",
    since: "0.1.0",
    compat: Compat::Differs(
        "The value has its plainest form, which Redis and Valkey read and do not write themselves; a hash whose fields \
         expire has the form of Redis, which Valkey does not read.",
    ),
    arity: Arity::exactly(2),
    keys: Keys::one(1, Access::READ),
    flags: Flags::NONE,
    run: Run::Read(dump),
};

fn dump(view: &mut View<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    args.finish()?;
    match view.value(key).and_then(rdb::dump) {
        Some(payload) => reply.bulk(&payload),
        None => reply.null(),
    }
    Ok(())
}
