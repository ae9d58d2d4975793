//! Registers of six bits each, packed from the lowest bit of the first byte on.

use super::registers::{REGISTERS, Registers};

const BITS: usize = 6;
const MOST: u16 = (1 << BITS) - 1;

/// Bytes of all registers.
pub(super) const DENSE_BYTES: usize = REGISTERS * BITS / 8;

/// Where a register begins: the byte, and how many of its bits come before.
fn place(index: usize) -> (usize, usize) {
    (index * BITS / 8, index * BITS % 8)
}

/// The byte at `place` and the next one, if there is one.
fn pair(body: &[u8], place: usize) -> u16 {
    let byte = |place: usize| body.get(place).copied().unwrap_or(0);
    u16::from_le_bytes([byte(place), byte(place + 1)])
}

/// Raises a register to at least `value`; whether it was less.
pub(super) fn raise(body: &mut [u8], index: usize, value: u8) -> bool {
    let (byte, skip) = place(index);
    let bits = pair(body, byte);
    let value = u16::from(value).min(MOST);
    if bits >> skip & MOST >= value {
        return false;
    }
    let [low, high] = (bits & !(MOST << skip) | value << skip).to_le_bytes();
    body[byte] = low;
    if let Some(next) = body.get_mut(byte + 1) {
        *next = high;
    }
    true
}

/// Raises `registers` to what `body` says.
pub(super) fn read(body: &[u8], registers: &mut Registers) {
    for index in 0..REGISTERS {
        let (byte, skip) = place(index);
        let [value, _] = (pair(body, byte) >> skip & MOST).to_le_bytes();
        registers.raise(index, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_do_not_touch_each_other() {
        let mut body = vec![0; DENSE_BYTES];
        let mut expected = Registers::new();
        for round in [1, 3] {
            for index in (0..REGISTERS).rev() {
                let value = u8::try_from(index * round % 52).unwrap();
                raise(&mut body, index, value);
                expected.raise(index, value);
            }
        }
        let mut read_back = Registers::new();
        read(&body, &mut read_back);
        assert_eq!(read_back, expected);
        assert!(!raise(&mut body, 5, 1));
        assert!(raise(&mut body, REGISTERS - 1, 60));
    }
}
