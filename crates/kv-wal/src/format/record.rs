//! One effect as a binary record: a tag, then its fields.
//!
//! Invariant: a tag is never given a second meaning; new kinds of effect get new numbers at the end.

use kv_core::{CollectionKind, Db, Effect, Elements, StringValue, UnixMillis, limits};

use super::fields::{self, Fields, Malformed, put_string, put_varint, put_zigzag};
use super::{list, stream};

/// `db key value`: the key holds these bytes and does not expire.
const SET_BYTES: u8 = 1;
/// `db key value expires`: the key holds these bytes until then.
const SET_BYTES_UNTIL: u8 = 2;
/// `db key number`: the key holds this number and does not expire.
const SET_INT: u8 = 3;
/// `db key number expires`: the key holds this number until then.
const SET_INT_UNTIL: u8 = 4;
/// `db key suffix`: the string grew.
const APPEND: u8 = 5;
/// `db key expires`: the key expires then.
const EXPIRE: u8 = 6;
/// `db key`: the key does not expire any more.
const PERSIST: u8 = 7;
/// `db key`: the key is gone.
const DELETE: u8 = 8;
/// `db`: every key of the database is gone.
const FLUSH_DB: u8 = 9;
/// Every key is gone.
const FLUSH_ALL: u8 = 10;
// 11 to 18: changes of lists, see `list`.
/// `db key count field value field...`: the fields have these values; `count` is of both together.
const HASH_SET: u8 = 19;
/// `db key count field...`: the fields are gone.
const HASH_DELETE: u8 = 20;
/// `db key count member...`: the set has these members.
const SET_ADD: u8 = 21;
/// `db key count member...`: the members are gone.
const SET_REMOVE: u8 = 22;
/// `db key count element...`: the key holds this list and does not expire.
const PUT_LIST: u8 = 23;
/// `db key count element... expires`: the key holds this list until then.
const PUT_LIST_UNTIL: u8 = 24;
/// `db key count field value field...`: the key holds this hash and does not expire.
const PUT_HASH: u8 = 25;
/// `db key count field value field... expires`: the key holds this hash until then.
const PUT_HASH_UNTIL: u8 = 26;
/// `db key count member...`: the key holds this set and does not expire.
const PUT_SET: u8 = 27;
/// `db key count member... expires`: the key holds this set until then.
const PUT_SET_UNTIL: u8 = 28;
/// `db key count score member score...`: the members have these scores, each a string of 8 bytes; `count` is of both
/// together.
const ZSET_ADD: u8 = 30;
/// `db key count member...`: the members are gone.
const ZSET_REMOVE: u8 = 31;
/// `db key count score member score...`: the key holds this sorted set and does not expire.
const PUT_ZSET: u8 = 32;
/// `db key count score member score... expires`: the key holds this sorted set until then.
const PUT_ZSET_UNTIL: u8 = 33;
/// `db key count field... expires`: the fields expire then.
const HASH_EXPIRE: u8 = 34;
/// `db key count field...`: the fields do not expire any more.
const HASH_PERSIST: u8 = 35;
/// `db key offset bytes`: the string has these bytes from there on.
const PATCH: u8 = 50;
/// `db key db key`: the second key holds what the first one holds.
const COPY_KEY: u8 = 51;
/// `db key db key`: the second key holds what the first one held, which is gone.
const MOVE_KEY: u8 = 52;
/// `db db`: the two databases have changed places.
const SWAP_DBS: u8 = 53;
/// `name code`: the library has this code.
const SET_LIBRARY: u8 = 54;
/// `name`: the library is gone.
const DELETE_LIBRARY: u8 = 55;
// 0x60 to 0x6b: changes of streams, see `stream`.

