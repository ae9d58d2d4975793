//! Registers as runs of equal ones, while most of them are 0.
//!
//! ```text
//! 00nnnnnn             n + 1 registers hold 0, up to 64
//! 01nnnnnn nnnnnnnn    n + 1 registers hold 0, up to 16384
//! 1vvvvvnn             n + 1 registers hold v + 1: up to 4, up to 32
//! ```
//!
//! Invariant: runs that cover other than all registers are corrupt; none is read or written.

use super::registers::{REGISTERS, Registers};

/// The largest number that a run can say.
const VALUE_MAX: u8 = 32;
/// Most registers of a run of another number than 0.
const VALUES_MAX: usize = 4;
/// Most registers of a run of 0 that takes one byte.
const SHORT_ZEROS_MAX: usize = 64;
/// Most runs behind the one before a change that are looked at to join them.
const JOINED_MAX: usize = 5;

/// The runs do not cover all registers, each once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Corrupt;

/// What raising a register did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Raised {
    /// It was not less.
    No,
    /// It is raised.
    Yes,
    /// It cannot be said in runs, or not in as many bytes as they may have.
    TooLarge,
}

/// Some registers that hold the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stretch {
    value: u8,
    registers: usize,
    /// Bytes that say it.
    bytes: usize,
}

impl Stretch {
    /// The one that `body` begins with.
    fn first(body: &[u8]) -> Result<Self, Corrupt> {
        match *body {
            [head, ..] if head & 0x80 != 0 => Ok(Self {
                value: (head >> 2 & 0x1f) + 1,
                registers: usize::from(head & 3) + 1,
                bytes: 1,
            }),
            [head, ..] if head & 0x40 == 0 => Ok(Self {
                value: 0,
                registers: usize::from(head) + 1,
                bytes: 1,
            }),
            [head, low, ..] => Ok(Self {
                value: 0,
                registers: usize::from(u16::from_be_bytes([head & 0x3f, low])) + 1,
                bytes: 2,
            }),
            _ => Err(Corrupt),
        }
    }

    /// Adds the shortest form of `registers` that hold `value`, unless there are none.
    fn put(out: &mut Vec<u8>, value: u8, registers: usize) {
        let Some(less) = registers.checked_sub(1) else {
            return;
        };
        let [low, high, ..] = less.to_le_bytes();
        if value > 0 {
            out.push(0x80 | (value - 1) << 2 | low);
        } else if registers <= SHORT_ZEROS_MAX {
            out.push(low);
        } else {
            out.extend_from_slice(&[0x40 | high, low]);
        }
    }
}

/// Runs that say that all registers hold 0.
pub(super) fn empty() -> Vec<u8> {
    let mut body = Vec::new();
    Stretch::put(&mut body, 0, REGISTERS);
    body
}

/// Raises `registers` to what `body` says.
///
/// # Errors
///
/// [`Corrupt`]; some may have been raised.
pub(super) fn read(body: &[u8], registers: &mut Registers) -> Result<(), Corrupt> {
    let (mut rest, mut index) = (body, 0);
    while !rest.is_empty() {
        let stretch = Stretch::first(rest)?;
        let end = index + stretch.registers;
        if end > REGISTERS {
            return Err(Corrupt);
        }
        if stretch.value > 0 {
            (index..end).for_each(|index| registers.raise(index, stretch.value));
        }
        index = end;
        rest = &rest[stretch.bytes..];
    }
    if index == REGISTERS {
        Ok(())
    } else {
        Err(Corrupt)
    }
}

/// Raises a register to at least `value`, unless `body` would then have more than `bytes_max` bytes.
///
/// # Errors
///
/// [`Corrupt`]; nothing was changed.
pub(super) fn raise(
    body: &mut Vec<u8>,
    index: usize,
    value: u8,
    bytes_max: usize,
) -> Result<Raised, Corrupt> {
    if value > VALUE_MAX {
        return Ok(Raised::TooLarge);
    }
    let found = find(body, index)?;
    let Found { stretch, first, .. } = found;
    if stretch.value >= value {
        return Ok(Raised::No);
    }
    let mut new = Vec::with_capacity(5);
    Stretch::put(&mut new, stretch.value, index - first);
    Stretch::put(&mut new, value, 1);
    Stretch::put(
        &mut new,
        stretch.value,
        first + stretch.registers - 1 - index,
    );
    let grows = new.len() > stretch.bytes;
    if grows && body.len() + new.len() - stretch.bytes > bytes_max {
        return Ok(Raised::TooLarge);
    }
    body.splice(found.at..found.at + stretch.bytes, new);
    join(body, found.before);
    Ok(Raised::Yes)
}

