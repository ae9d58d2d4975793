//! Decimal numbers with a fixed point: what `INCRBYFLOAT` counts in.
//!
//! Invariant: sums are exact. No binary rounding shows: 0.1 and 0.2 make 0.3.

use std::fmt;

/// A decimal number with 17 places behind the point and about 21 before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::command) struct Decimal {
    /// The number times `ONE`.
    scaled: i128,
}

/// Places behind the point, as many as Redis shows.
const PLACES: i32 = 17;
const ONE: i128 = 10i128.pow(PLACES.unsigned_abs());

/// Why a text is no [`Decimal`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::command) enum NotDecimal {
    /// It is infinity.
    Infinite,
    /// It is no number, or too large.
    Invalid,
}

impl Decimal {
    /// Zero.
    pub(in crate::command) const ZERO: Self = Self { scaled: 0 };

    /// This integer.
    pub(in crate::command) fn from_int(number: i64) -> Self {
        Self {
            scaled: i128::from(number) * ONE,
        }
    }

    /// Reads a number as people write it: sign, digits with a point among them, exponent. What is behind the
    /// last place is rounded.
    ///
    /// # Errors
    ///
    /// It is none, or too large.
    pub(in crate::command) fn parse(text: &[u8]) -> Result<Self, NotDecimal> {
        let (negative, rest) = match text {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            rest => (false, rest),
        };
        if rest.eq_ignore_ascii_case(b"inf") || rest.eq_ignore_ascii_case(b"infinity") {
            return Err(NotDecimal::Infinite);
        }
        let scaled = parse_unsigned(rest).ok_or(NotDecimal::Invalid)?;
        Ok(Self {
            scaled: if negative { -scaled } else { scaled },
        })
    }

    /// The sum; `None` when it is too large.
    pub(in crate::command) fn checked_add(self, other: Self) -> Option<Self> {
        let scaled = self.scaled.checked_add(other.scaled)?;
        Some(Self { scaled })
    }
}

/// The number that digits, a point among them and an exponent stand for, times `ONE`.
fn parse_unsigned(text: &[u8]) -> Option<i128> {
    let (mantissa, exponent) = match text.iter().position(|byte| matches!(byte, b'e' | b'E')) {
        Some(at) => (&text[..at], parse_exponent(&text[at + 1..])?),
        None => (text, 0),
    };
    let point = mantissa.iter().position(|&byte| byte == b'.');
    let whole = point.unwrap_or(mantissa.len());
    let fraction = point.map_or(&[][..], |point| &mantissa[point + 1..]);
    if whole + fraction.len() == 0 {
        return None;
    }
    // The power of ten that the first digit counts, in units of the last place.
    let mut place = i64::try_from(whole).ok()? - 1 + exponent + i64::from(PLACES);
    let mut scaled: i128 = 0;
    for byte in mantissa[..whole].iter().chain(fraction) {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit <= 9)?;
        scaled = scaled.checked_add(counted(digit, place)?)?;
        place -= 1;
    }
    Some(scaled)
}

/// `digit` times ten to the power of `place`; of what is behind the last place only the first digit counts,
/// for rounding.
fn counted(digit: u8, place: i64) -> Option<i128> {
    match (digit, place) {
        (0, _) => Some(0),
        (_, ..-1) => Some(0),
        (digit, -1) => Some(i128::from(digit >= 5)),
        (digit, place) => {
            let power = 10i128.checked_pow(u32::try_from(place).ok()?)?;
            i128::from(digit).checked_mul(power)
        }
    }
}

fn parse_exponent(text: &[u8]) -> Option<i64> {
    let digits = text
        .strip_prefix(b"-")
        .or(text.strip_prefix(b"+"))
        .unwrap_or(text);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    // Beyond this every number but zero is too large, or rounds to zero.
    const FAR: i64 = 1 << 40;
    let size = digits.iter().fold(0i64, |size, digit| {
        (size * 10 + i64::from(digit - b'0')).min(FAR)
    });
    Some(if text.starts_with(b"-") { -size } else { size })
}

/// Without an exponent and without zeros at the end.
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, fraction) = (
            self.scaled.unsigned_abs() / ONE.unsigned_abs(),
            self.scaled.unsigned_abs() % ONE.unsigned_abs(),
        );
        let sign = if self.scaled < 0 { "-" } else { "" };
        write!(f, "{sign}{whole}")?;
        if fraction > 0 {
            let digits = format!("{fraction:017}");
            write!(f, ".{}", digits.trim_end_matches('0'))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Result<String, NotDecimal> {
        Decimal::parse(text.as_bytes()).map(|number| number.to_string())
    }

    #[test]
    fn numbers_as_people_write_them() {
        for (text, expected) in [
            ("0", "0"),
            ("-0.0", "0"),
            ("+1", "1"),
            (".5", "0.5"),
            ("5.", "5"),
            ("-10.50", "-10.5"),
            ("5.0e3", "5000"),
            ("1E-5", "0.00001"),
            ("1e-17", "0.00000000000000001"),
            ("4e-18", "0"),
            ("5e-18", "0.00000000000000001"),
            ("0.00000000000000000999", "0.00000000000000001"),
            ("9999999999e-10", "0.9999999999"),
            ("1e20", "100000000000000000000"),
            ("0e99999999999999999999", "0"),
            ("1e-99999999999999999999", "0"),
            ("0.00000000000000000000000000001e29", "1"),
        ] {
            assert_eq!(shown(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_number() {
        for text in [
            "",
            "-",
            "+",
            ".",
            "e5",
            "1e",
            "1e+",
            "1e1.5",
            " 1",
            "1 ",
            "1x",
            "0x10",
            "1,5",
            "--1",
            "nan",
            "1..2",
            "1.2.3",
            "1e22",
            "1e5000",
            "2000000000000000000000",
            "1e99999999999999999999",
        ] {
            assert_eq!(shown(text), Err(NotDecimal::Invalid), "{text}");
        }
        for text in ["inf", "-Inf", "+INFINITY"] {
            assert_eq!(shown(text), Err(NotDecimal::Infinite), "{text}");
        }
    }

    #[test]
    fn the_largest_numbers_do_not_wrap() {
        let largest = Decimal { scaled: i128::MAX };
        let smallest = Decimal { scaled: i128::MIN };
        assert_eq!(
            largest.to_string(),
            "1701411834604692317316.87303715884105727"
        );
        assert_eq!(
            smallest.to_string(),
            "-1701411834604692317316.87303715884105728"
        );
        assert_eq!(largest.checked_add(largest), None);
        assert_eq!(shown(&largest.to_string()), Ok(largest.to_string()));
    }
}