pub(crate) fn encode(effect: &Effect<'_>, out: &mut Vec<u8>) {
    match *effect {
        Effect::SetString {
            db,
            key,
            value,
            expires,
        } => {
            out.push(set_tag(value, expires));
            put_place(out, db, key);
            match value {
                StringValue::Bytes(bytes) => put_string(out, bytes),
                StringValue::Int(number) => put_zigzag(out, number),
            }
            if let Some(UnixMillis(millis)) = expires {
                put_zigzag(out, millis);
            }
        }
        Effect::AppendString { db, key, suffix } => {
            out.push(APPEND);
            put_place(out, db, key);
            put_string(out, suffix);
        }
        Effect::PatchString {
            db,
            key,
            offset,
            bytes,
        } => {
            out.push(PATCH);
            put_place(out, db, key);
            put_varint(out, offset);
            put_string(out, bytes);
        }
        Effect::CopyKey {
            from_db,
            from,
            db,
            key,
        } => put_two(out, COPY_KEY, (from_db, from), (db, key)),
        Effect::MoveKey {
            from_db,
            from,
            db,
            key,
        } => put_two(out, MOVE_KEY, (from_db, from), (db, key)),
        Effect::SwapDbs { one, other } => {
            out.push(SWAP_DBS);
            put_varint(out, u64::from(one.0));
            put_varint(out, u64::from(other.0));
        }
        Effect::SetExpiry { db, key, expires } => {
            out.push(expires.map_or(PERSIST, |_| EXPIRE));
            put_place(out, db, key);
            if let Some(UnixMillis(millis)) = expires {
                put_zigzag(out, millis);
            }
        }
        Effect::Delete { db, key } => {
            out.push(DELETE);
            put_place(out, db, key);
        }
        Effect::SetCollection {
            db,
            key,
            kind,
            elements,
            expires,
        } => {
            put_elements(out, put_tag(kind, expires), db, key, elements);
            if let Some(UnixMillis(millis)) = expires {
                put_zigzag(out, millis);
            }
        }
        Effect::ListPush { .. }
        | Effect::ListPop { .. }
        | Effect::ListSet { .. }
        | Effect::ListInsert { .. }
        | Effect::ListRemove { .. } => list::encode(effect, out),
        Effect::HashSet { db, key, fields } => put_elements(out, HASH_SET, db, key, fields),
        Effect::HashDelete { db, key, fields } => put_elements(out, HASH_DELETE, db, key, fields),
        Effect::SetAdd { db, key, members } => put_elements(out, SET_ADD, db, key, members),
        Effect::SetRemove { db, key, members } => put_elements(out, SET_REMOVE, db, key, members),
        Effect::ZSetAdd { db, key, members } => put_elements(out, ZSET_ADD, db, key, members),
        Effect::ZSetRemove { db, key, members } => put_elements(out, ZSET_REMOVE, db, key, members),
        Effect::HashExpire {
            db,
            key,
            expires,
            fields,
        } => {
            let tag = expires.map_or(HASH_PERSIST, |_| HASH_EXPIRE);
            put_elements(out, tag, db, key, fields);
            if let Some(UnixMillis(millis)) = expires {
                put_zigzag(out, millis);
            }
        }
        Effect::Stream { db, key, change } => stream::encode(db, key, &change, out),
        Effect::FlushDb { db } => {
            out.push(FLUSH_DB);
            put_varint(out, u64::from(db.0));
        }
        Effect::FlushAll => out.push(FLUSH_ALL),
        Effect::SetLibrary { name, code } => {
            out.push(code.map_or(DELETE_LIBRARY, |_| SET_LIBRARY));
            put_string(out, name);
            if let Some(code) = code {
                put_string(out, code);
            }
        }
    }
}

fn put_two(out: &mut Vec<u8>, tag: u8, (from_db, from): (Db, &[u8]), (db, key): (Db, &[u8])) {
    out.push(tag);
    put_place(out, from_db, from);
    put_place(out, db, key);
}

pub(super) fn put_elements(out: &mut Vec<u8>, tag: u8, db: Db, key: &[u8], elements: Elements<'_>) {
    out.push(tag);
    put_place(out, db, key);
    put_strings(out, elements);
}

/// A count and as many byte strings, each behind its length.
pub(super) fn put_strings(out: &mut Vec<u8>, elements: Elements<'_>) {
    put_varint(out, elements.len() as u64);
    elements.iter().for_each(|element| put_string(out, element));
}

/// The record that sets a string of `length` bytes, without these bytes: what stands before and after them.
/// For strings so large that a copy would cost.
pub(crate) fn encode_around_large(
    db: Db,
    key: &[u8],
    length: usize,
    expires: Option<UnixMillis>,
) -> (Vec<u8>, Vec<u8>) {
    let (mut head, mut tail) = (Vec::new(), Vec::new());
    head.push(set_tag(StringValue::Bytes(&[]), expires));
    put_place(&mut head, db, key);
    put_varint(&mut head, length as u64);
    if let Some(UnixMillis(millis)) = expires {
        put_zigzag(&mut tail, millis);
    }
    (head, tail)
}

fn set_tag(value: StringValue<'_>, expires: Option<UnixMillis>) -> u8 {
    match (value, expires) {
        (StringValue::Bytes(_), None) => SET_BYTES,
        (StringValue::Bytes(_), Some(_)) => SET_BYTES_UNTIL,
        (StringValue::Int(_), None) => SET_INT,
        (StringValue::Int(_), Some(_)) => SET_INT_UNTIL,
    }
}

