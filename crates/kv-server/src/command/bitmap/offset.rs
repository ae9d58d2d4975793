//! Places of bits, as requests give them.
//!
//! Invariant: the byte of a place is inside the longest string there may be.

use std::ops::Range;

use kv_core::limits::STRING_BYTES_MAX;

use crate::command::args;
use crate::command::error::CommandError;

/// The error that a word is no place of a bit.
pub(super) fn not_an_offset() -> CommandError {
    CommandError::err("bit offset is not an integer or out of range")
}

/// A place of one bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BitOffset(u64);

impl BitOffset {
    /// The place that `word` says.
    ///
    /// # Errors
    ///
    /// It is no number, or beyond the longest string.
    pub(super) fn parse(word: &[u8]) -> Result<Self, CommandError> {
        Self::of(args::integer(word).ok())
    }

    /// As [`BitOffset::parse`], for a field of `width` bits: `#3` is the place of the fourth such field.
    ///
    /// # Errors
    ///
    /// As [`BitOffset::parse`].
    pub(super) fn parse_field(word: &[u8], width: u32) -> Result<Self, CommandError> {
        let offset = match word.strip_prefix(b"#") {
            None => args::integer(word).ok(),
            Some(number) => {
                let number = args::integer(number).ok();
                number.and_then(|number| number.checked_mul(i64::from(width)))
            }
        };
        Self::of(offset)
    }

    fn of(offset: Option<i64>) -> Result<Self, CommandError> {
        offset
            .and_then(|offset| u64::try_from(offset).ok())
            .filter(|offset| *offset >> 3 < STRING_BYTES_MAX as u64)
            .map(Self)
            .ok_or_else(not_an_offset)
    }

    /// The byte in which the bit is.
    pub(super) fn byte(self) -> usize {
        (self.0 >> 3) as usize
    }

    /// How many bits of that byte stand before it.
    pub(super) fn bits_before(self) -> u32 {
        (self.0 & 7) as u32
    }

    /// The bytes that a field of `width` bits from here on touches, up to 9.
    pub(super) fn bytes_of(self, width: u32) -> Range<usize> {
        let bits = self.bits_before() + width;
        self.byte()..self.byte() + bits.div_ceil(8) as usize
    }
}
