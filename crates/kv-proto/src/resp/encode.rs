//! Replies as RESP2 and RESP3 bytes.
//!
//! Invariant: nothing written as a line contains a control character.

use bytes::Bytes;

use crate::reply_buffer::ReplyBuffer;

const CRLF: &[u8] = b"\r\n";

/// `:3`.
pub(crate) fn int(out: &mut Vec<u8>, value: i64) {
    number(out, b':', value);
}

/// The head of an aggregate or of a bulk string: its marker and its length.
pub(crate) fn header(out: &mut Vec<u8>, marker: u8, count: usize) {
    number(out, marker, count);
}

/// `$5`, the bytes, and their end.
pub(crate) fn bulk(out: &mut Vec<u8>, bytes: &[u8]) {
    // One check of the capacity for all parts: a length has at most 20 digits.
    out.reserve(bytes.len() + 32);
    header(out, b'$', bytes.len());
    out.extend_from_slice(bytes);
    out.extend_from_slice(CRLF);
}

/// A bulk string whose bytes are not copied.
pub(crate) fn bulk_shared(out: &mut ReplyBuffer, bytes: Bytes) {
    header(out.small_mut(), b'$', bytes.len());
    out.push_large(bytes);
    out.small_mut().extend_from_slice(CRLF);
}

/// `=`, the length, the kind and the text.
pub(crate) fn verbatim(out: &mut Vec<u8>, kind: &str, text: &[u8]) {
    out.reserve(text.len() + 32);
    header(out, b'=', kind.len() + 1 + text.len());
    out.extend_from_slice(kind.as_bytes());
    out.push(b':');
    out.extend_from_slice(text);
    out.extend_from_slice(CRLF);
}

/// A marker and text that is known to hold no control characters.
pub(crate) fn line(out: &mut Vec<u8>, marker: u8, text: &[u8]) {
    out.reserve(text.len() + 3);
    out.push(marker);
    out.extend_from_slice(text);
    out.extend_from_slice(CRLF);
}

/// `+PONG`.
pub(crate) fn status(out: &mut Vec<u8>, text: &str) {
    out.reserve(text.len() + 3);
    out.push(b'+');
    one_line(out, text);
    out.extend_from_slice(CRLF);
}

/// `-ERR message`, or `-CODE` without one.
pub(crate) fn error(out: &mut Vec<u8>, code: &str, message: &str) {
    out.reserve(code.len() + message.len() + 4);
    out.push(b'-');
    one_line(out, code);
    if !message.is_empty() {
        out.push(b' ');
        one_line(out, message);
    }
    out.extend_from_slice(CRLF);
}

/// Adds `text` with each control character replaced by a blank.
pub(crate) fn one_line(out: &mut Vec<u8>, text: &str) {
    out.extend(
        text.bytes()
            .map(|byte| if byte.is_ascii_control() { b' ' } else { byte }),
    );
}

/// A marker and a number. Most numbers in replies have one digit or two.
fn number<N: itoa::Integer + Copy + TryInto<u8>>(out: &mut Vec<u8>, marker: u8, value: N) {
    match value.try_into() {
        Ok(digit @ 0..=9) => {
            return out.extend_from_slice(&[marker, b'0' + digit, b'\r', b'\n']);
        }
        Ok(two @ 10..=99) => {
            let (tens, ones) = (b'0' + two / 10, b'0' + two % 10);
            return out.extend_from_slice(&[marker, tens, ones, b'\r', b'\n']);
        }
        _ => {}
    }
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(value);
    out.reserve(digits.len() + 3);
    out.push(marker);
    out.extend_from_slice(digits.as_bytes());
    out.extend_from_slice(CRLF);
}
