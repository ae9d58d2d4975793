//! `XDEL`, `XDELEX`, `XACKDEL`: remove entries by their IDs.

use kv_core::{StreamChange, StreamId};

use super::id::strict;
use super::references::References;
use super::show;
use super::show::NO_IDS;
use crate::command::prelude::*;

pub(super) const XDEL: CommandSpec = CommandSpec {
    name: "XDEL",
    group: Group::Stream,
    summary: "Removes entries from a stream and returns how many there were.",
    syntax: "XDEL key id [id ...]",
    complexity: "O(log(N)) for each ID, in the number of entries",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(3),
    keys: Keys::one(1, Access::DELETE),
    flags: Flags::FAST.union(Flags::NEVER_GROWS),
    run: Run::Write(xdel),
};

pub(super) const XDELEX: CommandSpec = CommandSpec {
    name: "XDELEX",
    group: Group::Stream,
    summary: "Removes entries from a stream, with or without what groups know of them, and tells of each whether it \
              went.",
    syntax: "XDELEX key [KEEPREF | DELREF | ACKED] IDS numids id [id ...]",
    complexity: "O(log(N)) for each ID, in the number of entries",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(5),
    keys: Keys::one(1, Access::DELETE),
    flags: Flags::FAST.union(Flags::NEVER_GROWS),
    run: Run::Write(xdelex),
};

pub(super) const XACKDEL: CommandSpec = CommandSpec {
    name: "XACKDEL",
    group: Group::Stream,
    summary: "Acknowledges entries for a group and removes them from the stream; tells of each whether it went.",
    syntax: "XACKDEL key group [KEEPREF | DELREF | ACKED] IDS numids id [id ...]",
    complexity: "O(log(N)) for each ID, in the number of entries",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(6),
    keys: Keys::one(1, Access::DELETE),
    flags: Flags::FAST.union(Flags::NEVER_GROWS),
    run: Run::Write(xackdel),
};

/// There is nothing of this ID.
const MISSING: i64 = -1;
/// The entry is gone.
const GONE: i64 = 1;
/// The entry stays: a group still refers to it.
const REFERRED: i64 = 2;

fn xdel(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let Some(stream) = txn.stream(key)? else {
        reply.int(0);
        return Ok(());
    };
    let ids = args.rest().map(|word| strict(word, 0));
    let ids: Vec<StreamId> = ids.collect::<Result<_, _>>()?;
    let mut there: Vec<StreamId> = ids
        .into_iter()
        .filter(|id| stream.get(*id).is_some())
        .collect();
    there.sort_unstable();
    there.dedup();
    remove(txn, key, &there)?;
    show::count(there.len() as u64, reply);
    Ok(())
}

fn remove(txn: &mut Txn<'_>, key: &[u8], ids: &[StreamId]) -> Result<(), CommandError> {
    if !ids.is_empty() {
        txn.change_stream_ids(key, ids, StreamChange::Delete { ids: NO_IDS })?;
        txn.announce(key, event::XDEL);
    }
    Ok(())
}

/// Reads what stands behind the key and the group.
fn options(mut args: Args<'_>) -> Result<(References, Vec<StreamId>), CommandError> {
    let mut references = References::Keep;
    while references.eat(&mut args) {}
    if !args.eat(b"IDS") {
        return Err(CommandError::SYNTAX);
    }
    let count = args.at_least(1, "Number of IDs must be a positive integer")?;
    if args.len() != count {
        return Err(CommandError::err(
            "The `numids` parameter must match the number of arguments",
        ));
    }
    let ids = args.rest().map(|word| strict(word, 0));
    Ok((references, ids.collect::<Result<_, _>>()?))
}

fn xdelex(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let (references, ids) = options(args)?;
    let Some(stream) = txn.stream(key)? else {
        reply.array(ids.len());
        ids.iter().for_each(|_| reply.int(MISSING));
        return Ok(());
    };
    let mut gone = Vec::new();
    reply.array(ids.len());
    for id in ids {
        let outcome = match stream.get(id) {
            // What no group has been given yet is referred to before it is there, as in Redis.
            _ if !references.allows(stream, id) => REFERRED,
            None => MISSING,
            Some(_) if gone.contains(&id) => MISSING,
            Some(_) => {
                gone.push(id);
                GONE
            }
        };
        reply.int(outcome);
    }
    references.forget(txn, key, &gone)?;
    remove(txn, key, &gone)
}

fn xackdel(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let (key, name) = (args.key()?, args.bytes()?);
    let (references, ids) = options(args)?;
    let group = txn.stream(key)?.and_then(|stream| stream.group(name));
    let Some(group) = group else {
        reply.array(ids.len());
        ids.iter().for_each(|_| reply.int(MISSING));
        return Ok(());
    };
    let mut known: Vec<StreamId> = Vec::new();
    for id in &ids {
        if group.pending(*id).is_some() && !known.contains(id) {
            known.push(*id);
        }
    }
    txn.change_stream_ids(
        key,
        &known,
        StreamChange::Acknowledge {
            group: name,
            ids: NO_IDS,
        },
    )?;
    txn.announce_nothing(key);
    let mut gone = Vec::new();
    reply.array(ids.len());
    if let Some(stream) = txn.stream(key)? {
        let mut left = known;
        for id in ids {
            let Some(place) = left.iter().position(|known| *known == id) else {
                reply.int(MISSING);
                continue;
            };
            left.swap_remove(place);
            if references.allows(stream, id) {
                gone.extend(stream.get(id).map(|_| id));
                reply.int(GONE);
            } else {
                reply.int(REFERRED);
            }
        }
    }
    references.forget(txn, key, &gone)?;
    txn.announce_nothing(key);
    remove(txn, key, &gone)
}
