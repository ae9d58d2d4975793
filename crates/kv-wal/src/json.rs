//! Effects as JSON: one object per effect, one effect per line.
//!
//! ```text
//! {"op":"set","db":0,"key":"user:1","value":"Ada","expires":1700000000000}
//! {"op":"append","db":0,"key":"log","value":" more"}
//! {"op":"expire","db":0,"key":"user:1","expires":1700000000000}
//! {"op":"persist","db":0,"key":"user:1"}
//! {"op":"delete","db":0,"key":"user:1"}
//! {"op":"putlist","db":0,"key":"jobs","elements":["a","b"],"expires":1700000000000}
//! {"op":"puthash","db":0,"key":"user:1","elements":["field","value"]}
//! {"op":"putset","db":0,"key":"tags","elements":["red"]}
//! {"op":"listpush","db":0,"key":"jobs","end":"back","elements":["a","b"]}
//! {"op":"listpop","db":0,"key":"jobs","end":"front","count":1}
//! {"op":"listset","db":0,"key":"jobs","index":0,"value":"c"}
//! {"op":"listinsert","db":0,"key":"jobs","index":1,"value":"d"}
//! {"op":"listremove","db":0,"key":"jobs","end":"front","count":1,"value":"d"}
//! {"op":"hashset","db":0,"key":"user:1","elements":["field","value"]}
//! {"op":"hashdelete","db":0,"key":"user:1","elements":["field"]}
//! {"op":"setadd","db":0,"key":"tags","elements":["red"]}
//! {"op":"setremove","db":0,"key":"tags","elements":["red"]}
//! {"op":"hashexpire","db":0,"key":"user:1","elements":["field"],"expires":1700000000000}
//! {"op":"hashpersist","db":0,"key":"user:1","elements":["field"]}
//! {"op":"zsetadd","db":0,"key":"scores","elements":["1.5","ada"]}
//! {"op":"zsetremove","db":0,"key":"scores","elements":["ada"]}
//! {"op":"putzset","db":0,"key":"scores","elements":["-inf","eve","2.0","ada"]}
//! {"op":"flushdb","db":0}
//! {"op":"flushall"}
//! ```
//!
//! `expires` is in milliseconds since 1970. A key or value that is not UTF-8 stands in `key_base64` or
//! `value_base64` instead; if one of `elements` is not, all stand in `elements_base64`. The score of a member stands before it, as the
//! shortest decimal number that is read back as the same double, `inf` or `-inf`. A field is never given a second meaning.
//!
//! Invariant: whatever an effect holds comes back, byte for byte.

mod base64;
mod text;

pub(crate) use text::Text;

use std::borrow::Cow;

use kv_core::{CollectionKind, Db, Effect, Elements, ListEnd, StringValue, UnixMillis, limits};
use serde::Deserialize;

