//! Streams in dumped form.
//!
//! ```text
//! nodes: first ID (16 bytes, as a string), listpack ...
//! entries | last ID | first ID | highest deleted ID | added
//! groups: name, last ID, entries read, pending: (ID in 16 bytes, time, deliveries) ...
//!         consumers: name, time seen, time active, pending: (ID in 16 bytes) ...
//!
//! listpack: live entries, deleted ones, count of names, name ..., 0,
//!           then of each entry: flags, ms and seq since the first ID, [count, name, value ... | value ...], how many
//!           elements that were
//! ```

use std::collections::BTreeMap;

use kv_core::{Elements, Stream, StreamChange, StreamEntry, StreamId, UnixMillis};

use super::Damaged;
use super::listpack::{Entry, Listpack, ListpackWriter};
use super::object::Words;
use super::read::Reader;
use super::write::{put_length, put_string};

/// The entry is no more.
const DELETED: i64 = 1;
/// The entry's names are those of the node.
const SAME_NAMES: i64 = 2;
/// Entries of a node that is written.
const NODE_ENTRIES: usize = 100;

/// How many fields of the form a version has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Form {
    /// Of Redis 5.
    First,
    /// Of Redis 7.0: what is known of entries that were there.
    Second,
    /// Of Redis 7.2: when consumers were active.
    Third,
}

/// A stream that has been read.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct StreamContent {
    entries: Vec<(StreamId, Words)>,
    last: StreamId,
    max_deleted: StreamId,
    added: u64,
    groups: Vec<GroupContent>,
}

#[derive(Debug, Default, PartialEq)]
struct GroupContent {
    name: Vec<u8>,
    last: StreamId,
    read: Option<u64>,
    consumers: Vec<ConsumerContent>,
}

#[derive(Debug, Default, PartialEq)]
struct ConsumerContent {
    name: Vec<u8>,
    seen: UnixMillis,
    active: Option<UnixMillis>,
    pending: Vec<(StreamId, UnixMillis, u64)>,
}

impl StreamContent {
    /// How many entries a group has passed with this one, as far as the first form tells: as if none had gone.
    fn passed(&self, last: StreamId) -> Option<u64> {
        let first = self.entries.first().map(|(id, _)| *id);
        match first {
            _ if last >= self.last || self.entries.is_empty() => Some(self.added),
            Some(first) if last < first => Some(0),
            Some(first) if last == first => Some(1),
            _ => None,
        }
    }

