//! `XREADGROUP`: gives a consumer what its group has not been given yet, or shows what is pending for it.

use kv_core::{StreamChange, StreamId};

use super::delivery::Recipient;
use super::id::strict;
use super::progress::passed_with;
use super::sources::Sources;
use super::{show, sources};
use crate::command::prelude::*;
use crate::command::spec::Turn;

pub(super) const XREADGROUP: CommandSpec = CommandSpec {
    name: "XREADGROUP",
    group: Group::Stream,
    summary: "Returns entries of streams that no consumer of a group has got, or those pending for a consumer; waits \
              until there is one if it is told to.",
    syntax: "XREADGROUP GROUP group consumer [COUNT count] [BLOCK milliseconds] [NOACK] STREAMS key [key ...] id \
             [id ...]",
    complexity: "O(log(N)+M) for each stream, in the number of entries there and returned",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(7),
    keys: Keys::HalfBehind {
        word: "STREAMS",
        from: 4,
        access: Access::READ.union(Access::UPDATE),
    },
    flags: Flags::NONE,
    run: Run::Block(xreadgroup),
};

/// What of a stream is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Entries that the group has not been given.
    New,
    /// What is pending for the consumer behind this ID.
    PendingBehind(StreamId),
}

fn xreadgroup(
    txn: &mut Txn<'_>,
    args: Args<'_>,
    reply: &mut Reply<'_>,
) -> Result<Turn, CommandError> {
    let sources = Sources::parse(args, txn)?;
    let (group, consumer) = sources.group.unwrap_or_default();
    let mut parts = Vec::new();
    for (key, word) in &sources.streams {
        let of = Recipient {
            key,
            group,
            consumer,
        };
        txn.stream(key)?;
        of.group(txn).map_err(|error| CommandError {
            message: format!("{} in XREADGROUP with GROUP option", error.message).into(),
            ..error
        })?;
        parts.push((of, part(word)?));
    }
    let mut served = Vec::new();
    for (of, part) in parts {
        let is_new = part == Part::New;
        let has_any = match txn.stream(of.key)? {
            Some(stream) => stream
                .group(group)
                .zip(stream.last())
                .is_some_and(|(group, last)| group.last_id() < last.id()),
            None => false,
        };
        of.see(txn, false)?;
        if !is_new || has_any {
            served.push((of, part));
        }
    }
    if served.is_empty() {
        return Ok(sources.nothing(reply));
    }
    sources::begin(served.len(), reply);
    for (of, part) in served {
        match part {
            Part::New => give_new(txn, &of, &sources, reply)?,
            Part::PendingBehind(id) => show_pending(txn, &of, id, sources.count, reply)?,
        }
    }
    Ok(Turn::Done)
}

fn part(word: &[u8]) -> Result<Part, CommandError> {
    let meaningless = |name: &str| {
        CommandError::err(format!(
            "The {name} ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer \
             by specifying a proper ID, or use the > ID to get new messages. The {name} ID would just return an empty \
             result set."
        ))
    };
    match word {
        b">" => Ok(Part::New),
        b"$" => Err(meaningless("$")),
        b"+" => Err(meaningless("+")),
        word => Ok(Part::PendingBehind(strict(word, 0)?)),
    }
}

/// Gives the consumer entries that are new to the group.
fn give_new(
    txn: &mut Txn<'_>,
    of: &Recipient<'_>,
    sources: &Sources<'_>,
    reply: &mut Reply<'_>,
) -> Result<(), CommandError> {
    let now = txn.now();
    let mut given = Vec::new();
    let (mut last, mut read) = (StreamId::MIN, None);
    if let Some(stream) = txn.stream(of.key)?
        && let Some(group) = stream.group(of.group)
    {
        (last, read) = (group.last_id(), group.entries_read());
        let first = super::add::count_up_to(stream, last);
        let entries = stream.range(first..first.saturating_add(sources.count));
        sources::stream(of.key, entries.len(), reply);
        for entry in entries {
            read = passed_with(stream, last, read, entry.id());
            last = entry.id();
            given.push((entry.id(), 1));
            show::entry(entry, reply);
        }
    }
    if given.is_empty() {
        return Ok(());
    }
    let group = of.group;
    txn.change_stream(of.key, StreamChange::SetGroup { group, last, read })?;
    if !sources.no_ack {
        of.give(txn, now, &given)?;
    }
    txn.announce_nothing(of.key);
    of.see(txn, true)
}

/// Shows what is pending for the consumer behind `id`, once more.
fn show_pending(
    txn: &mut Txn<'_>,
    of: &Recipient<'_>,
    id: StreamId,
    count: usize,
    reply: &mut Reply<'_>,
) -> Result<(), CommandError> {
    let now = txn.now();
    let mut shown = Vec::new();
    if let Some(stream) = txn.stream(of.key)?
        && let Some(group) = stream.group(of.group)
    {
        let consumer = group.consumer(of.consumer).zip(id.next());
        let ids = consumer.map(|(consumer, from)| consumer.pending_from(from).take(count));
        let ids: Vec<StreamId> = ids.into_iter().flatten().collect();
        sources::stream(of.key, ids.len(), reply);
        for id in ids {
            match stream.get(id) {
                Some(entry) => {
                    let before = group.pending(id).map_or(0, |pending| pending.deliveries());
                    shown.push((id, before.saturating_add(1)));
                    show::entry(entry, reply);
                }
                None => {
                    reply.array(2);
                    show::id(id, reply);
                    reply.null_array();
                }
            }
        }
    }
    of.give(txn, now, &shown)
}
