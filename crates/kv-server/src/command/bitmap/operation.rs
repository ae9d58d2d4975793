//! What `BITOP` does with bits.
//!
//! Each source counts as if it went on with zeros up to the length of the longest one.

use bytes::Bytes;

use crate::command::error::CommandError;

/// How bits are combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    /// Set in all.
    And,
    /// Set in any.
    Or,
    /// Set in an odd number.
    Xor,
    /// Not set in the one source.
    Not,
    /// Set in the first and in no other.
    Diff,
    /// Set in any but the first, and not in that.
    Diff1,
    /// Set in the first and in any other.
    AndOr,
    /// Set in exactly one.
    One,
}

impl Operation {
    const ALL: [(&'static str, Self); 8] = [
        ("AND", Self::And),
        ("OR", Self::Or),
        ("XOR", Self::Xor),
        ("NOT", Self::Not),
        ("DIFF", Self::Diff),
        ("DIFF1", Self::Diff1),
        ("ANDOR", Self::AndOr),
        ("ONE", Self::One),
    ];

    /// The operation that `word` names.
    ///
    /// # Errors
    ///
    /// There is none.
    pub(super) fn parse(word: &[u8]) -> Result<Self, CommandError> {
        Self::ALL
            .into_iter()
            .find(|(name, _)| name.as_bytes().eq_ignore_ascii_case(word))
            .map(|(_, operation)| operation)
            .ok_or(CommandError::SYNTAX)
    }

    /// Whether it takes so many sources.
    ///
    /// # Errors
    ///
    /// It does not.
    pub(super) fn check_sources(self, sources: usize) -> Result<(), CommandError> {
        match self {
            Self::Not if sources != 1 => Err(CommandError::err(
                "BITOP NOT must be called with a single source key.",
            )),
            Self::Diff | Self::Diff1 | Self::AndOr if sources < 2 => {
                let name = Self::ALL.iter().find(|(_, operation)| *operation == self);
                let name = name.map_or("", |(name, _)| *name);
                Err(CommandError::err(format!(
                    "BITOP {name} must be called with at least two source keys."
                )))
            }
            _ => Ok(()),
        }
    }

    /// Combines `sources`, of which there is at least one.
    pub(super) fn combine(self, sources: &[Bytes]) -> Vec<u8> {
        let length = sources.iter().map(Bytes::len).max().unwrap_or(0);
        let Some((first, others)) = sources.split_first() else {
            return Vec::new();
        };
        let mut out = first.to_vec();
        out.resize(length, 0);
        match self {
            Self::And => others.iter().for_each(|source| and(&mut out, source)),
            Self::Or => others.iter().for_each(|source| or(&mut out, source)),
            Self::Xor => others.iter().for_each(|source| xor(&mut out, source)),
            Self::Not => out.iter_mut().for_each(|byte| *byte = !*byte),
            Self::Diff | Self::Diff1 | Self::AndOr => {
                let mut any = vec![0; length];
                others.iter().for_each(|source| or(&mut any, source));
                self.combine_two(&mut out, &any);
            }
            Self::One => one(&mut out, others),
        }
        out
    }

    /// Combines the first source with all others, which are one by now and as long.
    fn combine_two(self, first: &mut [u8], any: &[u8]) {
        for (byte, any) in first.iter_mut().zip(any) {
            *byte = match self {
                Self::Diff => *byte & !any,
                Self::Diff1 => any & !*byte,
                _ => *byte & any,
            };
        }
    }
}

fn and(out: &mut [u8], source: &[u8]) {
    let (both, beyond) = out.split_at_mut(source.len());
    both.iter_mut()
        .zip(source)
        .for_each(|(out, byte)| *out &= byte);
    beyond.fill(0);
}

fn or(out: &mut [u8], source: &[u8]) {
    out.iter_mut()
        .zip(source)
        .for_each(|(out, byte)| *out |= byte);
}

fn xor(out: &mut [u8], source: &[u8]) {
    out.iter_mut()
        .zip(source)
        .for_each(|(out, byte)| *out ^= byte);
}

fn one(out: &mut [u8], others: &[Bytes]) {
    // Bits that are set in two or more.
    let mut twice = vec![0; out.len()];
    for source in others {
        for ((out, twice), byte) in out.iter_mut().zip(&mut twice).zip(source) {
            *twice |= *out & byte;
            *out |= byte;
        }
    }
    out.iter_mut()
        .zip(&twice)
        .for_each(|(out, twice)| *out &= !twice);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_on_every_combination_of_three_bits() {
        // Bit by bit: all eight combinations of three sources, the third one byte longer.
        let sources = [
            &[0b0000_1111][..],
            &[0b0011_0011],
            &[0b0101_0101, 0b1000_0000],
        ];
        let sources = sources.map(Bytes::from_static);
        for (operation, expected) in [
            (Operation::And, [0b0000_0001, 0]),
            (Operation::Or, [0b0111_1111, 0b1000_0000]),
            (Operation::Xor, [0b0110_1001, 0b1000_0000]),
            (Operation::Diff, [0b0000_1000, 0]),
            (Operation::Diff1, [0b0111_0000, 0b1000_0000]),
            (Operation::AndOr, [0b0000_0111, 0]),
            (Operation::One, [0b0110_1000, 0b1000_0000]),
        ] {
            assert_eq!(operation.combine(&sources), expected, "{operation:?}");
        }
        assert_eq!(Operation::Not.combine(&sources[..1]), [0b1111_0000]);
    }
}
