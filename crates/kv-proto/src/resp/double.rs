//! Floating point numbers as text, laid out as Redis does.
//!
//! Owns the layout; the shortest digits that read back as the same number come from the standard
//! library.

use std::io::Write;

/// Redis writes integers up to here with all their digits: half of what 64 bits hold.
const WHOLE_MAX: f64 = 4_611_686_018_427_387_904.0;

/// No text is longer: a sign, `0.`, six zeros and 17 digits make 26 bytes.
const TEXT_BYTES_MAX: usize = 32;

/// A shortest number has at most this many digits.
const DIGITS_MAX: usize = 17;

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
        } else if value == 0.0 && value.is_sign_negative() {
            text.put(b"-0");
        } else if let Some(whole) = whole(value) {
            text.put(itoa::Buffer::new().format(whole).as_bytes());
        } else {
            if value < 0.0 {
                text.put(b"-");
            }
            text.put_digits(&Digits::of(value.abs()));
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

    fn put_zeros(&mut self, count: usize) {
        self.put(&[b'0'; TEXT_BYTES_MAX][..count]);
    }

    /// Chooses between `1200`, `0.0012`, `1.2` and `1.2e+30` by the rules of Redis' printer, which
    /// look at how many zeros the plain forms would need.
    fn put_digits(&mut self, number: &Digits) {
        let digits = number.as_bytes();
        let exponent = number.exponent;
        // The power of ten of the last digit.
        let last = exponent + 1 - i32::try_from(digits.len()).expect("at most 17 digits");
        let point = usize::try_from(exponent + 1).unwrap_or(0);
        if last >= 0 && usize::try_from(exponent).is_ok_and(|zeros| zeros < digits.len() + 7) {
            self.put(digits);
            self.put_zeros(point - digits.len());
        } else if last < 0 && (last > -7 || exponent.abs() < 4) {
            let (whole, fraction) = digits.split_at(point);
            self.put(if whole.is_empty() { b"0" } else { whole });
            self.put(b".");
            self.put_zeros(usize::try_from(-1 - exponent).unwrap_or(0));
            self.put(fraction);
        } else {
            let (first, others) = digits.split_at(1);
            self.put(first);
            if !others.is_empty() {
                self.put(b".");
                self.put(others);
            }
            self.put(if exponent < 0 { b"e-" } else { b"e+" });
            self.put(
                itoa::Buffer::new()
                    .format(exponent.unsigned_abs())
                    .as_bytes(),
            );
        }
    }
}

/// The number as an integer, if it is one that is written with all its digits.
fn whole(value: f64) -> Option<i64> {
    if value.fract() != 0.0 || value.abs() > WHOLE_MAX {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a whole number within 63 bits"
    )]
    let whole = value as i64;
    Some(whole)
}

/// The shortest decimal digits of a positive number, and the power of ten of the first of them.
struct Digits {
    digits: [u8; DIGITS_MAX],
    len: usize,
    exponent: i32,
}

impl Digits {
    fn of(value: f64) -> Self {
        let mut scratch = [0_u8; TEXT_BYTES_MAX];
        let mut unused = &mut scratch[..];
        write!(unused, "{value:e}").expect("17 digits, a point and an exponent fit");
        let len = TEXT_BYTES_MAX - unused.len();
        let mut number = Self {
            digits: [0; DIGITS_MAX],
            len: 0,
            exponent: 0,
        };
        let text = std::str::from_utf8(&scratch[..len]).expect("a number is ASCII");
        let (mantissa, exponent) = text.split_once('e').expect("the format has an exponent");
        number.exponent = exponent.parse().expect("the exponent is an integer");
        for digit in mantissa.bytes().filter(u8::is_ascii_digit) {
            number.digits[number.len] = digit;
            number.len += 1;
        }
        number
    }

    fn as_bytes(&self) -> &[u8] {
        &self.digits[..self.len]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(value: f64) -> String {
        String::from_utf8(DoubleText::new(value).as_bytes().to_vec()).unwrap()
    }

    /// What Redis 8.2 answers to `ZINCRBY` of nothing by these numbers.
    #[test]
    fn numbers_look_as_redis_prints_them() {
        let table = [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (3.5, "3.5"),
            (-1.5, "-1.5"),
            (1e8, "100000000"),
            (1e18, "1000000000000000000"),
            (4_611_686_018_427_387_904.0, "4611686018427387904"),
            (9_223_372_036_854_775_807.0, "9223372036854776000"),
            (9_223_372_036_854_774_784.0, "9223372036854775000"),
            (1e19, "1e+19"),
            (1.5e20, "1.5e+20"),
            (1e100, "1e+100"),
            (1.234_567_890_123_456_7e21, "1234567890123456800000"),
            (1.234_567_890_123_456_7e25, "1.2345678901234566e+25"),
            (0.1, "0.1"),
            (0.0001, "0.0001"),
            (0.000_123_45, "1.2345e-4"),
            (0.000_001, "0.000001"),
            (1e-7, "1e-7"),
            (1.5e-7, "1.5e-7"),
            (123_456_789.123, "123456789.123"),
            (123_456.789_012_345_6, "1.234567890123456e+5"),
            (0.300_000_000_000_000_04, "0.30000000000000004"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::NAN, "nan"),
        ];
        for (value, expected) in table {
            assert_eq!(text(value), expected);
        }
    }

    proptest! {
        #[test]
        fn every_number_reads_back(bits: u64) {
            let value = f64::from_bits(bits);
            prop_assume!(!value.is_nan());
            let text = text(value);
            prop_assert_eq!(text.parse::<f64>().unwrap(), value, "{}", text);
        }

        #[test]
        fn numbers_of_everyday_size_read_back(value in -1e9..1e9_f64, shift in 0..12_i32) {
            let value = value / 10_f64.powi(shift);
            prop_assert_eq!(text(value).parse::<f64>().unwrap(), value);
        }
    }
}
