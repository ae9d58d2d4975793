//! How far a group has come in its stream, as far as that can be known: entries that were deleted by name leave holes
//! in the count.

use kv_core::{Group, Stream, StreamId};

/// Whether an entry behind `from`, or at it, may have been deleted by name.
fn has_holes_from(stream: &Stream, from: StreamId) -> bool {
    let Some(first) = stream.first() else {
        return false;
    };
    let deleted = stream.max_deleted_id();
    deleted != StreamId::MIN && deleted >= first.id() && from <= deleted
}

/// How many entries the stream ever had up to `id`; `None`: that cannot be told.
pub(super) fn passed(stream: &Stream, id: StreamId) -> Option<u64> {
    if stream.added() == 0 {
        return Some(0);
    }
    let Some(first) = stream.first() else {
        return (id <= stream.last_id()).then_some(stream.added());
    };
    let first = first.id();
    if id != StreamId::MIN && id < stream.max_deleted_id() {
        return None;
    }
    if id >= stream.last_id() {
        return (id == stream.last_id()).then_some(stream.added());
    }
    let is_whole = stream.max_deleted_id() < first;
    let before_first = stream.added().saturating_sub(stream.len() as u64);
    match id {
        id if is_whole && id < first => Some(before_first),
        id if is_whole && id == first => Some(before_first + 1),
        _ => None,
    }
}

/// How many entries a group will have passed with `id`, the next one it is given.
pub(super) fn passed_with(
    stream: &Stream,
    before: StreamId,
    read: Option<u64>,
    id: StreamId,
) -> Option<u64> {
    // What was trimmed behind the group's last entry was passed too.
    let is_next = stream.first().is_some_and(|first| first.id() <= before);
    match read {
        Some(read) if is_next && !has_holes_from(stream, before) => Some(read.saturating_add(1)),
        _ if stream.added() > 0 => passed(stream, id),
        read => read,
    }
}

/// How many entries a group has not been given yet.
pub(super) fn lag(stream: &Stream, group: &Group) -> Option<u64> {
    if stream.is_empty() || stream.added() == 0 {
        return Some(0);
    }
    let read = match group.entries_read() {
        Some(read) if !has_holes_from(stream, group.last_id()) => read,
        _ => passed(stream, group.last_id())?,
    };
    Some(stream.added().saturating_sub(read))
}