use crate::format::Malformed;

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
        Effect::SetCollection {
            db,
            key,
            kind,
            elements,
            expires,
        } => {
            let op = match kind {
                CollectionKind::List => "putlist",
                CollectionKind::Hash => "puthash",
                CollectionKind::Set => "putset",
                CollectionKind::ZSet => "putzset",
            };
            match kind {
                CollectionKind::ZSet => put_on_scored(out, op, db, key, elements),
                _ => put_on_elements(out, op, db, key, elements),
            }
            if let Some(at) = expires {
                put_expires(out, at);
            }
        }
        Effect::ListPush { .. }
        | Effect::ListPop { .. }
        | Effect::ListSet { .. }
        | Effect::ListInsert { .. }
        | Effect::ListRemove { .. } => encode_on_list(effect, out),
        Effect::HashSet { db, key, fields } => put_on_elements(out, "hashset", db, key, fields),
        Effect::HashDelete { db, key, fields } => {
            put_on_elements(out, "hashdelete", db, key, fields);
        }
        Effect::SetAdd { db, key, members } => put_on_elements(out, "setadd", db, key, members),
        Effect::SetRemove { db, key, members } => {
            put_on_elements(out, "setremove", db, key, members);
        }
        Effect::HashExpire {
            db,
            key,
            expires,
            fields,
        } => {
            let op = expires.map_or("hashpersist", |_| "hashexpire");
            put_on_elements(out, op, db, key, fields);
            if let Some(at) = expires {
                put_expires(out, at);
            }
        }
        Effect::ZSetAdd { db, key, members } => put_on_scored(out, "zsetadd", db, key, members),
        Effect::ZSetRemove { db, key, members } => {
            put_on_elements(out, "zsetremove", db, key, members);
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

fn encode_on_list(effect: &Effect<'_>, out: &mut Vec<u8>) {
    match *effect {
        Effect::ListPush {
            db,
            key,
            end,
            elements,
        } => {
            put_start(out, "listpush", db);
            put_string(out, "key", key);
            put_string(out, "end", end_name(end).as_bytes());
            put_elements(out, elements);
        }
        Effect::ListPop {
            db,
            key,
            end,
            count,
        } => {
            put_start(out, "listpop", db);
            put_string(out, "key", key);
            put_string(out, "end", end_name(end).as_bytes());
            put_number(out, "count", count);
        }
        Effect::ListSet {
            db,
            key,
            index,
            element,
        } => {
            put_start(out, "listset", db);
            put_string(out, "key", key);
            put_number(out, "index", index);
            put_string(out, "value", element);
        }
        Effect::ListInsert {
            db,
            key,
            index,
            element,
        } => {
            put_start(out, "listinsert", db);
            put_string(out, "key", key);
            put_number(out, "index", index);
            put_string(out, "value", element);
        }
        Effect::ListRemove {
            db,
            key,
            from,
            count,
            element,
        } => {
            put_start(out, "listremove", db);
            put_string(out, "key", key);
            put_string(out, "end", end_name(from).as_bytes());
            put_number(out, "count", count);
            put_string(out, "value", element);
        }
        _ => unreachable!("an effect on a list"),
    }
}

fn put_on_elements(out: &mut Vec<u8>, op: &str, db: Db, key: &[u8], elements: Elements<'_>) {
    put_start(out, op, db);
    put_string(out, "key", key);
    put_elements(out, elements);
}

/// As [`put_on_elements`], with scores as text.
fn put_on_scored(out: &mut Vec<u8>, op: &str, db: Db, key: &[u8], elements: Elements<'_>) {
    let scores: Vec<String> = elements
        .scored()
        .map(|(score, _)| format!("{score:?}"))
        .collect();
    let pairs = scores.iter().zip(elements.scored());
    let pairs: Vec<&[u8]> = pairs
        .flat_map(|(score, (_, member))| [score.as_bytes(), member])
        .collect();
    put_on_elements(out, op, db, key, Elements::new(&pairs));
}

fn put_elements(out: &mut Vec<u8>, elements: Elements<'_>) {
    let text = elements
        .iter()
        .all(|element| std::str::from_utf8(element).is_ok());
    out.extend_from_slice(if text {
        b",\"elements\":["
    } else {
        b",\"elements_base64\":["
    });
    for (number, element) in elements.iter().enumerate() {
        out.extend_from_slice(if number == 0 { b"\"" } else { b",\"" });
        match std::str::from_utf8(element) {
            Ok(element) if text => text::put_escaped(out, element),
            _ => base64::put(out, element),
        }
        out.push(b'"');
    }
    out.push(b']');
}

fn put_number(out: &mut Vec<u8>, name: &str, number: u64) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
    out.extend_from_slice(number.to_string().as_bytes());
}

fn end_name(end: ListEnd) -> &'static str {
    match end {
        ListEnd::Front => "front",
        ListEnd::Back => "back",
    }
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
    PutList,
    PutHash,
    PutSet,
    ListPush,
    ListPop,
    ListSet,
    ListInsert,
    ListRemove,
    HashSet,
    HashDelete,
    SetAdd,
    SetRemove,
    HashExpire,
    HashPersist,
    ZSetAdd,
    ZSetRemove,
    PutZSet,
    FlushDb,
    FlushAll,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum End {
    Front,
    Back,
}

