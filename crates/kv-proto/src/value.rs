//! A reply as a client receives it.
//!
//! Owns the shape of replies in memory; [`ReplyDecoder`](crate::ReplyDecoder) makes them.

use bytes::Bytes;

/// One reply, or one element of it.
///
/// RESP2's two nulls, of strings and of arrays, are both [`Value::Null`].
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A status such as `OK`.
    Simple(Bytes),
    /// An error: its code, a blank, its message.
    Error(Bytes),
    /// An integer.
    Integer(i64),
    /// A string.
    Bulk(Bytes),
    /// Nothing.
    Null,
    /// A list.
    Array(Vec<Value>),
    /// A truth value (RESP3).
    Boolean(bool),
    /// A floating point number (RESP3).
    Double(f64),
    /// The digits of an integer of any length (RESP3).
    BigNumber(Bytes),
    /// Text for people, of kind `txt` or `mkd` (RESP3).
    Verbatim {
        /// What kind of text it is.
        kind: [u8; 3],
        /// The text itself.
        text: Bytes,
    },
    /// Pairs in the order in which they were sent (RESP3).
    Map(Vec<(Value, Value)>),
    /// An unordered collection (RESP3).
    Set(Vec<Value>),
    /// A message that answers no request (RESP3).
    Push(Vec<Value>),
}

impl Value {
    /// The bytes of any kind of text, a status or an error included.
    #[must_use]
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Simple(bytes)
            | Self::Error(bytes)
            | Self::Bulk(bytes)
            | Self::BigNumber(bytes)
            | Self::Verbatim { text: bytes, .. } => Some(bytes),
            _ => None,
        }
    }

    /// Whether this is an error.
    #[must_use]
    pub fn is_error(&self) -> bool {
        matches!(self, Self::Error(_))
    }
}