fn put_tag(kind: CollectionKind, expires: Option<UnixMillis>) -> u8 {
    match (kind, expires) {
        (CollectionKind::List, None) => PUT_LIST,
        (CollectionKind::List, Some(_)) => PUT_LIST_UNTIL,
        (CollectionKind::Hash, None) => PUT_HASH,
        (CollectionKind::Hash, Some(_)) => PUT_HASH_UNTIL,
        (CollectionKind::Set, None) => PUT_SET,
        (CollectionKind::Set, Some(_)) => PUT_SET_UNTIL,
        (CollectionKind::ZSet, None) => PUT_ZSET,
        (CollectionKind::ZSet, Some(_)) => PUT_ZSET_UNTIL,
    }
}

pub(super) fn put_place(out: &mut Vec<u8>, db: Db, key: &[u8]) {
    put_varint(out, u64::from(db.0));
    put_string(out, key);
}

/// What the front of bytes is that may end inside a record.
pub(crate) enum Cut<'a> {
    /// A whole record, and how many bytes it takes.
    Whole(Effect<'a>, usize),
    /// The beginning of one.
    Part,
}

/// The record at the front of `bytes`.
pub(crate) fn decode_front(bytes: &[u8]) -> Result<Cut<'_>, Malformed> {
    let mut fields = Fields::new(bytes);
    match decode(&mut fields) {
        Ok(effect) => Ok(Cut::Whole(effect, bytes.len() - fields.left())),
        Err(fields::PAST_END) => Ok(Cut::Part),
        Err(flaw) => Err(flaw),
    }
}

/// Takes one record from the front of `fields`.
pub(crate) fn decode<'a>(fields: &mut Fields<'a>) -> Result<Effect<'a>, Malformed> {
    let tag = fields.u8()?;
    if tag == FLUSH_ALL {
        return Ok(Effect::FlushAll);
    }
    if let SET_LIBRARY | DELETE_LIBRARY = tag {
        let name = fields.string(limits::KEY_BYTES_MAX)?;
        let code = match tag {
            SET_LIBRARY => Some(fields.string(limits::STRING_BYTES_MAX)?),
            _ => None,
        };
        return Ok(Effect::SetLibrary { name, code });
    }
    let db = take_db(fields)?;
    if tag == FLUSH_DB {
        return Ok(Effect::FlushDb { db });
    }
    if tag == SWAP_DBS {
        let (one, other) = (db, take_db(fields)?);
        return Ok(Effect::SwapDbs { one, other });
    }
    let key = fields.string(limits::KEY_BYTES_MAX)?;
    Ok(match tag {
        SET_BYTES | SET_BYTES_UNTIL | SET_INT | SET_INT_UNTIL => {
            let value = match tag {
                SET_BYTES | SET_BYTES_UNTIL => take_bytes(fields)?,
                _ => StringValue::Int(fields.zigzag()?),
            };
            let expires = match tag {
                SET_BYTES_UNTIL | SET_INT_UNTIL => Some(UnixMillis(fields.zigzag()?)),
                _ => None,
            };
            Effect::SetString {
                db,
                key,
                value,
                expires,
            }
        }
        APPEND => Effect::AppendString {
            db,
            key,
            suffix: fields.string(limits::STRING_BYTES_MAX)?,
        },
        EXPIRE => Effect::SetExpiry {
            db,
            key,
            expires: Some(UnixMillis(fields.zigzag()?)),
        },
        PERSIST => Effect::SetExpiry {
            db,
            key,
            expires: None,
        },
        DELETE => Effect::Delete { db, key },
        PATCH => take_patch(db, key, fields)?,
        COPY_KEY | MOVE_KEY => {
            let (from_db, from, db) = (db, key, take_db(fields)?);
            let key = fields.string(limits::KEY_BYTES_MAX)?;
            match tag {
                COPY_KEY => Effect::CopyKey {
                    from_db,
                    from,
                    db,
                    key,
                },
                _ => Effect::MoveKey {
                    from_db,
                    from,
                    db,
                    key,
                },
            }
        }
        list::PUSH_FRONT..=list::REMOVE_BACK => list::decode(tag, db, key, fields)?,
        HASH_SET => Effect::HashSet {
            db,
            key,
            fields: take_pairs(fields)?,
        },
        PUT_LIST..=PUT_SET_UNTIL | PUT_ZSET | PUT_ZSET_UNTIL => decode_put(tag, db, key, fields)?,
        HASH_DELETE => Effect::HashDelete {
            db,
            key,
            fields: take_elements(fields)?,
        },
        SET_ADD => Effect::SetAdd {
            db,
            key,
            members: take_elements(fields)?,
        },
        SET_REMOVE => Effect::SetRemove {
            db,
            key,
            members: take_elements(fields)?,
        },
        ZSET_ADD => Effect::ZSetAdd {
            db,
            key,
            members: take_scored(fields)?,
        },
        ZSET_REMOVE => Effect::ZSetRemove {
            db,
            key,
            members: take_elements(fields)?,
        },
        HASH_EXPIRE | HASH_PERSIST => {
            let elements = take_elements(fields)?;
            let expires = match tag {
                HASH_EXPIRE => Some(UnixMillis(fields.zigzag()?)),
                _ => None,
            };
            Effect::HashExpire {
                db,
                key,
                expires,
                fields: elements,
            }
        }
        stream::RENEW..=stream::ACKNOWLEDGE => stream::decode(tag, db, key, fields)?,
        _ => return Err(Malformed("unknown kind of record")),
    })
}

