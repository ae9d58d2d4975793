//! Effects as JSON: one object per effect, one effect per line.
//!
//! ```text
//! {"op":"set","db":0,"key":"user:1","value":"Ada","expires":1700000000000}
//! {"op":"append","db":0,"key":"log","value":" more"}
//! {"op":"expire","db":0,"key":"user:1","expires":1700000000000}
//! {"op":"persist","db":0,"key":"user:1"}
//! {"op":"delete","db":0,"key":"user:1"}
//! {"op":"flushdb","db":0}
//! {"op":"flushall"}
//! ```
//!
//! `expires` is in milliseconds since 1970. A key or value that is not UTF-8 stands in `key_base64` or
//! `value_base64` instead. A field is never given a second meaning.
//!
//! Invariant: whatever an effect holds comes back, byte for byte.

mod base64;
mod text;

use std::borrow::Cow;

use kv_core::{Db, Effect, StringValue, UnixMillis, limits};
use serde::Deserialize;

use crate::format::Malformed;
use text::Text;

/// Adds one effect as one line.
pub(crate) fn encode(effect: &Effect<'_>, out: &mut Vec<u8>) {
    match *effect {
        Effect::SetString {
            db,
            key,
            value,
            expires,
        } => {
            put_start(out, "set", db);
            put_string(out, "key", key);
            match value {
                StringValue::Bytes(bytes) => put_string(out, "value", bytes),
                StringValue::Int(number) => put_string(out, "value", number.to_string().as_bytes()),
            }
            if let Some(at) = expires {
                put_expires(out, at);
            }
        }
        Effect::AppendString { db, key, suffix } => {
            put_start(out, "append", db);
            put_string(out, "key", key);
            put_string(out, "value", suffix);
        }
        Effect::SetExpiry { db, key, expires } => {
            put_start(out, expires.map_or("persist", |_| "expire"), db);
            put_string(out, "key", key);
            if let Some(at) = expires {
                put_expires(out, at);
            }
        }
        Effect::Delete { db, key } => {
            put_start(out, "delete", db);
            put_string(out, "key", key);
        }
        Effect::FlushDb { db } => put_start(out, "flushdb", db),
        Effect::FlushAll => out.extend_from_slice(b"{\"op\":\"flushall\""),
    }
    out.extend_from_slice(b"}\n");
}

fn put_start(out: &mut Vec<u8>, op: &str, db: Db) {
    out.extend_from_slice(b"{\"op\":\"");
    out.extend_from_slice(op.as_bytes());
    out.extend_from_slice(b"\",\"db\":");
    out.extend_from_slice(db.0.to_string().as_bytes());
}

fn put_string(out: &mut Vec<u8>, name: &str, bytes: &[u8]) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    match std::str::from_utf8(bytes) {
        Ok(text) => {
            out.extend_from_slice(b"\":\"");
            text::put_escaped(out, text);
        }
        Err(_) => {
            out.extend_from_slice(b"_base64\":\"");
            base64::put(out, bytes);
        }
    }
    out.push(b'"');
}

fn put_expires(out: &mut Vec<u8>, UnixMillis(millis): UnixMillis) {
    out.extend_from_slice(b",\"expires\":");
    out.extend_from_slice(millis.to_string().as_bytes());
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Op {
    Set,
    Append,
    Expire,
    Persist,
    Delete,
    FlushDb,
    FlushAll,
}

/// One line; which fields belong to which `op` is checked when it becomes an effect.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    op: Op,
    db: Option<u16>,
    #[serde(borrow)]
    key: Option<Text<'a>>,
    #[serde(borrow)]
    key_base64: Option<Text<'a>>,
    #[serde(borrow)]
    value: Option<Text<'a>>,
    #[serde(borrow)]
    value_base64: Option<Text<'a>>,
    expires: Option<i64>,
}