impl From<End> for ListEnd {
    fn from(end: End) -> Self {
        match end {
            End::Front => Self::Front,
            End::Back => Self::Back,
        }
    }
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
    end: Option<End>,
    count: Option<u64>,
    index: Option<u64>,
    #[serde(borrow)]
    elements: Option<Vec<Text<'a>>>,
    #[serde(borrow)]
    elements_base64: Option<Vec<Text<'a>>>,
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
    let mut all = all_of(line.elements, line.elements_base64)?;
    if let (Op::ZSetAdd | Op::PutZSet, Some(all)) = (line.op, &mut all) {
        read_scores(all).ok_or(Malformed("sorted set member without a score"))?;
    }
    let slices: Option<Vec<&[u8]>> = all
        .as_ref()
        .map(|all| all.iter().map(|element| &**element).collect());
    let details = Details {
        expires: line.expires.map(UnixMillis),
        end: line.end.map(ListEnd::from),
        count: line.count,
        index: line.index,
        elements: slices.as_deref().map(Elements::new),
    };
    let effect = to_effect(line.op, line.db, key.as_deref(), value.as_deref(), details)
        .ok_or(Malformed("fields and kind of JSON effect do not agree"))?;
    show(&effect)
}

/// Turns the text of scores into what effects carry.
fn read_scores(all: &mut [Cow<'_, [u8]>]) -> Option<()> {
    for pair in all.chunks_mut(2) {
        let [text, _member] = pair else { return None };
        let score: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
        *text = Cow::Owned(score.to_le_bytes().to_vec());
    }
    Some(())
}

/// The elements that stand in one of two fields; `None` when neither is there.
fn all_of<'a>(
    plain: Option<Vec<Text<'a>>>,
    coded: Option<Vec<Text<'a>>>,
) -> Result<Option<Vec<Cow<'a, [u8]>>>, Malformed> {
    let max = limits::STRING_BYTES_MAX;
    let one = |plain, coded| Ok(one_of(plain, coded, max)?.unwrap_or_default());
    match (plain, coded) {
        (None, None) => Ok(None),
        (Some(all), None) => {
            let all = all.into_iter().map(|text| one(Some(text), None));
            all.collect::<Result<_, _>>().map(Some)
        }
        (None, Some(all)) => {
            let all = all.into_iter().map(|text| one(None, Some(text)));
            all.collect::<Result<_, _>>().map(Some)
        }
        (Some(_), Some(_)) => Err(Malformed("elements given twice")),
    }
}

/// What only some kinds of effect have.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Details<'a> {
    expires: Option<UnixMillis>,
    end: Option<ListEnd>,
    count: Option<u64>,
    index: Option<u64>,
    elements: Option<Elements<'a>>,
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
    details: Details<'a>,
) -> Option<Effect<'a>> {
    let none = Details::default();
    if op == Op::FlushAll {
        let alone = (db, key, value, details) == (None, None, None, none);
        return alone.then_some(Effect::FlushAll);
    }
    let db = db.filter(|&db| db < limits::DATABASES_MAX).map(Db)?;
    if op == Op::FlushDb {
        let alone = (key, value, details) == (None, None, none);
        return alone.then_some(Effect::FlushDb { db });
    }
    let key = key?;
    let expires = details.expires;
    let timeless = Details {
        expires: None,
        ..details
    };
    match (op, value, expires) {
        (Op::Set, Some(value), expires) if timeless == none => Some(Effect::SetString {
            db,
            key,
            value: StringValue::new(value),
            expires,
        }),
        (Op::Append, Some(suffix), None) if timeless == none => {
            Some(Effect::AppendString { db, key, suffix })
        }
        (Op::Expire, None, Some(_)) | (Op::Persist, None, None) if timeless == none => {
            Some(Effect::SetExpiry { db, key, expires })
        }
        (Op::Delete, None, None) if timeless == none => Some(Effect::Delete { db, key }),
        (Op::PutList | Op::PutHash | Op::PutSet | Op::PutZSet, None, expires) => {
            whole_collection(op, db, key, timeless, expires)
        }
        (Op::HashExpire, None, Some(_)) | (Op::HashPersist, None, None) => {
            let fields = timeless.elements?;
            let alone = Details {
                elements: Some(fields),
                ..none
            };
            (timeless == alone).then_some(Effect::HashExpire {
                db,
                key,
                expires,
                fields,
            })
        }
        (_, _, None) => on_collection(op, db, key, value, timeless),
        _ => None,
    }
}