/// The rest of a record whose tag says that bytes of a string changed.
fn take_patch<'a>(db: Db, key: &'a [u8], fields: &mut Fields<'a>) -> Result<Effect<'a>, Malformed> {
    let offset = fields.varint()?;
    let bytes = fields.string(limits::STRING_BYTES_MAX)?;
    if offset.saturating_add(bytes.len() as u64) > limits::STRING_BYTES_MAX as u64 {
        return Err(Malformed("patch beyond the longest string"));
    }
    Ok(Effect::PatchString {
        db,
        key,
        offset,
        bytes,
    })
}

/// The rest of a record whose tag says that it is a whole collection.
fn decode_put<'a>(
    tag: u8,
    db: Db,
    key: &'a [u8],
    fields: &mut Fields<'a>,
) -> Result<Effect<'a>, Malformed> {
    let (kind, elements) = match tag {
        PUT_LIST | PUT_LIST_UNTIL => (CollectionKind::List, take_elements(fields)?),
        PUT_HASH | PUT_HASH_UNTIL => (CollectionKind::Hash, take_pairs(fields)?),
        PUT_ZSET | PUT_ZSET_UNTIL => (CollectionKind::ZSet, take_scored(fields)?),
        _ => (CollectionKind::Set, take_elements(fields)?),
    };
    let expires = match tag {
        PUT_LIST_UNTIL | PUT_HASH_UNTIL | PUT_SET_UNTIL | PUT_ZSET_UNTIL => {
            Some(UnixMillis(fields.zigzag()?))
        }
        _ => None,
    };
    Ok(Effect::SetCollection {
        db,
        key,
        kind,
        elements,
        expires,
    })
}

/// As [`take_elements`], of fields and their values.
pub(super) fn take_pairs<'a>(fields: &mut Fields<'a>) -> Result<Elements<'a>, Malformed> {
    let pairs = take_elements(fields)?;
    if !pairs.len().is_multiple_of(2) {
        return Err(Malformed("hash field without a value"));
    }
    Ok(pairs)
}

/// As [`take_elements`], of scores and their members.
fn take_scored<'a>(fields: &mut Fields<'a>) -> Result<Elements<'a>, Malformed> {
    let scored = take_elements(fields)?;
    if !scored.are_scored() {
        return Err(Malformed("sorted set member without a score"));
    }
    Ok(scored)
}

/// Takes a count and as many byte strings, which stay where they are.
pub(super) fn take_elements<'a>(fields: &mut Fields<'a>) -> Result<Elements<'a>, Malformed> {
    let count = usize::try_from(fields.varint()?).unwrap_or(usize::MAX);
    let bytes = fields.strings(count, limits::STRING_BYTES_MAX)?;
    Ok(Elements::of_prefixed(count, bytes))
}

fn take_db(fields: &mut Fields<'_>) -> Result<Db, Malformed> {
    let number = u16::try_from(fields.varint()?).unwrap_or(u16::MAX);
    if number >= limits::DATABASES_MAX {
        return Err(Malformed("database number out of range"));
    }
    Ok(Db(number))
}

fn take_bytes<'a>(fields: &mut Fields<'a>) -> Result<StringValue<'a>, Malformed> {
    match StringValue::new(fields.string(limits::STRING_BYTES_MAX)?) {
        StringValue::Int(_) => Err(Malformed("number written as bytes")),
        bytes @ StringValue::Bytes(_) => Ok(bytes),
    }
}
