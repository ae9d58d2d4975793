//! A number of up to 64 bits that lies anywhere in a string, and what happens when it overflows.

use crate::command::error::CommandError;

/// Bits of a number, and whether the first one is a sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Field {
    /// 1 to 64; to 63 without a sign.
    pub(super) width: u32,
    signed: bool,
}

/// What becomes of a number that does not fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Overflow {
    /// Its lowest bits remain.
    #[default]
    Wrap,
    /// It becomes the nearest number that fits.
    Saturate,
    /// Nothing is written.
    Fail,
}

impl Overflow {
    /// What `word` names.
    ///
    /// # Errors
    ///
    /// Nothing.
    pub(super) fn parse(word: &[u8]) -> Result<Self, CommandError> {
        let names = [
            (&b"WRAP"[..], Self::Wrap),
            (b"SAT", Self::Saturate),
            (b"FAIL", Self::Fail),
        ];
        names
            .into_iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(word))
            .map(|(_, overflow)| overflow)
            .ok_or(CommandError::err("Invalid OVERFLOW type specified"))
    }
}

impl Field {
    /// What `word`, such as `u8` or `i64`, says.
    ///
    /// # Errors
    ///
    /// It is no such word.
    pub(super) fn parse(word: &[u8]) -> Result<Self, CommandError> {
        let field = word.split_first().and_then(|(sign, width)| {
            let signed = match sign {
                b'i' => true,
                b'u' => false,
                _ => return None,
            };
            let width = crate::command::args::integer(width).ok()?;
            let width = u32::try_from(width).ok()?;
            let widest = if signed { 64 } else { 63 };
            (1..=widest)
                .contains(&width)
                .then_some(Self { width, signed })
        });
        field.ok_or(CommandError::err(
            "Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.",
        ))
    }

    /// The number that the bits of `window` behind the first `skip` ones are.
    pub(super) fn read(self, window: Window, skip: u32) -> i64 {
        let bits = (window.0 << skip) >> (128 - self.width);
        self.of_bits(bits)
    }

    /// `window` with `number` in the place of these bits.
    pub(super) fn write(self, window: Window, skip: u32, number: i64) -> Window {
        let shift = 128 - self.width - skip;
        let mask = (u128::MAX >> (128 - self.width)) << shift;
        let bits = (i128::from(number).cast_unsigned() << shift) & mask;
        Window(window.0 & !mask | bits)
    }

    /// `number` if it fits, else what `overflow` makes of it, if anything.
    pub(super) fn fit(self, number: i128, overflow: Overflow) -> Option<i64> {
        let (least, most) = self.range();
        if let (true, Ok(fits)) = ((least..=most).contains(&number), i64::try_from(number)) {
            return Some(fits);
        }
        match overflow {
            Overflow::Wrap => Some(self.of_bits(number.cast_unsigned())),
            Overflow::Saturate => i64::try_from(number.clamp(least, most)).ok(),
            Overflow::Fail => None,
        }
    }

    /// A number given by a request, as this field takes it: without a sign, one below 0 counts as the huge one
    /// that has the same bits. So does, as in Redis, one so far below 0 that its distance from the largest number
    /// of the field needs more than 64 bits.
    pub(super) fn given(self, number: i64) -> i128 {
        let (_, most) = self.range();
        let is_far = self.width < 64 && most - i128::from(number) > i128::from(i64::MAX);
        if self.signed && is_far {
            i128::from(number) + (1 << 64)
        } else if self.signed {
            i128::from(number)
        } else {
            i128::from(number.cast_unsigned())
        }
    }

    fn range(self) -> (i128, i128) {
        if self.signed {
            (-(1 << (self.width - 1)), (1 << (self.width - 1)) - 1)
        } else {
            (0, (1 << self.width) - 1)
        }
    }

    /// The number that the lowest bits of `bits` are.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the bits have been shifted down to at most 64"
    )]
    fn of_bits(self, bits: u128) -> i64 {
        let high = bits << (128 - self.width);
        if self.signed {
            (high.cast_signed() >> (128 - self.width)) as i64
        } else {
            (high >> (128 - self.width)) as i64
        }
    }
}

/// The bytes that a field touches, the first one highest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window(u128);

impl Window {
    /// Up to 16 bytes; those that are missing count as zeros.
    pub(super) fn new(bytes: &[u8]) -> Self {
        let mut all = [0; 16];
        let taken = bytes.len().min(all.len());
        all[..taken].copy_from_slice(&bytes[..taken]);
        Self(u128::from_be_bytes(all))
    }

    pub(super) fn bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(word: &str) -> Field {
        Field::parse(word.as_bytes()).unwrap()
    }

    #[test]
    fn numbers_come_back_wherever_they_lie() {
        for (word, numbers) in [
            ("u1", &[0, 1][..]),
            ("i1", &[0, -1]),
            ("u7", &[0, 1, 100, 127]),
            ("i8", &[-128, -1, 0, 127]),
            ("u63", &[0, 5, i64::MAX]),
            ("i64", &[i64::MIN, -1, 0, 1, i64::MAX]),
        ] {
            for skip in 0..8 {
                for number in numbers {
                    for around in [0x00, 0xff, 0xa5] {
                        let before = Window::new(&[around; 16]);
                        let after = field(word).write(before, skip, *number);
                        assert_eq!(field(word).read(after, skip), *number, "{word} {skip}");
                        let back = field(word).read(before, skip);
                        assert_eq!(field(word).write(after, skip, back), before);
                    }
                }
            }
        }
    }

    #[test]
    fn what_does_not_fit() {
        for (word, number, wrapped, nearest) in [
            ("u8", 256, 0, 255),
            ("u8", -1, 255, 0),
            ("i8", 128, -128, 127),
            ("i8", -129, 127, -128),
            ("i64", 1 << 63, i64::MIN, i64::MAX),
            ("u63", 1 << 63, 0, i64::MAX),
        ] {
            assert_eq!(field(word).fit(number, Overflow::Wrap), Some(wrapped));
            assert_eq!(field(word).fit(number, Overflow::Saturate), Some(nearest));
            assert_eq!(field(word).fit(number, Overflow::Fail), None);
        }
        assert_eq!(field("u8").fit(255, Overflow::Fail), Some(255));
    }

    #[test]
    fn what_is_too_far_below_counts_as_too_large() {
        let fit = |word, number| field(word).fit(field(word).given(number), Overflow::Saturate);
        assert_eq!(fit("i8", i64::MIN), Some(127));
        assert_eq!(fit("i8", i64::MIN + 127), Some(127));
        assert_eq!(fit("i8", i64::MIN + 128), Some(-128));
        assert_eq!(fit("i64", i64::MIN), Some(i64::MIN));
        assert_eq!(
            field("i8").fit(field("i8").given(i64::MIN), Overflow::Wrap),
            Some(0)
        );
    }

    #[test]
    fn words_that_are_no_field() {
        for word in [
            "", "u", "i", "u0", "u64", "i65", "u-1", "u08", "U8", "8", "ux",
        ] {
            assert!(Field::parse(word.as_bytes()).is_err(), "{word}");
        }
    }
}
