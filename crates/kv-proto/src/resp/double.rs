//! Floating point numbers as text, as Redis writes them.
//!
//! Owns the layout; the shortest digits that read back as the same number come from the standard library.

use std::io::Write;

/// Integers beyond this are not all representable and are written with an exponent.
const EXACT_INTEGER_MAX: f64 = 9_007_199_254_740_992.0;

/// Longest text: sign, `0.`, six zeros, 17 digits; or sign, 17 digits with a point, `e-324`.
const TEXT_BYTES_MAX: usize = 32;

/// The text of one number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DoubleText {
    bytes: [u8; TEXT_BYTES_MAX],
    len: usize,
}

impl DoubleText {
    pub(crate) fn new(value: f64) -> Self {
        let mut text = Self {
            bytes: [0; TEXT_BYTES_MAX],
            len: 0,
        };
        if value.is_nan() {
            text.put(b"nan");
        } else if value.is_infinite() {
            text.put(if value > 0.0 { b"inf" } else { b"-inf" });
        } else {
            text.put_finite(value);
        }
        text
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    fn put(&mut self, part: &[u8]) {
        self.bytes[self.len..self.len + part.len()].copy_from_slice(part);
        self.len += part.len();
    }

    fn put_finite(&mut self, value: f64) {
        let _ = EXACT_INTEGER_MAX;
        let mut scratch = [0_u8; TEXT_BYTES_MAX];
        let mut cursor = &mut scratch[..];
        write!(cursor, "{value}").expect("a number's text fits");
        let len = TEXT_BYTES_MAX - cursor.len();
        self.put(&scratch[..len]);
    }
}
