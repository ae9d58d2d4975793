//! Strings that were compressed with LZF.
//!
//! A byte below 32 says how many bytes stand as they are behind it, less one. Any other one begins a repetition: its
//! upper three bits are the length less two (7: the next byte is added), the rest and the next byte how far back,
//! less one.

use super::Damaged;
use super::read::Reader;

/// The most that one compressed byte stands for: a repetition of three bytes makes 264.
const FACTOR_MAX: usize = 88;

/// The `length` bytes that were compressed to `packed`.
pub(super) fn unpack(packed: &[u8], length: usize) -> Result<Vec<u8>, Damaged> {
    if length / FACTOR_MAX > packed.len() {
        return Err(Damaged);
    }
    let mut bytes = Vec::with_capacity(length);
    let mut rest = Reader::new(packed);
    while !rest.is_empty() {
        let head = usize::from(rest.byte()?);
        if head < 32 {
            bytes.extend_from_slice(rest.bytes(head + 1)?);
        } else {
            let more = if head >> 5 == 7 { rest.byte()? } else { 0 };
            let back = ((head & 31) << 8 | usize::from(rest.byte()?)) + 1;
            repeat(&mut bytes, back, (head >> 5) + usize::from(more) + 2)?;
        }
        if bytes.len() > length {
            return Err(Damaged);
        }
    }
    if bytes.len() == length {
        Ok(bytes)
    } else {
        Err(Damaged)
    }
}

/// Adds `length` bytes that begin `back` bytes before the end. They may reach into what is being added.
fn repeat(bytes: &mut Vec<u8>, back: usize, length: usize) -> Result<(), Damaged> {
    let start = bytes.len().checked_sub(back).ok_or(Damaged)?;
    let mut left = length;
    while left > 0 {
        let count = left.min(bytes.len() - start);
        bytes.extend_from_within(start..start + count);
        left -= count;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_and_repetitions_come_out() {
        assert_eq!(unpack(b"", 0), Ok(vec![]));
        assert_eq!(unpack(b"\x02abc", 3), Ok(b"abc".to_vec()));
        // Four bytes from three before the end: they overlap.
        assert_eq!(unpack(b"\x02abc\x40\x02", 7), Ok(b"abcabca".to_vec()));
        // A hundred times the same, as Redis writes it.
        let packed = b"\x01aa\xe0\x57\x00\x01aa";
        assert_eq!(unpack(packed, 100), Ok(vec![b'a'; 100]));
    }

    #[test]
    fn other_bytes_are_refused() {
        for (packed, length) in [
            (&b"\x02ab"[..], 3),
            (b"\x02abc", 2),
            (b"\x02abc", 4),
            (b"\x02abc\x40\x03", 7),
            (b"\x02abc\x40", 7),
            (b"\xe0", 9),
            (b"", 1 << 40),
            (b"\x02abc", usize::MAX),
        ] {
            assert_eq!(unpack(packed, length), Err(Damaged), "{packed:?}");
        }
    }
}