/// The effect that puts a whole collection.
fn whole_collection<'a>(
    op: Op,
    db: Db,
    key: &'a [u8],
    details: Details<'a>,
    expires: Option<UnixMillis>,
) -> Option<Effect<'a>> {
    let elements = details.elements?;
    let alone = Details {
        elements: Some(elements),
        ..Details::default()
    };
    let kind = match op {
        Op::PutList => CollectionKind::List,
        Op::PutHash if elements.len().is_multiple_of(2) => CollectionKind::Hash,
        Op::PutSet => CollectionKind::Set,
        Op::PutZSet if elements.are_scored() => CollectionKind::ZSet,
        _ => return None,
    };
    (details == alone).then_some(Effect::SetCollection {
        db,
        key,
        kind,
        elements,
        expires,
    })
}

/// The effect on a collection that these fields say.
fn on_collection<'a>(
    op: Op,
    db: Db,
    key: &'a [u8],
    value: Option<&'a [u8]>,
    details: Details<'a>,
) -> Option<Effect<'a>> {
    let Details {
        end,
        count,
        index,
        elements,
        ..
    } = details;
    let effect = match (op, end, count, index, elements, value) {
        (Op::ListPush, Some(end), None, None, Some(elements), None) => Effect::ListPush {
            db,
            key,
            end,
            elements,
        },
        (Op::ListPop, Some(end), Some(count), None, None, None) => Effect::ListPop {
            db,
            key,
            end,
            count,
        },
        (Op::ListSet, None, None, Some(index), None, Some(element)) => Effect::ListSet {
            db,
            key,
            index,
            element,
        },
        (Op::ListInsert, None, None, Some(index), None, Some(element)) => Effect::ListInsert {
            db,
            key,
            index,
            element,
        },
        (Op::ListRemove, Some(from), Some(count), None, None, Some(element)) => {
            Effect::ListRemove {
                db,
                key,
                from,
                count,
                element,
            }
        }
        (Op::HashSet, None, None, None, Some(fields), None) if fields.len().is_multiple_of(2) => {
            Effect::HashSet { db, key, fields }
        }
        (Op::HashDelete, None, None, None, Some(fields), None) => {
            Effect::HashDelete { db, key, fields }
        }
        (Op::SetAdd, None, None, None, Some(members), None) => Effect::SetAdd { db, key, members },
        (Op::SetRemove, None, None, None, Some(members), None) => {
            Effect::SetRemove { db, key, members }
        }
        (Op::ZSetAdd, None, None, None, Some(members), None) if members.are_scored() => {
            Effect::ZSetAdd { db, key, members }
        }
        (Op::ZSetRemove, None, None, None, Some(members), None) => {
            Effect::ZSetRemove { db, key, members }
        }
        _ => return None,
    };
    Some(effect)
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
            "{\"op\":\"listpush\",\"db\":0,\"key\":\"k\",\"elements\":[\"a\"]}\n",
            "{\"op\":\"listpop\",\"db\":0,\"key\":\"k\",\"end\":\"front\",\"count\":-1}\n",
            "{\"op\":\"hashset\",\"db\":0,\"key\":\"k\",\"elements\":[\"a\"]}\n",
            "{\"op\":\"setadd\",\"db\":0,\"key\":\"k\",\"elements\":[\"a\"],\"expires\":1}\n",
            "{\"op\":\"delete\",\"db\":0,\"key\":\"k\",\"count\":1}\n",
            "{\"op\":\"hashexpire\",\"db\":0,\"key\":\"k\",\"elements\":[\"f\"]}\n",
            "{\"op\":\"hashpersist\",\"db\":0,\"key\":\"k\",\"elements\":[\"f\"],\"expires\":1}\n",
            "{\"op\":\"zsetadd\",\"db\":0,\"key\":\"k\",\"elements\":[\"nan\",\"m\"]}\n",
            "{\"op\":\"zsetadd\",\"db\":0,\"key\":\"k\",\"elements\":[\"1\",\"m\",\"2\"]}\n",
            "{\"op\":\"putzset\",\"db\":0,\"key\":\"k\",\"elements\":[\"m\",\"1\"]}\n",
            "{\"op\":\"rename\",\"db\":0,\"key\":\"k\"}\n",
        ] {
            let refused: Result<(), Malformed> = decode(line.as_bytes(), &mut |_| Ok(()));
            assert!(refused.is_err(), "{line}");
        }
    }
}