    /// Shows the changes that make this stream, one after the other.
    pub(crate) fn for_each_change<E>(
        &self,
        mut show: impl FnMut(StreamChange<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        show(StreamChange::Renew)?;
        for (id, fields) in &self.entries {
            show(StreamChange::Add {
                id: *id,
                fields: fields.elements(),
            })?;
        }
        show(StreamChange::SetIds {
            last: self.last,
            max_deleted: self.max_deleted,
            added: self.added,
        })?;
        for group in &self.groups {
            let (name, last, read) = (&group.name, group.last, group.read);
            show(StreamChange::SetGroup {
                group: name,
                last,
                read,
            })?;
            for consumer in &group.consumers {
                show(StreamChange::SetConsumer {
                    group: name,
                    consumer: &consumer.name,
                    seen: consumer.seen,
                    active: consumer.active,
                })?;
                for (id, time, count) in &consumer.pending {
                    show(StreamChange::Deliver {
                        group: name,
                        consumer: &consumer.name,
                        time: *time,
                        count: *count,
                        ids: Elements::new(&[&id.to_bytes()]),
                    })?;
                }
            }
        }
        Ok(())
    }
}

/// Reads what stands behind the type.
pub(super) fn read(reader: &mut Reader<'_>, form: Form) -> Result<StreamContent, Damaged> {
    let mut content = StreamContent::default();
    for _ in 0..reader.length()? {
        let first = StreamId::of_bytes(&reader.string()?).ok_or(Damaged)?;
        node(first, &reader.string()?, &mut content.entries)?;
    }
    let ascends = content.entries.is_sorted_by(|one, next| one.0 < next.0);
    let length = reader.length()?;
    if !ascends || length != content.entries.len() as u64 {
        return Err(Damaged);
    }
    content.last = id(reader)?;
    content.added = length;
    if form >= Form::Second {
        id(reader)?;
        content.max_deleted = id(reader)?;
        content.added = reader.length()?;
    }
    if content
        .entries
        .last()
        .is_some_and(|last| last.0 > content.last)
    {
        return Err(Damaged);
    }
    for _ in 0..reader.length()? {
        let mut group = group(reader, form)?;
        if form == Form::First {
            group.read = content.passed(group.last);
        }
        if content.groups.iter().any(|other| other.name == group.name) {
            return Err(Damaged);
        }
        content.groups.push(group);
    }
    Ok(content)
}

/// The live entries of one node.
fn node(
    first: StreamId,
    bytes: &[u8],
    entries: &mut Vec<(StreamId, Words)>,
) -> Result<(), Damaged> {
    let mut listpack = Listpack::new(bytes)?;
    let live = number(&mut listpack)?;
    let deleted = number(&mut listpack)?;
    let names = (0..count(&mut listpack)?).map(|_| listpack.must_next());
    let names: Vec<Entry<'_>> = names.collect::<Result<_, _>>()?;
    number(&mut listpack)?;
    let all = live.checked_add(deleted).ok_or(Damaged)?;
    for _ in 0..all {
        let flags = number(&mut listpack)?;
        let ms = number(&mut listpack)?.cast_unsigned();
        let seq = number(&mut listpack)?.cast_unsigned();
        let id = StreamId::new(first.ms.wrapping_add(ms), first.seq.wrapping_add(seq));
        let mut words = Words::default();
        if flags & SAME_NAMES != 0 {
            for name in &names {
                name.push_to(&mut words)?;
                listpack.must_next()?.push_to(&mut words)?;
            }
        } else {
            for _ in 0..count(&mut listpack)? {
                listpack.must_next()?.push_to(&mut words)?;
                listpack.must_next()?.push_to(&mut words)?;
            }
        }
        number(&mut listpack)?;
        if flags & DELETED == 0 {
            entries.push((id, words));
        }
    }
    match listpack.next()? {
        None => Ok(()),
        Some(_) => Err(Damaged),
    }
}

fn number(listpack: &mut Listpack<'_>) -> Result<i64, Damaged> {
    match listpack.must_next()? {
        Entry::Number(number) => Ok(number),
        Entry::Bytes(_) => Err(Damaged),
    }
}

fn count(listpack: &mut Listpack<'_>) -> Result<u64, Damaged> {
    u64::try_from(number(listpack)?).map_err(|_| Damaged)
}

fn id(reader: &mut Reader<'_>) -> Result<StreamId, Damaged> {
    Ok(StreamId::new(reader.length()?, reader.length()?))
}

fn raw_id(reader: &mut Reader<'_>) -> Result<StreamId, Damaged> {
    StreamId::of_bytes(&reader.array::<16>()?).ok_or(Damaged)
}

fn time(reader: &mut Reader<'_>) -> Result<UnixMillis, Damaged> {
    reader.array().map(i64::from_le_bytes).map(UnixMillis)
}

fn group(reader: &mut Reader<'_>, form: Form) -> Result<GroupContent, Damaged> {
    let mut group = GroupContent {
        name: reader.string()?.into_owned(),
        last: id(reader)?,
        ..GroupContent::default()
    };
    if form >= Form::Second {
        group.read = Some(reader.length()?).filter(|read| *read != u64::MAX);
    }
    let mut pending = BTreeMap::new();
    for _ in 0..reader.length()? {
        let id = raw_id(reader)?;
        if pending
            .insert(id, (time(reader)?, reader.length()?))
            .is_some()
        {
            return Err(Damaged);
        }
    }
    for _ in 0..reader.length()? {
        let name = reader.string()?.into_owned();
        let seen = time(reader)?;
        let active = match form {
            Form::Third => Some(time(reader)?).filter(|active| active.0 >= 0),
            _ => Some(seen),
        };
        let mut consumer = ConsumerContent {
            name,
            seen,
            active,
            pending: Vec::new(),
        };
        for _ in 0..reader.length()? {
            let id = raw_id(reader)?;
            let (time, count) = pending.remove(&id).ok_or(Damaged)?;
            consumer.pending.push((id, time, count));
        }
        if group
            .consumers
            .iter()
            .any(|other| other.name == consumer.name)
        {
            return Err(Damaged);
        }
        group.consumers.push(consumer);
    }
    // What is pending is pending for somebody.
    if pending.is_empty() {
        Ok(group)
    } else {
        Err(Damaged)
    }
}

/// Adds `stream` in the third form.
pub(super) fn put(out: &mut Vec<u8>, stream: &Stream) {
    put_length(out, stream.len().div_ceil(NODE_ENTRIES) as u64);
    for start in (0..stream.len()).step_by(NODE_ENTRIES) {
        let entries: Vec<StreamEntry<'_>> = stream.range(start..start + NODE_ENTRIES).collect();
        put_node(out, &entries);
    }
    put_length(out, stream.len() as u64);
    put_id(out, stream.last_id());
    put_id(
        out,
        stream.first().map_or(StreamId::MIN, |entry| entry.id()),
    );
    put_id(out, stream.max_deleted_id());
    put_length(out, stream.added());
    put_length(out, stream.groups().len() as u64);
    for group in stream.groups() {
        put_string(out, group.name());
        put_id(out, group.last_id());
        put_length(out, group.entries_read().unwrap_or(u64::MAX));
        put_length(out, group.pending_len() as u64);
        for pending in group.pending_from(StreamId::MIN) {
            out.extend_from_slice(&pending.id().to_bytes());
            out.extend_from_slice(&pending.delivered().0.to_le_bytes());
            put_length(out, pending.deliveries());
        }
        put_length(out, group.consumers().len() as u64);
        for consumer in group.consumers() {
            put_string(out, consumer.name());
            out.extend_from_slice(&consumer.seen().0.to_le_bytes());
            let active = consumer.active().map_or(-1, |active| active.0);
            out.extend_from_slice(&active.to_le_bytes());
            put_length(out, consumer.pending_len() as u64);
            for id in consumer.pending_from(StreamId::MIN) {
                out.extend_from_slice(&id.to_bytes());
            }
        }
    }
}

fn put_id(out: &mut Vec<u8>, id: StreamId) {
    put_length(out, id.ms);
    put_length(out, id.seq);
}

/// One node: its first ID, and its entries as a listpack.
fn put_node(out: &mut Vec<u8>, entries: &[StreamEntry<'_>]) {
    let Some(first) = entries.first() else { return };
    put_string(out, &first.id().to_bytes());
    let names: Vec<&[u8]> = first.fields().map(|(name, _)| name).collect();
    let mut listpack = ListpackWriter::default();
    listpack.number(to_i64(entries.len()));
    listpack.number(0);
    listpack.number(to_i64(names.len()));
    names.iter().for_each(|name| listpack.bytes(name));
    listpack.number(0);
    for entry in entries {
        let same = entry
            .fields()
            .map(|(name, _)| name)
            .eq(names.iter().copied());
        let (id, base) = (entry.id(), first.id());
        listpack.number(if same { SAME_NAMES } else { 0 });
        listpack.number(id.ms.wrapping_sub(base.ms).cast_signed());
        listpack.number(id.seq.wrapping_sub(base.seq).cast_signed());
        if !same {
            listpack.number(to_i64(entry.len()));
        }
        for (name, value) in entry.fields() {
            if !same {
                listpack.bytes(name);
            }
            listpack.bytes(value);
        }
        let elements = if same {
            3 + entry.len()
        } else {
            4 + 2 * entry.len()
        };
        listpack.number(to_i64(elements));
    }
    put_string(out, &listpack.finish());
}

fn to_i64(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
