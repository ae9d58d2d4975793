//! What replies show of streams.

use kv_core::{Elements, StreamEntry, StreamId};
use kv_proto::Reply;

/// In the place of IDs that are filled in.
pub(super) const NO_IDS: Elements<'static> = Elements::new(&[]);

/// An ID.
pub(super) fn id(id: StreamId, reply: &mut Reply<'_>) {
    reply.bulk(id.to_string().as_bytes());
}

/// An entry: its ID, and its fields and values.
pub(super) fn entry(entry: StreamEntry<'_>, reply: &mut Reply<'_>) {
    reply.array(2);
    id(entry.id(), reply);
    reply.array(entry.len() * 2);
    for (name, value) in entry.fields() {
        reply.bulk(name);
        reply.bulk(value);
    }
}

/// A count.
pub(super) fn count(count: u64, reply: &mut Reply<'_>) {
    reply.int(i64::try_from(count).unwrap_or(i64::MAX));
}
