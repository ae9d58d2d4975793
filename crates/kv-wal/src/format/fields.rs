//! Reading numbers and byte strings from the front of a slice, never past its end.

/// What is wrong with bytes whose checksum is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Malformed(pub(crate) &'static str);

/// A field is cut off by the end of the bytes.
pub(crate) const PAST_END: Malformed = Malformed("field reaches past the end");

/// Bytes of which fields are taken from the front.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// How many bytes have not been taken.
    pub(crate) fn left(&self) -> usize {
        self.rest.len()
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(PAST_END)?;
        self.rest = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(PAST_END)?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Malformed> {
        let [byte] = self.array()?;
        Ok(byte)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Malformed> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Malformed> {
        self.array().map(u64::from_le_bytes)
    }

    /// Takes `length` bytes that must be zero.
    pub(crate) fn zeros(&mut self, length: usize) -> Result<(), Malformed> {
        let is_zero = |piece: &[u8]| piece == &[0; 64][..piece.len()];
        if !self.bytes(length)?.chunks(64).all(is_zero) {
            return Err(Malformed("reserved bytes are not zero"));
        }
        Ok(())
    }

    /// A number of one to ten bytes, seven bits each, the lowest first.
    pub(crate) fn varint(&mut self) -> Result<u64, Malformed> {
        let first = self.u8()?;
        if first < 0x80 {
            return Ok(u64::from(first));
        }
        let mut number = u64::from(first & 0x7f);
        for shift in (7..64).step_by(7) {
            let byte = self.u8()?;
            let bits = u64::from(byte & 0x7f);
            let shifted = bits << shift;
            if shifted >> shift != bits {
                return Err(Malformed("number too large"));
            }
            number |= shifted;
            if byte < 0x80 {
                // One form for each number, so that what is decoded encodes to the same bytes.
                return if byte == 0 {
                    Err(Malformed("number with leading zeros"))
                } else {
                    Ok(number)
                };
            }
        }
        Err(Malformed("number too long"))
    }

    /// A signed number: small ones of either sign are short.
    pub(crate) fn zigzag(&mut self) -> Result<i64, Malformed> {
        let number = self.varint()?;
        let half = (number >> 1).cast_signed();
        Ok(if number & 1 == 0 { half } else { !half })
    }

    /// A byte string of at most `max` bytes, after its length.
    pub(crate) fn string(&mut self, max: usize) -> Result<&'a [u8], Malformed> {
        let length = usize::try_from(self.varint()?).unwrap_or(usize::MAX);
        if length > max {
            return Err(Malformed("string longer than its limit"));
        }
        self.bytes(length)
    }

    /// `count` byte strings of at most `max` bytes, each after its length, as they lie there.
    pub(crate) fn strings(&mut self, count: usize, max: usize) -> Result<&'a [u8], Malformed> {
        let all = self.rest;
        for _ in 0..count {
            self.string(max)?;
        }
        let (strings, _) = all.split_at(all.len() - self.rest.len());
        Ok(strings)
    }
}

/// The opposite of [`Fields::varint`].
pub(crate) fn put_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        let [low, ..] = number.to_le_bytes();
        out.push(low | 0x80);
        number >>= 7;
    }
    let [low, ..] = number.to_le_bytes();
    out.push(low);
}

/// The opposite of [`Fields::zigzag`].
pub(crate) fn put_zigzag(out: &mut Vec<u8>, number: i64) {
    put_varint(out, ((number << 1) ^ (number >> 63)).cast_unsigned());
}

/// The opposite of [`Fields::string`].
pub(crate) fn put_string(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_come_back(number: u64, signed: i64) {
            let mut out = Vec::new();
            put_varint(&mut out, number);
            put_zigzag(&mut out, signed);
            let mut fields = Fields::new(&out);
            prop_assert_eq!(fields.varint(), Ok(number));
            prop_assert_eq!(fields.zigzag(), Ok(signed));
            prop_assert!(fields.is_empty());
        }

        #[test]
        fn what_is_accepted_is_canonical(bytes in prop::collection::vec(any::<u8>(), 0..12)) {
            let mut fields = Fields::new(&bytes);
            if let Ok(number) = fields.varint() {
                let mut out = Vec::new();
                put_varint(&mut out, number);
                prop_assert_eq!(out.as_slice(), &bytes[..out.len()]);
            }
        }
    }

    #[test]
    fn extremes_are_told_apart() {
        for (bytes, expected) in [
            (&[0x80][..], "field reaches past the end"),
            (&[0x80, 0x00], "number with leading zeros"),
            (&[0xff; 11], "number too large"),
        ] {
            assert_eq!(Fields::new(bytes).varint(), Err(Malformed(expected)));
        }
        assert!(Fields::new(&[9, 1]).string(100).is_err());
        assert!(Fields::new(&[3, 1, 2, 3]).string(2).is_err());
    }
}
