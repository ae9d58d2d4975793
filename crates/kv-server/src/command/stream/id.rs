//! How clients write IDs of entries.

use kv_core::StreamId;

use crate::command::error::CommandError;

const INVALID: CommandError = CommandError::fixed(
    "ERR",
    "Invalid stream ID specified as stream command argument",
);

/// The ID that a new entry is to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NewId {
    /// The next one as of now.
    Next,
    /// The next one of this millisecond.
    NextOf(u64),
    /// This one.
    Exactly(StreamId),
}

/// An ID; `-` is the lowest and `+` the highest. One that is only a time gets `seq`.
pub(super) fn parse(word: &[u8], seq: u64) -> Result<StreamId, CommandError> {
    match word {
        b"-" => Ok(StreamId::MIN),
        b"+" => Ok(StreamId::MAX),
        word => strict(word, seq),
    }
}

/// As [`parse`], without the two names.
pub(super) fn strict(word: &[u8], seq: u64) -> Result<StreamId, CommandError> {
    let (ms, given) = halves(word);
    let seq = match given {
        Some(given) => number(given)?,
        None => seq,
    };
    Ok(StreamId::new(number(ms)?, seq))
}

/// The ID of a new entry: `*`, `ms-*` or an ID.
pub(super) fn new_id(word: &[u8]) -> Result<NewId, CommandError> {
    Ok(match halves(word) {
        (b"*", None) => NewId::Next,
        (ms, Some(b"*")) => NewId::NextOf(number(ms)?),
        _ => NewId::Exactly(strict(word, 0)?),
    })
}

/// The lowest ID that a range has.
pub(super) fn from(word: &[u8]) -> Result<StreamId, CommandError> {
    match word.strip_prefix(b"(") {
        None => parse(word, 0),
        Some(word) => strict(word, 0)?
            .next()
            .ok_or_else(|| CommandError::err("invalid start ID for the interval")),
    }
}

/// The highest ID that a range has.
pub(super) fn to(word: &[u8]) -> Result<StreamId, CommandError> {
    match word.strip_prefix(b"(") {
        None => parse(word, u64::MAX),
        Some(word) => strict(word, u64::MAX)?
            .previous()
            .ok_or_else(|| CommandError::err("invalid end ID for the interval")),
    }
}

/// What stands before the dash, and behind it. As with Redis a zero byte ends the word.
fn halves(word: &[u8]) -> (&[u8], Option<&[u8]>) {
    let word = word.split(|byte| *byte == 0).next().unwrap_or_default();
    match word.iter().position(|&byte| byte == b'-') {
        Some(dash) => (&word[..dash], Some(&word[dash + 1..])),
        None => (word, None),
    }
}

/// A number as `strtoull` reads it, on which Redis falls back: blanks, a plus and zeros may stand before it.
fn number(digits: &[u8]) -> Result<u64, CommandError> {
    let digits = std::str::from_utf8(digits.trim_ascii_start()).ok();
    digits.and_then(|digits| digits.parse().ok()).ok_or(INVALID)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_as_clients_write_them() {
        assert_eq!(parse(b"5-3", 9), Ok(StreamId::new(5, 3)));
        assert_eq!(parse(b"5", 9), Ok(StreamId::new(5, 9)));
        assert_eq!(parse(b"-", 9), Ok(StreamId::MIN));
        assert_eq!(strict(b" +01- 2", 9), Ok(StreamId::new(1, 2)));
        assert_eq!(strict(b"1-2\0x", 9), Ok(StreamId::new(1, 2)));
        assert_eq!(strict(b"-", 9), Err(INVALID));
        assert_eq!(new_id(b"5-*"), Ok(NewId::NextOf(5)));
        assert_eq!(new_id(b"*"), Ok(NewId::Next));
        for wrong in [
            &b""[..],
            b"-1",
            b"1-",
            b"x",
            b"1-2-3",
            b"18446744073709551616",
            b"1 ",
        ] {
            assert_eq!(parse(wrong, 0), Err(INVALID), "{wrong:?}");
        }
        assert_eq!(from(b"(1-1"), Ok(StreamId::new(1, 2)));
        assert_eq!(to(b"(1"), Ok(StreamId::new(1, u64::MAX - 1)));
        assert!(from(b"(18446744073709551615-18446744073709551615").is_err());
        assert!(to(b"(0-0").is_err());
    }
}
