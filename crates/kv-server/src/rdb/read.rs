//! The smallest parts of a dumped value: lengths, strings, numbers.
//!
//! The upper two bits of a length's first byte say its form: 0, the other six bits are the length; 1, the next byte
//! belongs to it; 2, it follows in four or eight bytes, the highest first; 3, no length but a form of string.

use std::borrow::Cow;

use kv_core::limits::STRING_BYTES_MAX;

use super::{Damaged, lzf};

/// The bytes that are left to be read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'p> {
    rest: &'p [u8],
}

/// What stands where a length may stand.
enum Length {
    Plain(u64),
    /// A form of string.
    Form(u8),
}

impl<'p> Reader<'p> {
    pub(super) fn new(rest: &'p [u8]) -> Self {
        Self { rest }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// All is read.
    pub(super) fn finish(&self) -> Result<(), Damaged> {
        if self.is_empty() {
            Ok(())
        } else {
            Err(Damaged)
        }
    }

    /// The next `count` bytes.
    pub(super) fn bytes(&mut self, count: usize) -> Result<&'p [u8], Damaged> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(Damaged)?;
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Damaged> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(Damaged)?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(super) fn byte(&mut self) -> Result<u8, Damaged> {
        let [byte] = self.array()?;
        Ok(byte)
    }

    fn length_or_form(&mut self) -> Result<Length, Damaged> {
        let first = self.byte()?;
        let low = first & 0x3f;
        Ok(match first >> 6 {
            0 => Length::Plain(u64::from(low)),
            1 => Length::Plain(u64::from(u16::from_be_bytes([low, self.byte()?]))),
            2 if low == 0 => Length::Plain(u64::from(u32::from_be_bytes(self.array()?))),
            2 if low == 1 => Length::Plain(u64::from_be_bytes(self.array()?)),
            2 => return Err(Damaged),
            _ => Length::Form(low),
        })
    }

    /// A number that is written as lengths are.
    pub(super) fn length(&mut self) -> Result<u64, Damaged> {
        match self.length_or_form()? {
            Length::Plain(length) => Ok(length),
            Length::Form(_) => Err(Damaged),
        }
    }

    /// A length of bytes, in memory.
    fn size(&mut self) -> Result<usize, Damaged> {
        usize::try_from(self.length()?).map_err(|_| Damaged)
    }

    /// A string: as it is, as the digits of an integer, or compressed.
    pub(super) fn string(&mut self) -> Result<Cow<'p, [u8]>, Damaged> {
        let string = match self.length_or_form()? {
            Length::Plain(length) => {
                let length = usize::try_from(length).map_err(|_| Damaged)?;
                Cow::Borrowed(self.bytes(length)?)
            }
            Length::Form(0) => digits(i8::from_le_bytes(self.array()?)),
            Length::Form(1) => digits(i16::from_le_bytes(self.array()?)),
            Length::Form(2) => digits(i32::from_le_bytes(self.array()?)),
            Length::Form(3) => {
                let (packed, length) = (self.size()?, self.size()?);
                if length > STRING_BYTES_MAX {
                    return Err(Damaged);
                }
                Cow::Owned(lzf::unpack(self.bytes(packed)?, length)?)
            }
            Length::Form(_) => return Err(Damaged),
        };
        if string.len() > STRING_BYTES_MAX {
            return Err(Damaged);
        }
        Ok(string)
    }
}

fn digits<'p>(number: impl itoa::Integer) -> Cow<'p, [u8]> {
    let mut digits = itoa::Buffer::new();
    Cow::Owned(digits.format(number).as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_of_every_form_are_read() {
        let long = [&b"\x41\x2c"[..], &[b'x'; 300]].concat();
        let longer = [&b"\x80\x00\x00\x01\x2c"[..], &[b'x'; 300]].concat();
        let longest = [&b"\x81\0\0\0\0\0\0\x01\x2c"[..], &[b'x'; 300]].concat();
        for (bytes, string) in [
            (&b"\x02ab"[..], &b"ab"[..]),
            (b"\x00", b""),
            (b"\xc0\xff", b"-1"),
            (b"\xc1\x39\x30", b"12345"),
            (b"\xc2\0\0\0\x80", b"-2147483648"),
            (b"\xc3\x06\x07\x02abc\x40\x02", b"abcabca"),
            (&long, &[b'x'; 300]),
            (&longer, &[b'x'; 300]),
            (&longest, &[b'x'; 300]),
        ] {
            let mut reader = Reader::new(bytes);
            assert_eq!(reader.string().as_deref(), Ok(string), "{bytes:?}");
            assert_eq!(reader.finish(), Ok(()));
        }
    }

    #[test]
    fn lengths_are_not_believed() {
        for bytes in [
            &b""[..],
            b"\x02a",
            b"\x41",
            b"\x80\xff\xff\xff\xff",
            b"\x81\xff\xff\xff\xff\xff\xff\xff\xff",
            b"\x82\0",
            b"\xc4",
            b"\xc3\x01\x81\xff\xff\xff\xff\xff\xff\xff\xff\0",
            b"\xc3\x81\xff\xff\xff\xff\xff\xff\xff\xff\x01\0",
        ] {
            assert_eq!(Reader::new(bytes).string(), Err(Damaged), "{bytes:?}");
        }
    }
}
