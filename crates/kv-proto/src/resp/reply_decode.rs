//! Replies as clients read them: RESP2 and RESP3 into [`Value`].
//!
//! Finished elements are taken out of the input at once and wait in `open`, so a reply that arrives
//! in many pieces is read once, and its strings are slices of what was received.
//!
//! Invariant: memory grows with bytes received; a declared count reserves nothing.
//! Invariant: `open` is never deeper than [`REPLY_DEPTH_MAX`], and nothing recurses.

use bytes::{Buf, Bytes, BytesMut};

use super::length::Length;
use crate::limits::{BULK_BYTES_MAX, LINE_BYTES_MAX};
use crate::value::Value;

/// Aggregates within one another in one reply.
pub const REPLY_DEPTH_MAX: usize = 32;

/// The server's bytes are not a reply: the connection is of no more use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReplyError {
    /// No kind of reply begins with this byte.
    #[error("a reply cannot begin with '{}'", .got.escape_ascii())]
    UnknownType {
        /// The byte.
        got: u8,
    },
    /// A length is no number, is too large, or does not lead to the end it announces.
    #[error("invalid length in a reply")]
    InvalidLength,
    /// A line is longer than any status or number.
    #[error("a line of a reply is too long")]
    LineTooLong,
    /// A number, a truth value or a null is written wrongly.
    #[error("invalid value in a reply")]
    InvalidValue,
    /// Aggregates are nested deeper than [`REPLY_DEPTH_MAX`].
    #[error("a reply is nested more than {REPLY_DEPTH_MAX} deep")]
    TooDeep,
}

/// What an aggregate becomes when it is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Aggregate {
    Array,
    Map,
    Set,
    Push,
    /// Out-of-band notes on the value that follows; read and dropped.
    Attribute,
}

/// An aggregate that misses elements.
#[derive(Debug)]
struct Open {
    kind: Aggregate,
    missing: usize,
    elements: Vec<Value>,
}

/// What the front of the input holds.
enum Front {
    Scalar(Value),
    Aggregate(Aggregate, usize),
}

/// Turns the bytes that a server sends into replies.
#[derive(Debug, Default)]
pub struct ReplyDecoder {
    /// Innermost last.
    open: Vec<Open>,
    /// Bytes of an unfinished line that have been searched for its end.
    searched: usize,
}

impl ReplyDecoder {
    /// A decoder for a new connection.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one reply from the front of `input`; `None` when it is not complete.
    ///
    /// Elements of an incomplete reply are taken out of `input` and remembered here.
    ///
    /// # Errors
    ///
    /// The bytes are no reply ([`ReplyError`] says why): close the connection.
    pub fn decode(&mut self, input: &mut BytesMut) -> Result<Option<Value>, ReplyError> {
        while let Some(front) = self.take_front(input)? {
            let complete = match front {
                Front::Scalar(value) => self.add(value),
                Front::Aggregate(kind, missing) => self.open(kind, missing)?,
            };
            if complete.is_some() {
                return Ok(complete);
            }
        }
        Ok(None)
    }

    /// Opens an aggregate; returns the reply if it is an empty one that completes it.
    fn open(&mut self, kind: Aggregate, missing: usize) -> Result<Option<Value>, ReplyError> {
        if self.open.len() == REPLY_DEPTH_MAX {
            return Err(ReplyError::TooDeep);
        }
        if missing > 0 {
            self.open.push(Open {
                kind,
                missing,
                elements: Vec::new(),
            });
            return Ok(None);
        }
        Ok(finish(kind, Vec::new()).and_then(|value| self.add(value)))
    }

    /// Adds an element where it belongs; returns the reply that it completes.
    fn add(&mut self, mut value: Value) -> Option<Value> {
        loop {
            let Some(parent) = self.open.last_mut() else {
                return Some(value);
            };
            parent.elements.push(value);
            parent.missing -= 1;
            if parent.missing > 0 {
                return None;
            }
            let Open { kind, elements, .. } = self.open.pop()?;
            value = finish(kind, elements)?;
        }
    }

    /// Takes a scalar or the head of an aggregate out of the input.
    fn take_front(&mut self, input: &mut BytesMut) -> Result<Option<Front>, ReplyError> {
        let Some(&marker) = input.first() else {
            return Ok(None);
        };
        match marker {
            b'$' | b'=' | b'!' => take_blob(input, marker),
            b'*' => take_aggregate(input, Aggregate::Array),
            b'%' => take_aggregate(input, Aggregate::Map),
            b'~' => take_aggregate(input, Aggregate::Set),
            b'>' => take_aggregate(input, Aggregate::Push),
            b'|' => take_aggregate(input, Aggregate::Attribute),
            b'+' | b'-' | b':' | b'_' | b'#' | b',' | b'(' => {
                let Some(line) = self.take_line(input)? else {
                    return Ok(None);
                };
                line_value(marker, line).map(|value| Some(Front::Scalar(value)))
            }
            got => Err(ReplyError::UnknownType { got }),
        }
    }

