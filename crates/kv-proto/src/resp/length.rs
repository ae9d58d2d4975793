//! The decimal lengths of RESP headers: `<digits>\r\n` after `*`, `$` and their kind.
//!
//! Invariant: a length is refused at its first wrong byte, so no header is ever searched for its
//! end.

/// A number this long is beyond every limit.
const DIGITS_MAX: usize = 10;

/// What stands where a length is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Length {
    /// A number and its CR LF, `size` bytes together.
    Complete { value: i64, size: usize },
    /// The beginning of one.
    Incomplete,
    /// A number whose CR is followed by something else than LF.
    BrokenEnd,
    /// Something else.
    Invalid,
}

impl Length {
    /// Reads the length at the front of `bytes`: no plus sign, no leading zeros, ended by CR LF.
    #[inline]
    pub(crate) fn read(bytes: &[u8]) -> Self {
        // Nearly all lengths have one digit or two.
        match *bytes {
            [ones @ b'0'..=b'9', b'\r', b'\n', ..] => Self::Complete {
                value: i64::from(ones - b'0'),
                size: 3,
            },
            [tens @ b'1'..=b'9', ones @ b'0'..=b'9', b'\r', b'\n', ..] => Self::Complete {
                value: i64::from(tens - b'0') * 10 + i64::from(ones - b'0'),
                size: 4,
            },
            _ => Self::read_any(bytes),
        }
    }

    fn read_any(bytes: &[u8]) -> Self {
        let (negative, digits) = match bytes.split_first() {
            Some((b'-', rest)) => (true, rest),
            _ => (false, bytes),
        };
        let mut value = 0_i64;
        for (count, &byte) in digits.iter().enumerate() {
            match byte {
                b'0'..=b'9' if count < DIGITS_MAX && (count == 0 || value != 0) => {
                    value = value * 10 + i64::from(byte - b'0');
                }
                b'\r' if count > 0 => {
                    let size = usize::from(negative) + count + 2;
                    let value = if negative { -value } else { value };
                    return match digits.get(count + 1) {
                        Some(b'\n') => Self::Complete { value, size },
                        Some(_) => Self::BrokenEnd,
                        None => Self::Incomplete,
                    };
                }
                _ => return Self::Invalid,
            }
        }
        Self::Incomplete
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_lengths_are_read() {
        let complete = |value, size| Length::Complete { value, size };
        assert_eq!(Length::read(b"0\r\nrest"), complete(0, 3));
        assert_eq!(Length::read(b"12\r\n"), complete(12, 4));
        assert_eq!(Length::read(b"-1\r\n"), complete(-1, 4));
        assert_eq!(Length::read(b"3000000000\r\n"), complete(3_000_000_000, 12));
    }

    #[test]
    fn beginnings_are_incomplete() {
        for bytes in [&b""[..], b"-", b"1", b"1\r", b"1234567890"] {
            assert_eq!(
                Length::read(bytes),
                Length::Incomplete,
                "{}",
                bytes.escape_ascii()
            );
        }
    }

    #[test]
    fn a_number_without_its_line_feed_is_told_apart() {
        assert_eq!(Length::read(b"1\rx"), Length::BrokenEnd);
        assert_eq!(Length::read(b"123\r\r\n"), Length::BrokenEnd);
    }

    #[test]
    fn everything_else_is_invalid_at_its_first_wrong_byte() {
        let wrong: [&[u8]; 11] = [
            b"x",
            b"\r",
            b"\n",
            b"+1",
            b"--1",
            b"01",
            b"00",
            b"1\n",
            b"1 ",
            b"12345678901",
            b"\0",
        ];
        for bytes in wrong {
            assert_eq!(
                Length::read(bytes),
                Length::Invalid,
                "{}",
                bytes.escape_ascii()
            );
        }
    }
}
