//! One line of a PyKeyDB log: what it says its key holds now.
//!
//! Numbers, `true`, `false` and `null` become the text that stands in the line.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::json::Text;

/// A string of bytes, borrowed from the line where it has no escapes.
type Bytes<'a> = Cow<'a, [u8]>;

/// What is wrong with a line.
type Reason = Cow<'static, str>;

/// What a line does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change<'a> {
    pub(super) key: Bytes<'a>,
    /// What the key holds from now on; `None`: the key is gone. Never an empty collection.
    pub(super) value: Option<Value<'a>>,
}

/// What a key holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    String(Bytes<'a>),
    List(Vec<Bytes<'a>>),
    /// Field, value, field, value.
    Hash(Vec<Bytes<'a>>),
    Set(Vec<Bytes<'a>>),
}

/// The kinds of value, in PyKeyDB's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    String,
    List,
    Hash,
    Set,
}

#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow)]
    operation: &'a RawValue,
    #[serde(borrow)]
    key: &'a RawValue,
    #[serde(borrow, default, deserialize_with = "present")]
    value: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Typed<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    value: Option<&'a RawValue>,
}

/// A value that is there, even if it is `null`.
fn present<'de: 'a, 'a, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// What the line `text` says.
pub(super) fn parse(text: &[u8]) -> Result<Change<'_>, Reason> {
    let text = std::str::from_utf8(text).map_err(|_| "not UTF-8")?;
    // A list would pass for a record: its elements for the fields.
    if !text.trim_ascii_start().starts_with('{') {
        let other: Result<serde::de::IgnoredAny, _> = serde_json::from_str(text);
        return Err(other.map_or_else(not_json, |_| "not a JSON object".into()));
    }
    let record: Record<'_> = serde_json::from_str(text).map_err(not_json)?;
    let key = scalar(record.key).ok_or("the key is not a string")?;
    let operation = scalar(record.operation).ok_or("the operation is not a string")?;
    let expected = match &*operation {
        b"DEL" => return Ok(Change { key, value: None }),
        b"SET" => None,
        b"LPUSH" | b"RPUSH" | b"LPOP" | b"RPOP" => Some(Kind::List),
        b"HSET" | b"HDEL" => Some(Kind::Hash),
        b"SADD" | b"SREM" | b"SREMOVE" | b"SPOP" => Some(Kind::Set),
        other => {
            let shown: String = String::from_utf8_lossy(other).chars().take(40).collect();
            return Err(format!("unknown operation {shown:?}").into());
        }
    };
    let value = record.value.ok_or("no value")?;
    let value = self::value(value, expected)?;
    Ok(Change { key, value })
}

/// The value of an operation; `None` for an empty collection.
fn value(raw: &RawValue, expected: Option<Kind>) -> Result<Option<Value<'_>>, Reason> {
    if !raw.get().starts_with('{') {
        return match (scalar(raw), expected) {
            (Some(text), None) => Ok(Some(Value::String(text))),
            (None, None) => Err("the value is a list without a type".into()),
            (_, Some(_)) => Err("the value has no type".into()),
        };
    }
    let typed: Typed<'_> =
        serde_json::from_str(raw.get()).map_err(|_| "the value has no type that can be read")?;
    let kind = typed.kind.and_then(scalar).ok_or("the value has no type")?;
    let kind = match &*kind {
        b"string" | b"int" | b"float" => Kind::String,
        b"list" => Kind::List,
        b"hash" => Kind::Hash,
        b"set" => Kind::Set,
        other => {
            let shown: String = String::from_utf8_lossy(other).chars().take(40).collect();
            return Err(format!("unknown type {shown:?}").into());
        }
    };
    if expected.is_some_and(|expected| expected != kind) {
        return Err("the type of the value is not that of the operation".into());
    }
    of_kind(kind, typed.value.ok_or("the typed value is missing")?)
}

fn of_kind(kind: Kind, raw: &RawValue) -> Result<Option<Value<'_>>, Reason> {
    let wrong = |wanted| Reason::from(format!("the value is not {wanted}"));
    match kind {
        Kind::String => {
            let text = scalar(raw).ok_or_else(|| wrong("a string"))?;
            Ok(Some(Value::String(text)))
        }
        Kind::List | Kind::Set => {
            let elements: Vec<&RawValue> =
                serde_json::from_str(raw.get()).map_err(|_| wrong("a list"))?;
            let elements: Option<Vec<Bytes<'_>>> = elements.into_iter().map(scalar).collect();
            let elements = elements.ok_or("an element is not a string")?;
            let value = match kind {
                Kind::List => Value::List,
                _ => Value::Set,
            };
            Ok((!elements.is_empty()).then(|| value(elements)))
        }
        Kind::Hash => {
            let fields: Fields<'_> =
                serde_json::from_str(raw.get()).map_err(|_| wrong("an object"))?;
            let mut flat = Vec::with_capacity(fields.0.len() * 2);
            for (field, value) in fields.0 {
                flat.push(field);
                flat.push(scalar(value).ok_or("the value of a field is not a string")?);
            }
            Ok((!flat.is_empty()).then_some(Value::Hash(flat)))
        }
    }
}

