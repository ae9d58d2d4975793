//! `SWAPDB index1 index2`: two databases change places.

use super::database;
use crate::command::prelude::*;

pub(super) const SWAPDB: CommandSpec = CommandSpec {
    name: "SWAPDB",
    group: Group::Keys,
    summary: "Lets two databases change places: every connection sees the keys of the other one at once.",
    syntax: "SWAPDB index1 index2",
    complexity: "O(1) in the number of keys",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(3),
    keys: Keys::None,
    flags: Flags::WHOLE_KEYSPACE
        .union(Flags::FAST)
        .union(Flags::NEVER_GROWS)
        .union(Flags::DANGEROUS),
    run: Run::Write(swapdb),
};

fn swapdb(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let no_index = |which| CommandError::err(format!("invalid {which} DB index"));
    let one = args.int().map_err(|_| no_index("first"))?;
    let other = args.int().map_err(|_| no_index("second"))?;
    args.finish()?;
    let one = database::numbered(txn, one)?;
    let other = database::numbered(txn, other)?;
    txn.swap_dbs(one, other);
    reply.ok();
    Ok(())
}
