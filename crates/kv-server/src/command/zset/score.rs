//! Scores as clients write them, and members with their scores in replies.

use kv_proto::{Format, Reply};

use crate::command::error::CommandError;

/// The number that `word` is: decimal, with an exponent or infinite. `None` when it is no number, or one that is
/// too large or too close to 0 for 64 bits.
pub(in crate::command) fn parse(word: &[u8]) -> Option<f64> {
    let number: f64 = std::str::from_utf8(word).ok()?.parse().ok()?;
    let is_digit = |byte: &u8| byte.is_ascii_digit();
    let overflows = number.is_infinite() && word.iter().any(is_digit);
    let underflows = number == 0.0 && significand(word).any(|digit| (b'1'..=b'9').contains(&digit));
    (!number.is_nan() && !overflows && !underflows).then_some(number)
}

/// What stands before the exponent of a number.
fn significand(word: &[u8]) -> impl Iterator<Item = u8> {
    let bytes = word.iter().copied();
    bytes.take_while(|byte| !matches!(byte, b'e' | b'E'))
}

/// As [`parse`], for a score that a member is to get.
///
/// # Errors
///
/// It is none.
pub(super) fn given(word: &[u8]) -> Result<f64, CommandError> {
    parse(word).ok_or(CommandError::NOT_A_FLOAT)
}

/// The number that an end of an interval is written as: numbers that are too large are infinite, and nothing is 0.
pub(super) fn parse_bound(word: &[u8]) -> Option<f64> {
    if word.is_empty() {
        return Some(0.0);
    }
    let number: f64 = std::str::from_utf8(word).ok()?.parse().ok()?;
    (!number.is_nan()).then_some(number)
}

/// How members and their scores are put into a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Members alone.
    Members,
    /// A member, its score, the next member; in RESP3 lists of two.
    Scored,
    /// A member, its score, the next member.
    Flat,
    /// Lists of two.
    Pairs,
}

/// Answers a list of members, as far as a reply may be that long.
pub(super) fn list<'z>(
    members: impl ExactSizeIterator<Item = (&'z [u8], f64)>,
    form: Form,
    reply: &mut Reply<'_>,
) {
    let form = match (form, reply.format()) {
        (Form::Scored, Format::Resp3) => Form::Pairs,
        (Form::Scored, _) => Form::Flat,
        (form, _) => form,
    };
    let each = if form == Form::Flat { 2 } else { 1 };
    reply.array(members.len().saturating_mul(each));
    for (member, score) in members {
        if form == Form::Pairs {
            reply.array(2);
        }
        reply.bulk(member);
        if form != Form::Members {
            reply.double(score);
        }
        if reply.buffer().is_over_limit() {
            break;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_people_write_them() {
        for (word, number) in [
            ("0", 0.0),
            ("-0.0", 0.0),
            ("+1.", 1.0),
            (".5", 0.5),
            ("1e3", 1000.0),
            ("0e999", 0.0),
            ("inf", f64::INFINITY),
            ("-Infinity", f64::NEG_INFINITY),
            ("5e-324", 5e-324),
        ] {
            assert_eq!(parse(word.as_bytes()), Some(number), "{word}");
        }
    }

    #[test]
    fn what_is_no_score() {
        for word in [
            "", " 1", "1 ", "nan", "-nan", "0x10", "1e", ".", "1e400", "-1e400", "1e-400", "1_0",
        ] {
            assert_eq!(parse(word.as_bytes()), None, "{word}");
        }
        assert_eq!(parse_bound(b""), Some(0.0));
        assert_eq!(parse_bound(b"1e400"), Some(f64::INFINITY));
        assert_eq!(parse_bound(b"1e-400"), Some(0.0));
        assert_eq!(parse_bound(b"nan"), None);
        assert_eq!(parse_bound(b" 1"), None);
    }
}