    /// Takes a line out of the input, without its marker and its end.
    fn take_line(&mut self, input: &mut BytesMut) -> Result<Option<Bytes>, ReplyError> {
        let window = input
            .get(..input.len().min(LINE_BYTES_MAX))
            .unwrap_or_default();
        let unsearched = window.get(self.searched..).unwrap_or_default();
        let Some(offset) = memchr::memchr(b'\n', unsearched) else {
            self.searched = window.len();
            return match self.searched == LINE_BYTES_MAX {
                true => Err(ReplyError::LineTooLong),
                false => Ok(None),
            };
        };
        let end = self.searched + offset;
        self.searched = 0;
        let mut line = input.split_to(end + 1).freeze();
        if !line.ends_with(b"\r\n") {
            return Err(ReplyError::InvalidValue);
        }
        line.truncate(end - 1);
        line.advance(1);
        Ok(Some(line))
    }
}

/// The value of a complete aggregate; `None` for attributes, which are dropped.
fn finish(kind: Aggregate, elements: Vec<Value>) -> Option<Value> {
    Some(match kind {
        Aggregate::Array => Value::Array(elements),
        Aggregate::Set => Value::Set(elements),
        Aggregate::Push => Value::Push(elements),
        Aggregate::Map => Value::Map(pairs(elements)),
        Aggregate::Attribute => return None,
    })
}

fn pairs(elements: Vec<Value>) -> Vec<(Value, Value)> {
    let mut pairs = Vec::with_capacity(elements.len() / 2);
    let mut elements = elements.into_iter();
    while let (Some(key), Some(value)) = (elements.next(), elements.next()) {
        pairs.push((key, value));
    }
    pairs
}

/// Reads the length after the marker at the front: its value and the size of the whole head.
fn read_head(input: &[u8]) -> Result<Option<(i64, usize)>, ReplyError> {
    match Length::read(input.get(1..).unwrap_or_default()) {
        Length::Complete { value, size } => Ok(Some((value, size + 1))),
        Length::Incomplete => Ok(None),
        Length::Invalid | Length::BrokenEnd => Err(ReplyError::InvalidLength),
    }
}

/// Takes the head of an aggregate; `*-1` is RESP2's null array.
fn take_aggregate(input: &mut BytesMut, kind: Aggregate) -> Result<Option<Front>, ReplyError> {
    let Some((value, size)) = read_head(input)? else {
        return Ok(None);
    };
    input.advance(size);
    if value == -1 && kind == Aggregate::Array {
        return Ok(Some(Front::Scalar(Value::Null)));
    }
    let count = usize::try_from(value).map_err(|_| ReplyError::InvalidLength)?;
    let elements = match kind {
        Aggregate::Map | Aggregate::Attribute => count.checked_mul(2),
        Aggregate::Array | Aggregate::Set | Aggregate::Push => Some(count),
    };
    Ok(Some(Front::Aggregate(
        kind,
        elements.ok_or(ReplyError::InvalidLength)?,
    )))
}

/// Takes a string of declared length; `$-1` is RESP2's null string.
fn take_blob(input: &mut BytesMut, marker: u8) -> Result<Option<Front>, ReplyError> {
    let Some((value, size)) = read_head(input)? else {
        return Ok(None);
    };
    if value == -1 && marker == b'$' {
        input.advance(size);
        return Ok(Some(Front::Scalar(Value::Null)));
    }
    let bytes = usize::try_from(value).map_err(|_| ReplyError::InvalidLength)?;
    if bytes > BULK_BYTES_MAX {
        return Err(ReplyError::InvalidLength);
    }
    match input.get(size + bytes..size + bytes + 2) {
        Some(b"\r\n") => {}
        Some(_) => return Err(ReplyError::InvalidLength),
        None => return Ok(None),
    }
    input.advance(size);
    let text = input.split_to(bytes).freeze();
    input.advance(2);
    blob_value(marker, text).map(|value| Some(Front::Scalar(value)))
}

fn blob_value(marker: u8, text: Bytes) -> Result<Value, ReplyError> {
    match marker {
        b'!' => Ok(Value::Error(text)),
        b'=' => match *text {
            [a, b, c, b':', ..] => Ok(Value::Verbatim {
                kind: [a, b, c],
                text: text.slice(4..),
            }),
            _ => Err(ReplyError::InvalidValue),
        },
        _ => Ok(Value::Bulk(text)),
    }
}

