//! Strings: bytes, kept as an integer when they are the canonical decimal form of one.

use bytes::Bytes;

/// A string as an effect carries it: given, not yet stored.
///
/// Invariant: `Bytes` never holds the canonical decimal form of an `i64`; [`StringValue::new`] keeps that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StringValue<'a> {
    /// The canonical decimal form of this number.
    Int(i64),
    /// These bytes.
    Bytes(&'a [u8]),
}

impl<'a> StringValue<'a> {
    /// The value of these bytes.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        canonical_int(bytes).map_or(Self::Bytes(bytes), Self::Int)
    }
}

/// A string as it lies in a store.
///
/// Invariant: neither `Bytes` nor `Shared` is the canonical decimal form of an `i64`, however the string came
/// about.
#[derive(Clone, Copy, Debug)]
pub enum StringRef<'a> {
    /// The canonical decimal form of this number.
    Int(i64),
    /// These bytes.
    Bytes(&'a [u8]),
    /// A large string, shared: cloning it copies no bytes.
    Shared(&'a Bytes),
}

impl<'a> StringRef<'a> {
    /// Length in bytes of the string form.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Int(number) => itoa::Buffer::new().format(*number).len(),
            Self::Bytes(bytes) => bytes.len(),
            Self::Shared(bytes) => bytes.len(),
        }
    }

    /// Whether the string is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The name that `OBJECT ENCODING` has for its form.
    #[must_use]
    pub fn encoding(&self) -> &'static str {
        /// Longest string that Redis keeps in one piece with what belongs to it, in bytes.
        const EMBEDDED_BYTES_MAX: usize = 44;

        match self {
            Self::Int(_) => "int",
            _ if self.len() <= EMBEDDED_BYTES_MAX => "embstr",
            _ => "raw",
        }
    }

    /// The string form; an integer is written into `digits`.
    #[must_use]
    pub fn as_bytes<'b>(&self, digits: &'b mut itoa::Buffer) -> &'b [u8]
    where
        'a: 'b,
    {
        match *self {
            Self::Int(number) => digits.format(number).as_bytes(),
            Self::Bytes(bytes) => bytes,
            Self::Shared(bytes) => bytes,
        }
    }

    /// The string form, owned; a shared string is not copied.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        match *self {
            Self::Int(number) => {
                Bytes::copy_from_slice(itoa::Buffer::new().format(number).as_bytes())
            }
            Self::Bytes(bytes) => Bytes::copy_from_slice(bytes),
            Self::Shared(bytes) => bytes.clone(),
        }
    }

    /// The same string as an effect carries it.
    #[must_use]
    pub fn to_value(&self) -> StringValue<'a> {
        match *self {
            Self::Int(number) => StringValue::Int(number),
            Self::Bytes(bytes) => StringValue::new(bytes),
            Self::Shared(bytes) => StringValue::Bytes(bytes),
        }
    }
}

/// Whether `bytes` are the canonical decimal form of a number.
pub(super) fn is_canonical_int(bytes: &[u8]) -> bool {
    canonical_int(bytes).is_some()
}

/// The number whose decimal form is exactly `bytes`: no plus sign, no leading zero, no blank.
fn canonical_int(bytes: &[u8]) -> Option<i64> {
    let digits = bytes.strip_prefix(b"-").unwrap_or(bytes);
    match digits {
        [b'0'] if digits.len() == bytes.len() => return Some(0),
        [b'1'..=b'9', ..] if digits.len() <= 19 => {}
        _ => return None,
    }
    let negative = digits.len() < bytes.len();
    digits.iter().try_fold(0i64, |number, &byte| {
        let digit = i64::from(byte.wrapping_sub(b'0'));
        if digit > 9 {
            return None;
        }
        let number = number.checked_mul(10)?;
        if negative {
            number.checked_sub(digit)
        } else {
            number.checked_add(digit)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_canonical_decimals_are_integers() {
        for number in [0, 1, -1, 10, i64::MAX, i64::MIN] {
            let text = number.to_string();
            assert_eq!(StringValue::new(text.as_bytes()), StringValue::Int(number));
        }
        for text in [
            "",
            "-",
            "-0",
            "00",
            "01",
            "+1",
            " 1",
            "1 ",
            "1a",
            "9223372036854775808",
            "1.0",
        ] {
            assert_eq!(
                StringValue::new(text.as_bytes()),
                StringValue::Bytes(text.as_bytes())
            );
        }
    }
}
