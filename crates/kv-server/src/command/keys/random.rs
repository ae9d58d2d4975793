//! `RANDOMKEY`: any key.

use kv_core::Cursor;

use crate::command::prelude::*;
use crate::engine::{ServerCx, lot};

pub(super) const RANDOMKEY: CommandSpec = CommandSpec {
    name: "RANDOMKEY",
    group: Group::Keys,
    summary: "Returns a key drawn by lot.",
    syntax: "RANDOMKEY",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(1),
    keys: Keys::None,
    flags: Flags::READS_KEYSPACE,
    run: Run::Server(randomkey),
};

/// From so many keys side by side one is drawn.
const DRAWN_FROM: usize = 16;

fn randomkey(cx: &ServerCx<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    args.finish()?;
    let from = cx.server.engine.any_cursor();
    let key = any_key(cx, from)
        .or_else(|| any_key(cx, Cursor::START))
        .or_else(|| expired_key(cx));
    match key {
        Some(key) => reply.bulk(&key),
        None => reply.null(),
    }
    Ok(())
}

/// Where nothing may be removed, as writes are paused, a key that has expired is better than none.
fn expired_key(cx: &ServerCx<'_>) -> Option<Box<[u8]>> {
    if !cx.server.pause.holds_up_writes() {
        return None;
    }
    let (mut key, mut cursor) = (None, Cursor::START);
    loop {
        cursor = cx.scan_memory(cx.db, cursor, DRAWN_FROM, &mut |item| {
            key.get_or_insert_with(|| Box::from(item.key));
        });
        if key.is_some() || cursor == Cursor::START {
            return key;
        }
    }
}

/// One of the first keys from `cursor` on, drawn by lot.
fn any_key(cx: &ServerCx<'_>, mut cursor: Cursor) -> Option<Box<[u8]>> {
    loop {
        let mut keys: Vec<Box<[u8]>> = Vec::new();
        let next = cx.scan(cursor, DRAWN_FROM, &mut |item| {
            keys.push(item.key.into());
        });
        if !keys.is_empty() {
            return Some(keys.swap_remove(lot::below(keys.len())));
        }
        if next == Cursor::START {
            return None;
        }
        cursor = next;
    }
}
