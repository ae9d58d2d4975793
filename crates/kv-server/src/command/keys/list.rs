//! `KEYS pattern`: all keys whose names fit a pattern.

use kv_core::Cursor;

use crate::command::glob;
use crate::command::prelude::*;
use crate::engine::ServerCx;

pub(super) const KEYS: CommandSpec = CommandSpec {
    name: "KEYS",
    group: Group::Keys,
    summary: "Returns all keys whose names fit a pattern.",
    syntax: "KEYS pattern",
    complexity: "O(N) in the number of keys of the database",
    since: "0.1.0",
    compat: Compat::Differs(
        "Others are not held up meanwhile, so keys that come or go meanwhile may be missing or not.",
    ),
    arity: Arity::exactly(2),
    keys: Keys::None,
    flags: Flags::READS_KEYSPACE.union(Flags::DANGEROUS),
    run: Run::Server(keys),
};

/// Keys that are shown before others get their turn.
const SLICE_KEYS: usize = 1_000;

fn keys(cx: &ServerCx<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let pattern = args.bytes()?;
    args.finish()?;
    let (mut found, mut cursor) = (Vec::new(), Cursor::START);
    loop {
        cursor = cx.scan(cursor, SLICE_KEYS, &mut |item| {
            if glob::matches_exactly(pattern, item.key) {
                found.push(Box::<[u8]>::from(item.key));
            }
        });
        if cursor == Cursor::START {
            break;
        }
    }
    reply.array(found.len());
    found.iter().for_each(|key| reply.bulk(key));
    Ok(())
}
