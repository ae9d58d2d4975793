//! Changes of streams as records: what stands behind the tag, the database and the key.
//!
//! ```text
//! id: ms seq        ids: a count and as many byte strings of 16 bytes
//! ```

use kv_core::{Effect, Elements, StreamChange, StreamId, UnixMillis, limits};

use super::fields::{Fields, Malformed, put_string, put_varint, put_zigzag};
use super::record::{put_place, put_strings, take_elements, take_pairs};

/// `db key`: the key holds a stream without entries.
pub(super) const RENEW: u8 = 0x60;
/// `db key id count field value...`: an entry came.
pub(super) const ADD: u8 = 0x61;
/// `db key ids`: entries are gone.
pub(super) const DELETE: u8 = 0x62;
/// `db key count`: the first entries are gone.
pub(super) const TRIM: u8 = 0x63;
/// `db key id id number`: the last ID, the highest deleted one, how many entries were added.
pub(super) const SET_IDS: u8 = 0x64;
/// `db key group id number`: the group is there; the number is one more than the entries that it passed, or 0.
pub(super) const SET_GROUP: u8 = 0x65;
/// `db key group`: the group is gone.
pub(super) const DESTROY_GROUP: u8 = 0x66;
/// `db key group consumer seen`: the consumer is there and has never got anything.
pub(super) const SET_CONSUMER: u8 = 0x67;
/// `db key group consumer seen active`: the consumer is there.
pub(super) const SET_ACTIVE_CONSUMER: u8 = 0x68;
/// `db key group consumer`: the consumer is gone.
pub(super) const DELETE_CONSUMER: u8 = 0x69;
/// `db key group consumer time count ids`: entries are pending for the consumer.
pub(super) const DELIVER: u8 = 0x6a;
/// `db key group ids`: entries are pending no more.
pub(super) const ACKNOWLEDGE: u8 = 0x6b;

pub(super) fn encode(db: kv_core::Db, key: &[u8], change: &StreamChange<'_>, out: &mut Vec<u8>) {
    out.push(tag(change));
    put_place(out, db, key);
    match *change {
        StreamChange::Renew => {}
        StreamChange::Add { id, fields } => {
            put_id(out, id);
            put_strings(out, fields);
        }
        StreamChange::Delete { ids } => put_strings(out, ids),
        StreamChange::Trim { count } => put_varint(out, count),
        StreamChange::SetIds {
            last,
            max_deleted,
            added,
        } => {
            put_id(out, last);
            put_id(out, max_deleted);
            put_varint(out, added);
        }
        StreamChange::SetGroup { group, last, read } => {
            put_string(out, group);
            put_id(out, last);
            put_varint(out, read.map_or(0, |read| read.saturating_add(1)));
        }
        StreamChange::DestroyGroup { group } => put_string(out, group),
        StreamChange::SetConsumer {
            group,
            consumer,
            seen,
            active,
        } => {
            put_string(out, group);
            put_string(out, consumer);
            put_zigzag(out, seen.0);
            if let Some(UnixMillis(active)) = active {
                put_zigzag(out, active);
            }
        }
        StreamChange::DeleteConsumer { group, consumer } => {
            put_string(out, group);
            put_string(out, consumer);
        }
        StreamChange::Deliver {
            group,
            consumer,
            time,
            count,
            ids,
        } => {
            put_string(out, group);
            put_string(out, consumer);
            put_zigzag(out, time.0);
            put_varint(out, count);
            put_strings(out, ids);
        }
        StreamChange::Acknowledge { group, ids } => {
            put_string(out, group);
            put_strings(out, ids);
        }
    }
}

const fn tag(change: &StreamChange<'_>) -> u8 {
    match change {
        StreamChange::Renew => RENEW,
        StreamChange::Add { .. } => ADD,
        StreamChange::Delete { .. } => DELETE,
        StreamChange::Trim { .. } => TRIM,
        StreamChange::SetIds { .. } => SET_IDS,
        StreamChange::SetGroup { .. } => SET_GROUP,
        StreamChange::DestroyGroup { .. } => DESTROY_GROUP,
        StreamChange::SetConsumer { active: None, .. } => SET_CONSUMER,
        StreamChange::SetConsumer { .. } => SET_ACTIVE_CONSUMER,
        StreamChange::DeleteConsumer { .. } => DELETE_CONSUMER,
        StreamChange::Deliver { .. } => DELIVER,
        StreamChange::Acknowledge { .. } => ACKNOWLEDGE,
    }
}

/// The rest of a record whose tag, from [`RENEW`] to [`ACKNOWLEDGE`], says that a stream changed.
pub(super) fn decode<'a>(
    tag: u8,
    db: kv_core::Db,
    key: &'a [u8],
    fields: &mut Fields<'a>,
) -> Result<Effect<'a>, Malformed> {
    let change = match tag {
        RENEW => StreamChange::Renew,
        ADD => StreamChange::Add {
            id: take_id(fields)?,
            fields: take_pairs(fields)?,
        },
        DELETE => StreamChange::Delete {
            ids: take_ids(fields)?,
        },
        TRIM => StreamChange::Trim {
            count: fields.varint()?,
        },
        SET_IDS => StreamChange::SetIds {
            last: take_id(fields)?,
            max_deleted: take_id(fields)?,
            added: fields.varint()?,
        },
        SET_GROUP => StreamChange::SetGroup {
            group: take_name(fields)?,
            last: take_id(fields)?,
            read: fields.varint()?.checked_sub(1),
        },
        DESTROY_GROUP => StreamChange::DestroyGroup {
            group: take_name(fields)?,
        },
        SET_CONSUMER | SET_ACTIVE_CONSUMER => StreamChange::SetConsumer {
            group: take_name(fields)?,
            consumer: take_name(fields)?,
            seen: UnixMillis(fields.zigzag()?),
            active: match tag {
                SET_ACTIVE_CONSUMER => Some(UnixMillis(fields.zigzag()?)),
                _ => None,
            },
        },
        DELETE_CONSUMER => StreamChange::DeleteConsumer {
            group: take_name(fields)?,
            consumer: take_name(fields)?,
        },
        DELIVER => StreamChange::Deliver {
            group: take_name(fields)?,
            consumer: take_name(fields)?,
            time: UnixMillis(fields.zigzag()?),
            count: fields.varint()?,
            ids: take_ids(fields)?,
        },
        _ => StreamChange::Acknowledge {
            group: take_name(fields)?,
            ids: take_ids(fields)?,
        },
    };
    Ok(Effect::Stream { db, key, change })
}

fn put_id(out: &mut Vec<u8>, id: StreamId) {
    put_varint(out, id.ms);
    put_varint(out, id.seq);
}

fn take_id(fields: &mut Fields<'_>) -> Result<StreamId, Malformed> {
    Ok(StreamId::new(fields.varint()?, fields.varint()?))
}

fn take_name<'a>(fields: &mut Fields<'a>) -> Result<&'a [u8], Malformed> {
    fields.string(limits::STRING_BYTES_MAX)
}

fn take_ids<'a>(fields: &mut Fields<'a>) -> Result<Elements<'a>, Malformed> {
    let ids = take_elements(fields)?;
    if !ids.are_ids() {
        return Err(Malformed("stream ID of a wrong length"));
    }
    Ok(ids)
}
