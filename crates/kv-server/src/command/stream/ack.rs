//! `XACK`: a consumer is done with entries.

use kv_core::StreamId;

use super::delivery::Recipient;
use super::id::strict;
use super::show;
use crate::command::prelude::*;

pub(super) const XACK: CommandSpec = CommandSpec {
    name: "XACK",
    group: Group::Stream,
    summary: "Takes entries off what is pending in a group and returns how many there were.",
    syntax: "XACK key group id [id ...]",
    complexity: "O(log(N)) for each ID, in the number of pending entries",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(4),
    keys: Keys::one(1, Access::UPDATE),
    flags: Flags::FAST.union(Flags::NEVER_GROWS),
    run: Run::Write(xack),
};

fn xack(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let of = Recipient {
        key: args.key()?,
        group: args.bytes()?,
        consumer: b"",
    };
    let stream = txn.stream(of.key)?;
    let Some(group) = stream.and_then(|stream| stream.group(of.group)) else {
        reply.int(0);
        return Ok(());
    };
    let ids = args.rest().map(|word| strict(word, 0));
    let mut ids: Vec<StreamId> = ids.collect::<Result<_, _>>()?;
    ids.retain(|id| group.pending(*id).is_some());
    ids.sort_unstable();
    ids.dedup();
    of.forget(txn, &ids)?;
    show::count(ids.len() as u64, reply);
    Ok(())
}
