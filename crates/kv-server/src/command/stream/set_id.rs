//! `XSETID`: sets what a stream knows of entries that were there.

use kv_core::{StreamChange, StreamId};

use super::id::strict;
use crate::command::prelude::*;

pub(super) const XSETID: CommandSpec = CommandSpec {
    name: "XSETID",
    group: Group::Stream,
    summary: "Sets the last ID of a stream; for those who bring streams from elsewhere.",
    syntax: "XSETID key last-id [ENTRIESADDED entries-added] [MAXDELETEDID max-deleted-id]",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(3),
    keys: Keys::one(1, Access::UPDATE),
    flags: Flags::FAST,
    run: Run::Write(xsetid),
};

fn xsetid(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let last = strict(args.bytes()?, 0)?;
    let (mut added, mut deleted) = (None, StreamId::MIN);
    while args.len() > 0 {
        if args.len() > 1 && args.eat(b"ENTRIESADDED") {
            let number = u64::try_from(args.int()?);
            added = Some(number.map_err(|_| CommandError::err("entries_added must be positive"))?);
        } else if args.len() > 1 && args.eat(b"MAXDELETEDID") {
            deleted = strict(args.bytes()?, 0)?;
            if last < deleted {
                return Err(CommandError::err(
                    "The ID specified in XSETID is smaller than the provided max_deleted_entry_id",
                ));
            }
        } else {
            return Err(CommandError::SYNTAX);
        }
    }
    let stream = txn.stream(key)?.ok_or(CommandError::NO_SUCH_KEY)?;
    if last < stream.max_deleted_id() {
        return Err(CommandError::err(
            "The ID specified in XSETID is smaller than current max_deleted_entry_id",
        ));
    }
    if stream.last().is_some_and(|entry| last < entry.id()) {
        return Err(CommandError::err(
            "The ID specified in XSETID is smaller than the target stream top item",
        ));
    }
    if added.is_some_and(|added| !stream.is_empty() && added < stream.len() as u64) {
        return Err(CommandError::err(
            "The entries_added specified in XSETID is smaller than the target stream length",
        ));
    }
    let change = StreamChange::SetIds {
        last,
        max_deleted: if deleted == StreamId::MIN {
            stream.max_deleted_id()
        } else {
            deleted
        },
        added: added.unwrap_or(stream.added()),
    };
    txn.change_stream(key, change)?;
    txn.announce(key, event::XSETID);
    reply.ok();
    Ok(())
}
