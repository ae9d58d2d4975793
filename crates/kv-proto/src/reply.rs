//! Replies as typed verbs: a command says what it answers, the format decides how that is written.
//!
//! Owns which encoder writes a verb. The bytes are made in [`crate::resp::encode`] and
//! [`crate::line::encode`].
//!
//! Invariant: one call of a verb writes one element; an aggregate is complete after as many further
//! elements as it announced.

use bytes::Bytes;

use crate::error::ProtoError;
use crate::limits::LARGE_BYTES_MIN;
use crate::line::encode as plain;
use crate::reply_buffer::ReplyBuffer;
use crate::resp::{DoubleText, encode as resp};

/// How replies to a connection are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Redis' protocol, version 2.
    Resp2,
    /// Redis' protocol, version 3, after `HELLO 3`.
    Resp3,
    /// Text lines for people.
    Plain,
}

/// Writes replies to one connection.
#[derive(Debug)]
pub struct Reply<'a> {
    out: &'a mut ReplyBuffer,
    format: Format,
}

impl<'a> Reply<'a> {
    /// Replies in `format`, added at the end of `out`.
    pub fn new(out: &'a mut ReplyBuffer, format: Format) -> Self {
        Self { out, format }
    }

    /// The format of this connection, for the few commands whose answer depends on it.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// The buffer written to, for marks.
    pub fn buffer(&mut self) -> &mut ReplyBuffer {
        self.out
    }

    /// `OK`.
    #[inline]
    pub fn ok(&mut self) {
        match self.format {
            Format::Plain => plain::text(self.out, b"OK"),
            _ => self.small().extend_from_slice(b"+OK\r\n"),
        }
    }

    /// A status word or phrase such as `PONG`. Control characters become blanks.
    pub fn simple(&mut self, text: &str) {
        match self.format {
            Format::Plain => plain::status(self.out, text),
            _ => resp::status(self.small(), text),
        }
    }

    /// A string, copied.
    #[inline]
    pub fn bulk(&mut self, bytes: &[u8]) {
        if !self.out.has_room(bytes.len()) {
            return;
        }
        match self.format {
            Format::Plain => plain::string(self.out, bytes),
            _ => resp::bulk(self.small(), bytes),
        }
    }

    /// A string, sent by reference if it is large.
    pub fn bulk_shared(&mut self, bytes: Bytes) {
        if bytes.len() < LARGE_BYTES_MIN {
            return self.bulk(&bytes);
        }
        if !self.out.has_room(bytes.len()) {
            return;
        }
        match self.format {
            Format::Plain => plain::string_shared(self.out, bytes),
            _ => resp::bulk_shared(self.out, bytes),
        }
    }

    /// A number that is stored as a string: the reply of `GET` to a counter.
    #[inline]
    pub fn bulk_int(&mut self, value: i64) {
        self.bulk(itoa::Buffer::new().format(value).as_bytes());
    }

    /// An integer.
    #[inline]
    pub fn int(&mut self, value: i64) {
        match self.format {
            Format::Plain => plain::int(self.out, value),
            _ => resp::int(self.small(), value),
        }
    }

    /// A floating point number: shortest text that reads back as the same number, `inf`, `-inf` or
    /// `nan`.
    pub fn double(&mut self, value: f64) {
        let text = DoubleText::new(value);
        match self.format {
            Format::Plain => plain::text(self.out, text.as_bytes()),
            Format::Resp2 => resp::bulk(self.small(), text.as_bytes()),
            Format::Resp3 => resp::line(self.small(), b',', text.as_bytes()),
        }
    }

    /// As [`double`](Self::double), for a number whose text is known: its digits, a point among them.
    pub fn double_text(&mut self, text: &str) {
        match self.format {
            Format::Plain => plain::text(self.out, text.as_bytes()),
            Format::Resp2 => resp::bulk(self.small(), text.as_bytes()),
            Format::Resp3 => resp::line(self.small(), b',', text.as_bytes()),
        }
    }

    /// A floating point number that is a string in every format, with the text that
    /// [`double`](Self::double) has.
    pub fn bulk_double(&mut self, value: f64) {
        self.bulk(DoubleText::new(value).as_bytes());
    }

    /// A truth value; 1 or 0 where the format has none.
    pub fn boolean(&mut self, value: bool) {
        match self.format {
            Format::Resp3 => {
                self.small()
                    .extend_from_slice(if value { b"#t\r\n" } else { b"#f\r\n" })
            }
            _ => self.int(i64::from(value)),
        }
    }