/// Where the stretch of a register is.
struct Found {
    stretch: Stretch,
    at: usize,
    /// Its first register.
    first: usize,
    /// Where the stretch before it is; the start if there is none.
    before: usize,
}

fn find(body: &[u8], index: usize) -> Result<Found, Corrupt> {
    let (mut at, mut first, mut before) = (0, 0, 0);
    loop {
        let stretch = Stretch::first(body.get(at..).ok_or(Corrupt)?)?;
        if index < first + stretch.registers {
            return Ok(Found {
                stretch,
                at,
                first,
                before,
            });
        }
        before = at;
        at += stretch.bytes;
        first += stretch.registers;
    }
}

/// Joins stretches of the same number, other than 0, that stand side by side from `at` on.
fn join(body: &mut Vec<u8>, mut at: usize) {
    let first = |body: &[u8], at: usize| Stretch::first(body.get(at..)?).ok();
    let first = |body: &[u8], at: usize| first(body, at);
    for _ in 0..JOINED_MAX {
        let Some(one) = first(body, at) else {
            return;
        };
        if one.value > 0
            && let Some(next) = first(body, at + 1)
            && next.value == one.value
            && one.registers + next.registers <= VALUES_MAX
        {
            let mut joined = Vec::with_capacity(1);
            Stretch::put(&mut joined, one.value, one.registers + next.registers);
            body.splice(at..at + 2, joined);
            continue;
        }
        at += one.bytes;
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_register_parts_a_run_and_equal_ones_are_joined() {
        let mut body = empty();
        assert_eq!(body, [0x7f, 0xff]);
        for (index, value, expected) in [
            (100, 3, &[0x40, 99, 0x88, 0x7f, 0x9a][..]),
            (101, 3, &[0x40, 99, 0x89, 0x7f, 0x99]),
            (0, 32, &[0xfc, 0x40, 98, 0x89, 0x7f, 0x99]),
            (100, 4, &[0xfc, 0x40, 98, 0x8c, 0x88, 0x7f, 0x99]),
        ] {
            assert_eq!(raise(&mut body, index, value, 3000), Ok(Raised::Yes));
            assert_eq!(body, expected, "{index}");
        }
        assert_eq!(raise(&mut body, 100, 2, 3000), Ok(Raised::No));
        assert_eq!(raise(&mut body, 7, 33, 3000), Ok(Raised::TooLarge));
        assert_eq!(raise(&mut body, 7, 1, 7), Ok(Raised::TooLarge));
    }

    #[test]
    fn runs_that_do_not_cover_all_are_corrupt() {
        for body in [
            &[][..],
            &[0x00],
            &[0x7f],
            &[0x7f, 0xff, 0x00],
            &[0x7f, 0xfe],
        ] {
            assert_eq!(read(body, &mut Registers::new()), Err(Corrupt));
        }
        assert_eq!(raise(&mut vec![0x00], 5, 1, 3000), Err(Corrupt));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn runs_say_what_the_registers_hold(raises in vec((0..REGISTERS, 1..33_u8), 0..300)) {
            let (mut body, mut expected) = (empty(), Registers::new());
            for (index, value) in raises {
                // Near each other, so that they meet.
                let index = if index % 2 == 0 { index } else { index % 97 };
                raise(&mut body, index, value, usize::MAX).unwrap();
                expected.raise(index, value);
            }
            let mut read_back = Registers::new();
            prop_assert_eq!(read(&body, &mut read_back), Ok(()));
            prop_assert_eq!(read_back, expected);
        }

        #[test]
        fn any_bytes_are_read_or_refused(mut body in vec(any::<u8>(), 0..50), index in 0..REGISTERS) {
            let _ = read(&body, &mut Registers::new());
            let _ = raise(&mut body, index, 5, 3000);
        }
    }
}
