//! Sets of integers: how many bytes each takes (4 bytes), how many there are (4 bytes), each of them.

use super::Damaged;
use super::object::Words;
use super::read::Reader;

/// Adds the digits of each member to `members`.
pub(super) fn read(bytes: &[u8], members: &mut Words) -> Result<(), Damaged> {
    let mut reader = Reader::new(bytes);
    let width = u32::from_le_bytes(reader.array()?);
    let count = u32::from_le_bytes(reader.array()?);
    let mut digits = itoa::Buffer::new();
    for _ in 0..count {
        let number = match width {
            2 => i64::from(i16::from_le_bytes(reader.array()?)),
            4 => i64::from(i32::from_le_bytes(reader.array()?)),
            8 => i64::from_le_bytes(reader.array()?),
            _ => return Err(Damaged),
        };
        members.push(digits.format(number).as_bytes())?;
    }
    reader.finish()
}
