//! Units of length, and lengths in replies.

use crate::command::args::Args;
use crate::command::error::CommandError;

/// A unit of length.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Unit {
    /// How many metres it has.
    pub(super) metres: f64,
}

impl Unit {
    /// The metre.
    pub(super) const METRE: Self = Self { metres: 1.0 };

    /// Takes the name of a unit.
    ///
    /// # Errors
    ///
    /// The next word is none.
    pub(super) fn eat(args: &mut Args<'_>) -> Result<Self, CommandError> {
        let units = [
            (&b"m"[..], 1.0),
            (b"km", 1000.0),
            (b"ft", 0.3048),
            (b"mi", 1609.34),
        ];
        for (name, metres) in units {
            if args.eat(name) {
                return Ok(Self { metres });
            }
        }
        Err(CommandError::err(
            "unsupported unit provided. please use M, KM, FT, MI",
        ))
    }
}

/// A length with four places behind the point.
pub(super) fn shown(length: f64) -> String {
    // Rounded as Redis does: scaled first, and what lies in the middle to the even side.
    let scaled = (length * 10_000.0).round_ties_even();
    format!("{:.4}", scaled / 10_000.0)
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn four_places_are_shown() {
        for (length, text) in [
            (0.0, "0.0000"),
            (166_274.151_56, "166274.1516"),
            (0.000_04, "0.0000"),
            (20_015_086.796_02, "20015086.7960"),
            (2.5, "2.5000"),
        ] {
            assert_eq!(shown(length), text);
        }
    }
}
