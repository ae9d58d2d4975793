//! One effect as a binary record: a tag, then its fields.
//!
//! Invariant: a tag is never given a second meaning; new kinds of effect get new numbers at the end.

use kv_core::{Db, Effect, StringValue, UnixMillis, limits};

use super::fields::{self, Fields, Malformed, put_string, put_varint, put_zigzag};

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
        Effect::FlushDb { db } => {
            out.push(FLUSH_DB);
            put_varint(out, u64::from(db.0));
        }
        Effect::FlushAll => out.push(FLUSH_ALL),
    }
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

fn put_place(out: &mut Vec<u8>, db: Db, key: &[u8]) {
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
    let db = take_db(fields)?;
    if tag == FLUSH_DB {
        return Ok(Effect::FlushDb { db });
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
        _ => return Err(Malformed("unknown kind of record")),
    })
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
