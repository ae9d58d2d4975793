//! `XREAD`: shows what came behind known entries, and waits for it.

use kv_core::StreamId;
use kv_proto::{Request, RequestArgs};

use super::add::count_up_to;
use super::id::strict;
use super::sources::Sources;
use super::{show, sources};
use crate::command::prelude::*;
use crate::command::spec::Turn;

pub(super) const XREAD: CommandSpec = CommandSpec {
    name: "XREAD",
    group: Group::Stream,
    summary: "Returns the entries of streams behind the given IDs; waits until there is one if it is told to.",
    syntax: "XREAD [COUNT count] [BLOCK milliseconds] STREAMS key [key ...] id [id ...]",
    complexity: "O(log(N)+M) for each stream, in the number of entries there and returned",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(4),
    keys: Keys::HalfBehind {
        word: "STREAMS",
        from: 1,
        access: Access::READ,
    },
    flags: Flags::NONE,
    run: Run::Block(xread),
};

fn xread(txn: &mut Txn<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> Result<Turn, CommandError> {
    let sources = Sources::parse(args, txn)?;
    let mut behind = Vec::new();
    for (key, word) in &sources.streams {
        behind.push(start(txn, key, word)?);
    }
    let mut found = Vec::new();
    for ((key, _), behind) in sources.streams.iter().zip(&behind) {
        if let Some(stream) = txn.stream(key)? {
            let first = count_up_to(stream, *behind);
            let count = (stream.len() - first).min(sources.count);
            if count > 0 {
                found.push((*key, first..first + count));
            }
        }
    }
    if found.is_empty() {
        return Ok(match sources.waits(false) {
            Some(wait) => Turn::WaitAs(wait, fixed(args, &sources, &behind)),
            None => {
                reply.null_array();
                Turn::Done
            }
        });
    }
    sources::begin(found.len(), reply);
    for (key, range) in found {
        sources::stream(key, range.len(), reply);
        if let Some(stream) = txn.stream(key)? {
            stream
                .range(range)
                .for_each(|entry| show::entry(entry, reply));
        }
    }
    Ok(Turn::Done)
}

/// The ID behind which a stream is read.
fn start(txn: &mut Txn<'_>, key: &[u8], word: &[u8]) -> Result<StreamId, CommandError> {
    let stream = txn.stream(key)?;
    match word {
        b"$" => Ok(stream.map_or(StreamId::MIN, |stream| stream.last_id())),
        b"+" => {
            let last = stream.and_then(|stream| stream.last());
            let before = last.and_then(|entry| entry.id().previous());
            Ok(before.unwrap_or_else(|| stream.map_or(StreamId::MIN, |stream| stream.last_id())))
        }
        b">" => Err(CommandError::err(
            "The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.",
        )),
        word => strict(word, 0),
    }
}

/// The request as it waits: behind which entries is settled now.
fn fixed(args: Args<'_>, sources: &Sources<'_>, behind: &[StreamId]) -> Box<Request> {
    let mut words = RequestArgs::new();
    words.push_word(args.name());
    let given: Vec<&[u8]> = args.rest().collect();
    let ids_at = sources.keys_at + behind.len();
    given
        .iter()
        .take(ids_at)
        .for_each(|word| words.push_word(word));
    for id in behind {
        words.push_word(id.to_string().as_bytes());
    }
    Box::new(Request::from_ref(words.view(&[])))
}
