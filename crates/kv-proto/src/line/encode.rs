//! Replies as plain text: one element is one line.
//!
//! ```text
//! 1) first            a list of three, the second a list of two
//! 2) 1) inner
//!    2) inner too
//! 3) third
//! ```
//!
//! The lists that are being written are remembered in the [`ReplyBuffer`], so that nothing recurses
//! and a reply may be written by many functions.
//!
//! Invariant: an element ends with the only LF in it.
//! Invariant: `open_lists` holds exactly the lists that still miss elements.

use bytes::Bytes;

use crate::reply_buffer::ReplyBuffer;
use crate::resp::encode::one_line;

/// A list whose elements are being written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OpenList {
    /// The number of the next element, from 1.
    next: usize,
    len: usize,
    /// The column in which its elements begin.
    column: usize,
}

/// Text that is known to be one line.
pub(crate) fn text(out: &mut ReplyBuffer, text: &[u8]) {
    begin(out);
    out.small_mut().extend_from_slice(text);
    end(out);
}

/// Text in which control characters become blanks.
pub(crate) fn status(out: &mut ReplyBuffer, text: &str) {
    begin(out);
    one_line(out.small_mut(), text);
    end(out);
}

/// `ERR message`.
pub(crate) fn error(out: &mut ReplyBuffer, code: &str, message: &str) {
    begin(out);
    one_line(out.small_mut(), code);
    if !message.is_empty() {
        out.small_mut().push(b' ');
        one_line(out.small_mut(), message);
    }
    end(out);
}

/// `(integer) 3`.
pub(crate) fn int(out: &mut ReplyBuffer, value: i64) {
    begin(out);
    let small = out.small_mut();
    small.extend_from_slice(b"(integer) ");
    small.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
    end(out);
}

/// A string as it is, or quoted where it would not be one line or would look like a quoted one.
pub(crate) fn string(out: &mut ReplyBuffer, bytes: &[u8]) {
    begin(out);
    if needs_quotes(bytes) {
        quote(out.small_mut(), bytes);
    } else {
        out.small_mut().extend_from_slice(bytes);
    }
    end(out);
}

/// Like [`string`], without copying bytes that need no quotes.
pub(crate) fn string_shared(out: &mut ReplyBuffer, bytes: Bytes) {
    if needs_quotes(&bytes) {
        return string(out, &bytes);
    }
    begin(out);
    out.push_large(bytes);
    end(out);
}

/// A text of several lines as the list of its lines; one of a single line as a string.
pub(crate) fn verbatim(out: &mut ReplyBuffer, text: &[u8]) {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    let lines = || text.split(|byte| *byte == b'\n');
    let count = lines().count();
    if count > 1 {
        list(out, count);
    }
    for line in lines() {
        string(out, line.strip_suffix(b"\r").unwrap_or(line));
    }
}

/// Announces a list; its first element follows on the same line.
pub(crate) fn list(out: &mut ReplyBuffer, len: usize) {
    if len == 0 {
        return text(out, b"(empty)");
    }
    let column = begin(out);
    out.open_lists.push(OpenList {
        next: 1,
        len,
        column,
    });
}

/// Writes what stands before an element, and returns the column in which the element begins.
fn begin(out: &mut ReplyBuffer) -> usize {
    let Some(&OpenList { next, column, .. }) = out.open_lists.last() else {
        return 0;
    };
    let small = out.small_mut();
    // The first element stands on the line on which its list began.
    if next > 1 {
        small.resize(small.len() + column, b' ');
    }
    let mut buffer = itoa::Buffer::new();
    let number = buffer.format(next);
    small.extend_from_slice(number.as_bytes());
    small.extend_from_slice(b") ");
    column + number.len() + 2
}

/// Ends an element, and with it the lists that it completes.
fn end(out: &mut ReplyBuffer) {
    out.small_mut().push(b'\n');
    while let Some(list) = out.open_lists.last_mut() {
        if list.next < list.len {
            list.next += 1;
            return;
        }
        out.open_lists.pop();
    }
}

fn needs_quotes(bytes: &[u8]) -> bool {
    bytes.first() == Some(&b'"') || bytes.iter().any(u8::is_ascii_control)
}

/// Adds `bytes` in the quotes and escapes that requests understand.
fn quote(out: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    for &byte in bytes {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x07 => out.extend_from_slice(b"\\a"),
            control if control.is_ascii_control() => {
                let [high, low] =
                    [control >> 4, control & 15].map(|digit| DIGITS[usize::from(digit)]);
                out.extend_from_slice(&[b'\\', b'x', high, low]);
            }
            other => out.push(other),
        }
    }
    out.push(b'"');
}