/// The text of a string, a number, `true`, `false` or `null`; `None` for anything else.
fn scalar(raw: &RawValue) -> Option<Bytes<'_>> {
    let text = raw.get();
    match text.as_bytes().first()? {
        b'"' => match text.as_bytes().get(1..text.len() - 1) {
            // It has been read as JSON once: without escapes it is what stands between the quotes.
            Some(plain) if !plain.contains(&b'\\') => Some(Cow::Borrowed(plain)),
            _ => serde_json::from_str(text).ok().map(Text::into_bytes),
        },
        b'[' | b'{' => None,
        _ => Some(Cow::Borrowed(text.as_bytes())),
    }
}

/// The fields of an object, in order.
struct Fields<'a>(Vec<(Bytes<'a>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldsVisitor;

        impl<'de> Visitor<'de> for FieldsVisitor {
            type Value = Vec<(Bytes<'de>, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some((field, value)) = map.next_entry::<Text<'de>, _>()? {
                    fields.push((field.into_bytes(), value));
                }
                Ok(fields)
            }
        }

        deserializer.deserialize_map(FieldsVisitor).map(Self)
    }
}

/// What a JSON error says, without the line: it is always the first of its text.
fn not_json(error: serde_json::Error) -> Reason {
    let text = error.to_string();
    let said = text
        .rsplit_once(" at line ")
        .map_or(&*text, |(said, _)| said);
    format!(
        "not an operation as JSON: {said} at column {}",
        error.column()
    )
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn string(key: &str, text: &str) -> Result<Change<'static>, Reason> {
        Ok(Change {
            key: key.as_bytes().to_vec().into(),
            value: Some(Value::String(text.as_bytes().to_vec().into())),
        })
    }

    #[test]
    fn scalars_are_their_text() {
        for (value, text) in [
            (r#""a\u00fc\ud83d\ude00\n""#, "a\u{fc}\u{1f600}\n"),
            ("17", "17"),
            ("-1.50", "-1.50"),
            ("1e+16", "1e+16"),
            ("true", "true"),
            ("null", "null"),
            (r#"{"type": "string", "value": "x"}"#, "x"),
            (r#"{"type": "string", "value": null}"#, "null"),
            (r#"{"value": 5, "type": "int"}"#, "5"),
            (r#"{"type": "float", "value": 2.0}"#, "2.0"),
        ] {
            let line = format!(r#"{{"operation": "SET", "key": "k", "value": {value}}}"#);
            assert_eq!(parse(line.as_bytes()), string("k", text), "{line}");
        }
        let line = r#"{"key":7,"value":"v","operation":"SET","time":[1,{}]}"#;
        assert_eq!(parse(line.as_bytes()), string("7", "v"));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (line, reason) in [
            ("\"SET\"", "not a JSON object"),
            ("[1]", "not a JSON object"),
            (r#"["SET", "k", "v"]"#, "not a JSON object"),
            (
                "SET k v",
                "not an operation as JSON: expected value at column 1",
            ),
            (
                "{}",
                "not an operation as JSON: missing field `operation` at column 2",
            ),
            (
                r#"{"operation": "SET", "key": ["k"], "value": "v"}"#,
                "the key is not a string",
            ),
            (
                r#"{"operation": {}, "key": "k"}"#,
                "the operation is not a string",
            ),
            (
                r#"{"operation": "set", "key": "k", "value": 1}"#,
                "unknown operation \"set\"",
            ),
            (r#"{"operation": "SET", "key": "k"}"#, "no value"),
            (
                r#"{"operation": "SET", "key": "k", "value": [1]}"#,
                "the value is a list without a type",
            ),
            (
                r#"{"operation": "SET", "key": "k", "value": {"a": 1}}"#,
                "the value has no type",
            ),
            (
                r#"{"operation": "LPOP", "key": "k", "value": "a"}"#,
                "the value has no type",
            ),
            (
                r#"{"operation": "LPOP", "key": "k", "value": {"type": "set", "value": []}}"#,
                "the type of the value is not that of the operation",
            ),
            (
                r#"{"operation": "SET", "key": "k", "value": {"type": "zset", "value": []}}"#,
                "unknown type \"zset\"",
            ),
            (
                r#"{"operation": "SET", "key": "k", "value": {"type": "list"}}"#,
                "the typed value is missing",
            ),
            (
                r#"{"operation": "SADD", "key": "k", "value": {"type": "set", "value": {}}}"#,
                "the value is not a list",
            ),
            (
                r#"{"operation": "HSET", "key": "k", "value": {"type": "hash", "value": {"f": []}}}"#,
                "the value of a field is not a string",
            ),
            (
                r#"{"operation": "RPUSH", "key": "k", "value": {"type": "list", "value": [[]]}}"#,
                "an element is not a string",
            ),
        ] {
            assert_eq!(parse(line.as_bytes()).unwrap_err(), reason, "{line}");
        }
        assert_eq!(parse(b"\xff").unwrap_err(), "not UTF-8");
    }
}
