//! `DEL key [key ...]`, `UNLINK key [key ...]`: remove keys.

use crate::command::prelude::*;

pub(super) const DEL: CommandSpec = CommandSpec {
    name: "DEL",
    group: Group::Keys,
    summary: "Deletes one or more keys.",
    syntax: "DEL key [key ...]",
    complexity: "O(N) in the number of keys",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(2),
    keys: Keys::from(1, Access::DELETE),
    flags: Flags::NEVER_GROWS,
    run: Run::Write(delete),
};

pub(super) const UNLINK: CommandSpec = CommandSpec {
    name: "UNLINK",
    group: Group::Keys,
    summary: "Deletes one or more keys.",
    syntax: "UNLINK key [key ...]",
    complexity: "O(N) in the number of keys",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(2),
    keys: Keys::from(1, Access::DELETE),
    flags: Flags::FAST.union(Flags::NEVER_GROWS),
    run: Run::Write(delete),
};

fn delete(txn: &mut Txn<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let asked = args.len();
    let mut removed = 0;
    for key in args.rest() {
        removed += i64::from(txn.delete(key));
    }
    reply.removed(removed, asked);
    Ok(())
}