/// Shows the effect of one line, its line end included.
pub(crate) fn decode<E: From<Malformed>>(
    line: &[u8],
    show: &mut impl FnMut(&Effect<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let line = line
        .strip_suffix(b"\n")
        .ok_or(Malformed("line without an end"))?;
    let line: Line<'_> =
        serde_json::from_slice(line).map_err(|_| Malformed("not a JSON effect"))?;
    let key = one_of(line.key, line.key_base64, limits::KEY_BYTES_MAX)?;
    let value = one_of(line.value, line.value_base64, limits::STRING_BYTES_MAX)?;
    let effect = to_effect(
        line.op,
        line.db,
        key.as_deref(),
        value.as_deref(),
        line.expires.map(UnixMillis),
    )
    .ok_or(Malformed("fields and kind of JSON effect do not agree"))?;
    show(&effect)
}

/// The bytes that stand in one of two fields; `None` when neither is there.
fn one_of<'a>(
    plain: Option<Text<'a>>,
    coded: Option<Text<'a>>,
    max: usize,
) -> Result<Option<Cow<'a, [u8]>>, Malformed> {
    let bytes = match (plain, coded) {
        (None, None) => return Ok(None),
        (Some(plain), None) => plain.into_bytes(),
        (None, Some(coded)) => {
            Cow::Owned(base64::decode(&coded.into_bytes()).ok_or(Malformed("not base64"))?)
        }
        (Some(_), Some(_)) => return Err(Malformed("string given twice")),
    };
    if bytes.len() > max {
        return Err(Malformed("string longer than its limit"));
    }
    Ok(Some(bytes))
}

fn to_effect<'a>(
    op: Op,
    db: Option<u16>,
    key: Option<&'a [u8]>,
    value: Option<&'a [u8]>,
    expires: Option<UnixMillis>,
) -> Option<Effect<'a>> {
    if op == Op::FlushAll {
        let alone = (db, key, value, expires) == (None, None, None, None);
        return alone.then_some(Effect::FlushAll);
    }
    let db = db.filter(|&db| db < limits::DATABASES_MAX).map(Db)?;
    match (op, key, value, expires) {
        (Op::Set, Some(key), Some(value), expires) => Some(Effect::SetString {
            db,
            key,
            value: StringValue::new(value),
            expires,
        }),
        (Op::Append, Some(key), Some(suffix), None) => {
            Some(Effect::AppendString { db, key, suffix })
        }
        (Op::Expire, Some(key), None, expires @ Some(_))
        | (Op::Persist, Some(key), None, expires @ None) => {
            Some(Effect::SetExpiry { db, key, expires })
        }
        (Op::Delete, Some(key), None, None) => Some(Effect::Delete { db, key }),
        (Op::FlushDb, None, None, None) => Some(Effect::FlushDb { db }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(effect: &Effect<'_>) -> String {
        let mut out = Vec::new();
        encode(effect, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn lines_are_readable() {
        let db = Db(3);
        let text = encoded(&Effect::SetString {
            db,
            key: "gr\u{fc}n".as_bytes(),
            value: StringValue::new(b"a\n\"b\"\x01"),
            expires: Some(UnixMillis(-5)),
        });
        assert_eq!(
            text,
            "{\"op\":\"set\",\"db\":3,\"key\":\"gr\u{fc}n\",\"value\":\"a\\n\\\"b\\\"\\u0001\",\"expires\":-5}\n"
        );
        let text = encoded(&Effect::Delete {
            db,
            key: b"\xff\xfe",
        });
        assert_eq!(
            text,
            "{\"op\":\"delete\",\"db\":3,\"key_base64\":\"//4=\"}\n"
        );
    }

    #[test]
    fn what_no_effect_says_is_refused() {
        for line in [
            "",
            "\n",
            "{}\n",
            "{\"op\":\"flushall\"}",
            "{\"op\":\"flushall\",\"db\":0}\n",
            "{\"op\":\"flushdb\",\"db\":5000}\n",
            "{\"op\":\"set\",\"db\":0,\"key\":\"k\"}\n",
            "{\"op\":\"set\",\"db\":0,\"key\":\"k\",\"value\":\"v\",\"extra\":1}\n",
            "{\"op\":\"delete\",\"db\":0,\"key\":\"k\",\"key_base64\":\"AA==\"}\n",
            "{\"op\":\"delete\",\"db\":0,\"key_base64\":\"A\"}\n",
            "{\"op\":\"persist\",\"db\":0,\"key\":\"k\",\"expires\":1}\n",
            "{\"op\":\"rename\",\"db\":0,\"key\":\"k\"}\n",
        ] {
            let refused: Result<(), Malformed> = decode(line.as_bytes(), &mut |_| Ok(()));
            assert!(refused.is_err(), "{line}");
        }
    }
}