fn line_value(marker: u8, line: Bytes) -> Result<Value, ReplyError> {
    match (marker, line.as_ref()) {
        (b'+', _) => Ok(Value::Simple(line)),
        (b'-', _) => Ok(Value::Error(line)),
        (b'(', _) => Ok(Value::BigNumber(line)),
        (b'_', b"") => Ok(Value::Null),
        (b'#', b"t") => Ok(Value::Boolean(true)),
        (b'#', b"f") => Ok(Value::Boolean(false)),
        (b':', digits) => parse(digits).map(Value::Integer),
        (b',', digits) => parse(digits).map(Value::Double),
        _ => Err(ReplyError::InvalidValue),
    }
}

fn parse<N: std::str::FromStr>(digits: &[u8]) -> Result<N, ReplyError> {
    let text = std::str::from_utf8(digits).ok();
    text.and_then(|text| text.parse().ok())
        .ok_or(ReplyError::InvalidValue)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(bytes: &[u8]) -> Result<Option<Value>, ReplyError> {
        ReplyDecoder::new().decode(&mut BytesMut::from(bytes))
    }

    fn bulk(text: &'static str) -> Value {
        Value::Bulk(Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn every_type_is_read() {
        let table: [(&[u8], Value); 16] = [
            (b"+OK\r\n", Value::Simple("OK".into())),
            (b"-ERR no\r\n", Value::Error("ERR no".into())),
            (b"!6\r\nERR no\r\n", Value::Error("ERR no".into())),
            (b":-3\r\n", Value::Integer(-3)),
            (b"$2\r\nhi\r\n", bulk("hi")),
            (b"$0\r\n\r\n", bulk("")),
            (b"$-1\r\n", Value::Null),
            (b"*-1\r\n", Value::Null),
            (b"_\r\n", Value::Null),
            (b"#t\r\n", Value::Boolean(true)),
            (b",-inf\r\n", Value::Double(f64::NEG_INFINITY)),
            (b"(123\r\n", Value::BigNumber("123".into())),
            (
                b"=6\r\ntxt:hi\r\n",
                Value::Verbatim {
                    kind: *b"txt",
                    text: "hi".into(),
                },
            ),
            (
                b"%1\r\n$1\r\na\r\n:1\r\n",
                Value::Map(vec![(bulk("a"), Value::Integer(1))]),
            ),
            (b"~1\r\n:1\r\n", Value::Set(vec![Value::Integer(1)])),
            (b">1\r\n*0\r\n", Value::Push(vec![Value::Array(vec![])])),
        ];
        for (bytes, expected) in table {
            assert_eq!(
                decode(bytes),
                Ok(Some(expected)),
                "{}",
                bytes.escape_ascii()
            );
        }
    }

    #[test]
    fn attributes_are_dropped_wherever_they_stand() {
        let one = Value::Array(vec![Value::Integer(1)]);
        assert_eq!(
            decode(b"|1\r\n+k\r\n*1\r\n+v\r\n*1\r\n:1\r\n"),
            Ok(Some(one.clone()))
        );
        assert_eq!(
            decode(b"*1\r\n|1\r\n+k\r\n+v\r\n:1\r\n"),
            Ok(Some(one.clone()))
        );
        assert_eq!(decode(b"|0\r\n*1\r\n:1\r\n"), Ok(Some(one)));
    }

    #[test]
    fn nonsense_is_refused() {
        let table: [(&[u8], ReplyError); 11] = [
            (b"hello", ReplyError::UnknownType { got: b'h' }),
            (b"\0", ReplyError::UnknownType { got: 0 }),
            (b":1x\r\n", ReplyError::InvalidValue),
            (b":1\n", ReplyError::InvalidValue),
            (b"#x\r\n", ReplyError::InvalidValue),
            (b"=2\r\nhi\r\n", ReplyError::InvalidValue),
            (b"$-2\r\n", ReplyError::InvalidLength),
            (b"%-1\r\n", ReplyError::InvalidLength),
            (b"$?\r\n", ReplyError::InvalidLength),
            (b"$1\r\nhello", ReplyError::InvalidLength),
            (b"$9999999999\r\n", ReplyError::InvalidLength),
        ];
        for (bytes, expected) in table {
            assert_eq!(decode(bytes), Err(expected), "{}", bytes.escape_ascii());
        }
        assert_eq!(
            decode(&[b'+'; LINE_BYTES_MAX]),
            Err(ReplyError::LineTooLong)
        );
    }

    #[test]
    fn depth_is_limited() {
        let nested = |depth: usize| [b"*1\r\n".repeat(depth), b":1\r\n".to_vec()].concat();
        assert!(decode(&nested(REPLY_DEPTH_MAX)).unwrap().is_some());
        assert_eq!(
            decode(&nested(REPLY_DEPTH_MAX + 1)),
            Err(ReplyError::TooDeep)
        );
        assert_eq!(
            decode(&b"*1\r\n".repeat(1_000_000)),
            Err(ReplyError::TooDeep)
        );
    }
}