    /// Nothing, in the place of a string.
    #[inline]
    pub fn null(&mut self) {
        match self.format {
            Format::Plain => plain::text(self.out, b"NULL"),
            Format::Resp2 => self.small().extend_from_slice(b"$-1\r\n"),
            Format::Resp3 => self.small().extend_from_slice(b"_\r\n"),
        }
    }

    /// Nothing, in the place of an array.
    pub fn null_array(&mut self) {
        match self.format {
            Format::Resp2 => self.small().extend_from_slice(b"*-1\r\n"),
            _ => self.null(),
        }
    }

    /// Announces a list: the next `count` elements are its own.
    pub fn array(&mut self, count: usize) {
        self.aggregate(b'*', count);
    }

    /// Announces `pairs` pairs: the next `2 * pairs` elements are keys and values in turn.
    ///
    /// # Panics
    ///
    /// If twice `pairs` is more than a `usize` holds.
    pub fn map(&mut self, pairs: usize) {
        match self.format {
            Format::Resp3 => resp::header(self.small(), b'%', pairs),
            _ => self.array(pairs.checked_mul(2).expect("a reply fits in memory")),
        }
    }

    /// Announces an unordered collection: the next `count` elements are its own.
    pub fn set(&mut self, count: usize) {
        self.aggregate(b'~', count);
    }

    /// Announces a message that is no answer to a request: the next `count` elements are its own.
    pub fn push(&mut self, count: usize) {
        self.aggregate(b'>', count);
    }

    /// Announces `pairs` keys and values that say something about the reply behind them, and whether they can be
    /// said: RESP3 alone has such a thing, elsewhere nothing is written.
    pub fn attribute(&mut self, pairs: usize) -> bool {
        let can = self.format == Format::Resp3;
        if can {
            self.aggregate(b'|', pairs);
        }
        can
    }

    /// A text for people, such as that of `INFO`. `kind` is `txt` or `mkd`. In the plain format the
    /// text's lines are a list.
    ///
    /// # Panics
    ///
    /// If `kind` is not three bytes long.
    pub fn verbatim(&mut self, kind: &str, text: &[u8]) {
        assert_eq!(kind.len(), 3, "a verbatim string's kind is three bytes");
        match self.format {
            Format::Plain => plain::verbatim(self.out, text),
            Format::Resp2 => resp::bulk(self.small(), text),
            Format::Resp3 => resp::verbatim(self.small(), kind, text),
        }
    }

    /// A decimal integer of any length.
    pub fn big_number(&mut self, digits: &str) {
        match self.format {
            Format::Plain => plain::status(self.out, digits),
            Format::Resp2 => resp::bulk(self.small(), digits.as_bytes()),
            Format::Resp3 => resp::line(self.small(), b'(', digits.as_bytes()),
        }
    }

    /// An error: an upper-case `code` such as `ERR` and a message. Control characters, CR and LF
    /// above all, become blanks, so that text from a peer cannot forge a reply.
    pub fn error(&mut self, code: &str, message: &str) {
        match self.format {
            Format::Plain => plain::error(self.out, code, message),
            _ => resp::error(self.small(), code, message),
        }
    }

    /// The last reply of a connection whose bytes are no request.
    pub fn proto_error(&mut self, error: &ProtoError) {
        self.error("ERR", &error.to_string());
    }

    /// How many of the `asked` keys were removed. In the plain format one key is answered by `OK`
    /// or `NULL`.
    pub fn removed(&mut self, count: i64, asked: usize) {
        match (self.format, asked, count) {
            (Format::Plain, 1, 0) => self.null(),
            (Format::Plain, 1, _) => self.ok(),
            _ => self.int(count),
        }
    }

    /// The type of a value, or that there is none: `none` in RESP, `NULL` in the plain format.
    pub fn kind(&mut self, kind: Option<&str>) {
        match (self.format, kind) {
            (_, Some(kind)) => self.simple(kind),
            (Format::Plain, None) => self.null(),
            (_, None) => self.simple("none"),
        }
    }

    /// An aggregate whose RESP3 marker is `marker` and that is an array elsewhere.
    fn aggregate(&mut self, marker: u8, count: usize) {
        match self.format {
            Format::Plain => plain::list(self.out, count),
            Format::Resp2 => resp::header(self.small(), b'*', count),
            Format::Resp3 => resp::header(self.small(), marker, count),
        }
    }

    fn small(&mut self) -> &mut Vec<u8> {
        self.out.small_mut()
    }
}
