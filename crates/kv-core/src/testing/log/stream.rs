//! Changes of streams in the log in memory.

use super::{
    put_bytes, put_elements, put_number, put_time, take, take_bytes, take_elements, take_time,
};
use crate::{StreamChange, StreamId};

pub(super) fn put(out: &mut Vec<u8>, change: &StreamChange<'_>) {
    match *change {
        StreamChange::Renew => out.push(b'r'),
        StreamChange::Add { id, fields } => {
            out.push(b'a');
            out.extend_from_slice(&id.to_bytes());
            put_elements(out, fields);
        }
        StreamChange::Delete { ids } => {
            out.push(b'd');
            put_elements(out, ids);
        }
        StreamChange::Trim { count } => {
            out.push(b't');
            put_number(out, count);
        }
        StreamChange::SetIds {
            last,
            max_deleted,
            added,
        } => {
            out.push(b'i');
            out.extend_from_slice(&last.to_bytes());
            out.extend_from_slice(&max_deleted.to_bytes());
            put_number(out, added);
        }
        StreamChange::SetGroup { group, last, read } => {
            out.push(b'g');
            put_bytes(out, group);
            out.extend_from_slice(&last.to_bytes());
            put_number(out, read.map_or(0, |read| read + 1));
        }
        StreamChange::DestroyGroup { group } => {
            out.push(b'G');
            put_bytes(out, group);
        }
        StreamChange::SetConsumer {
            group,
            consumer,
            seen,
            active,
        } => {
            out.push(b'c');
            put_bytes(out, group);
            put_bytes(out, consumer);
            put_time(out, Some(seen));
            put_time(out, active);
        }
        StreamChange::DeleteConsumer { group, consumer } => {
            out.push(b'C');
            put_bytes(out, group);
            put_bytes(out, consumer);
        }
        StreamChange::Deliver {
            group,
            consumer,
            time,
            count,
            ids,
        } => {
            out.push(b'p');
            put_bytes(out, group);
            put_bytes(out, consumer);
            put_time(out, Some(time));
            put_number(out, count);
            put_elements(out, ids);
        }
        StreamChange::Acknowledge { group, ids } => {
            out.push(b'A');
            put_bytes(out, group);
            put_elements(out, ids);
        }
    }
}

pub(super) fn take_change<'a>(rest: &mut &'a [u8]) -> StreamChange<'a> {
    let [tag] = take(rest);
    match tag {
        b'r' => StreamChange::Renew,
        b'a' => StreamChange::Add {
            id: take_id(rest),
            fields: take_elements(rest),
        },
        b'd' => StreamChange::Delete {
            ids: take_elements(rest),
        },
        b't' => StreamChange::Trim {
            count: take_number(rest),
        },
        b'i' => StreamChange::SetIds {
            last: take_id(rest),
            max_deleted: take_id(rest),
            added: take_number(rest),
        },
        b'g' => StreamChange::SetGroup {
            group: take_bytes(rest),
            last: take_id(rest),
            read: take_number(rest).checked_sub(1),
        },
        b'G' => StreamChange::DestroyGroup {
            group: take_bytes(rest),
        },
        b'c' => StreamChange::SetConsumer {
            group: take_bytes(rest),
            consumer: take_bytes(rest),
            seen: take_time(rest).unwrap_or_default(),
            active: take_time(rest),
        },
        b'C' => StreamChange::DeleteConsumer {
            group: take_bytes(rest),
            consumer: take_bytes(rest),
        },
        b'p' => StreamChange::Deliver {
            group: take_bytes(rest),
            consumer: take_bytes(rest),
            time: take_time(rest).unwrap_or_default(),
            count: take_number(rest),
            ids: take_elements(rest),
        },
        _ => StreamChange::Acknowledge {
            group: take_bytes(rest),
            ids: take_elements(rest),
        },
    }
}

fn take_id(rest: &mut &[u8]) -> StreamId {
    StreamId::of_bytes(&take::<16>(rest)).unwrap_or_default()
}

fn take_number(rest: &mut &[u8]) -> u64 {
    u64::from_le_bytes(take(rest))
}
