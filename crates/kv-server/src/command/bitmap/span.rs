//! Which bits of a string a request is about: from a byte, or a bit, to another one, both included.

use crate::command::prelude::*;

/// What `start` and `end` count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Unit {
    #[default]
    Byte,
    Bit,
}

/// A part of a string, as a request says it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Span {
    start: i64,
    /// `None`: up to the last byte.
    end: Option<i64>,
    unit: Unit,
}

impl Span {
    /// Reads all words that are left: `[start [end [BYTE | BIT]]]`.
    ///
    /// # Errors
    ///
    /// A word is no number, or there is one word too many.
    pub(super) fn parse(mut args: Args<'_>) -> Result<Self, CommandError> {
        let mut span = Self::default();
        if args.len() > 3 {
            return Err(CommandError::SYNTAX);
        }
        if args.len() > 0 {
            span.start = args.int()?;
        }
        if args.len() > 0 {
            span.end = Some(args.int()?);
        }
        if args.len() > 0 {
            span.unit = match (args.eat(b"BIT"), args.eat(b"BYTE")) {
                (true, _) => Unit::Bit,
                (_, true) => Unit::Byte,
                _ => return Err(CommandError::SYNTAX),
            };
        }
        args.finish()?;
        Ok(span)
    }

    /// Whether the request says where it ends.
    pub(super) fn has_end(&self) -> bool {
        self.end.is_some()
    }

    /// Whether it ends before it starts, both counted from the end: nothing, even where both are before the first
    /// byte.
    pub(super) fn is_backwards(&self) -> bool {
        self.start < 0 && self.end.is_some_and(|end| end < self.start)
    }

    /// The bits of a string of `bytes` bytes that are meant: the first one, and the one behind the last one.
    /// `None` when there are none.
    pub(super) fn bits(&self, bytes: usize) -> Option<(usize, usize)> {
        let (start, end) = (self.start, self.end.unwrap_or(-1));
        if bytes == 0 {
            return None;
        }
        let (units, bits) = match self.unit {
            Unit::Byte => (bytes, 8),
            Unit::Bit => (bytes * 8, 1),
        };
        let place = |place: i64| match usize::try_from(place) {
            Ok(place) => place,
            Err(_) => {
                let back = usize::try_from(place.unsigned_abs()).unwrap_or(usize::MAX);
                units.saturating_sub(back)
            }
        };
        let (start, end) = (place(start), place(end).min(units - 1));
        (start <= end).then_some((start * bits, (end + 1) * bits))
    }
}

#[cfg(test)]
mod tests {
    use super::{Span, Unit};

    #[test]
    fn parts_of_two_bytes() {
        let span = |start, end, unit| Span { start, end, unit };
        for (start, end, unit, expected) in [
            (0, None, Unit::Byte, Some((0, 16))),
            (0, Some(0), Unit::Byte, Some((0, 8))),
            (1, Some(-1), Unit::Byte, Some((8, 16))),
            (2, None, Unit::Byte, None),
            (-1, Some(-2), Unit::Byte, None),
            (-9, Some(-9), Unit::Byte, Some((0, 8))),
            (-9, Some(-10), Unit::Byte, Some((0, 8))),
            (3, Some(5), Unit::Bit, Some((3, 6))),
            (-1, Some(i64::MAX), Unit::Bit, Some((15, 16))),
            (5, Some(3), Unit::Bit, None),
            (i64::MIN, Some(i64::MIN), Unit::Bit, Some((0, 1))),
        ] {
            assert_eq!(span(start, end, unit).bits(2), expected, "{start} {end:?}");
        }
        assert_eq!(Span::default().bits(0), None);
    }
}
