//! Listpacks: the packed form of small collections.
//!
//! ```text
//! bytes in all (4) | entries (2; 65535: many) | entry ... | 255
//! ```
//!
//! An entry is a head that says its form, its content, and its own length, so that one can walk backwards.

use super::Damaged;
use super::object::Words;
use super::read::Reader;

/// What ends a listpack.
const END: u8 = 0xff;
/// The number of entries of one that has this many or more.
const MANY: u16 = u16::MAX;
/// Bytes before the first entry.
const HEAD_BYTES: usize = 6;

/// One entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry<'p> {
    Number(i64),
    Bytes(&'p [u8]),
}

impl Entry<'_> {
    /// Adds its bytes, or its digits, to `words`.
    pub(super) fn push_to(self, words: &mut Words) -> Result<(), Damaged> {
        match self {
            Self::Bytes(bytes) => words.push(bytes),
            Self::Number(number) => words.push(itoa::Buffer::new().format(number).as_bytes()),
        }
    }
}

/// The entries of one listpack, each of which may be damaged.
#[derive(Debug)]
pub(super) struct Listpack<'p> {
    reader: Reader<'p>,
    seen: usize,
    said: u16,
}

impl<'p> Listpack<'p> {
    /// `bytes` as a listpack: all of them, as its head says.
    pub(super) fn new(bytes: &'p [u8]) -> Result<Self, Damaged> {
        let mut reader = Reader::new(bytes);
        let length = u32::from_le_bytes(reader.array()?);
        let said = u16::from_le_bytes(reader.array()?);
        let whole = usize::try_from(length) == Ok(bytes.len()) && bytes.len() > HEAD_BYTES;
        if !whole {
            return Err(Damaged);
        }
        Ok(Self {
            reader,
            seen: 0,
            said,
        })
    }

    /// The next entry; `None` at the end, which is where the head says it is.
    pub(super) fn next(&mut self) -> Result<Option<Entry<'p>>, Damaged> {
        let head = self.reader.byte()?;
        if head == END {
            let fits = self.said == MANY || usize::from(self.said) == self.seen;
            return match fits {
                true => self.reader.finish().map(|()| None),
                false => Err(Damaged),
            };
        }
        let (entry, length) = self.content(head)?;
        self.length_behind(length)?;
        self.seen += 1;
        Ok(Some(entry))
    }

    /// The next entry, where there must be one.
    pub(super) fn must_next(&mut self) -> Result<Entry<'p>, Damaged> {
        self.next()?.ok_or(Damaged)
    }

    /// The entry whose first byte is `head`, and how many bytes it took with it.
    fn content(&mut self, head: u8) -> Result<(Entry<'p>, usize), Damaged> {
        let reader = &mut self.reader;
        Ok(match head {
            0..0x80 => (Entry::Number(i64::from(head)), 1),
            0x80..0xc0 => text(reader, usize::from(head & 0x3f), 1)?,
            0xc0..0xe0 => {
                let number = u16::from_be_bytes([head & 0x1f, reader.byte()?]);
                // 13 bits with a sign.
                let number = (number << 3).cast_signed() >> 3;
                (Entry::Number(i64::from(number)), 2)
            }
            0xe0..0xf0 => {
                let length = u16::from_be_bytes([head & 0x0f, reader.byte()?]);
                text(reader, usize::from(length), 2)?
            }
            0xf0 => {
                let length = u32::from_le_bytes(reader.array()?);
                text(reader, usize::try_from(length).map_err(|_| Damaged)?, 5)?
            }
            0xf1 => (Entry::Number(i16::from_le_bytes(reader.array()?).into()), 3),
            0xf2 => {
                let [low, middle, high] = reader.array()?;
                let number = i32::from_le_bytes([0, low, middle, high]) >> 8;
                (Entry::Number(number.into()), 4)
            }
            0xf3 => (Entry::Number(i32::from_le_bytes(reader.array()?).into()), 5),
            0xf4 => (Entry::Number(i64::from_le_bytes(reader.array()?)), 9),
            _ => return Err(Damaged),
        })
    }

    /// Reads the length behind an entry of `length` bytes: seven bits a byte, the highest first, the eighth bit
    /// set but in the first.
    fn length_behind(&mut self, length: usize) -> Result<(), Damaged> {
        let behind = self.reader.bytes(width_behind(length))?;
        let mut left = length;
        for (place, byte) in behind.iter().enumerate().rev() {
            let goes_on = if place == 0 { 0 } else { 0x80 };
            let [low, ..] = left.to_le_bytes();
            if *byte != (low & 0x7f) | goes_on {
                return Err(Damaged);
            }
            left >>= 7;
        }
        Ok(())
    }
}

fn text<'p>(
    reader: &mut Reader<'p>,
    length: usize,
    head_bytes: usize,
) -> Result<(Entry<'p>, usize), Damaged> {
    let bytes = reader.bytes(length)?;
    Ok((Entry::Bytes(bytes), head_bytes + length))
}

/// A listpack that is being written.
#[derive(Debug, Default)]
pub(super) struct ListpackWriter {
    entries: Vec<u8>,
    count: usize,
}

impl ListpackWriter {
    /// Adds a number.
    pub(super) fn number(&mut self, number: i64) {
        let start = self.entries.len();
        match u8::try_from(number) {
            Ok(short @ ..0x80) => self.entries.push(short),
            _ => {
                self.entries.push(0xf4);
                self.entries.extend_from_slice(&number.to_le_bytes());
            }
        }
        self.end(start);
    }

    /// Adds bytes.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        let start = self.entries.len();
        let length = bytes.len();
        if let Ok(short @ ..0x40) = u8::try_from(length) {
            self.entries.push(0x80 | short);
        } else if let Ok(middle @ ..0x1000) = u16::try_from(length) {
            let [high, low] = middle.to_be_bytes();
            self.entries.extend_from_slice(&[0xe0 | high, low]);
        } else {
            let length = u32::try_from(length).unwrap_or(u32::MAX);
            self.entries.push(0xf0);
            self.entries.extend_from_slice(&length.to_le_bytes());
        }
        self.entries.extend_from_slice(bytes);
        self.end(start);
    }

    /// Writes the length behind the entry that began at `start`.
    fn end(&mut self, start: usize) {
        let length = self.entries.len() - start;
        for place in 0..width_behind(length) {
            let shift = 7 * (width_behind(length) - 1 - place);
            let [low, ..] = (length >> shift).to_le_bytes();
            self.entries
                .push((low & 0x7f) | if place == 0 { 0 } else { 0x80 });
        }
        self.count += 1;
    }

    /// The whole listpack.
    pub(super) fn finish(self) -> Vec<u8> {
        let length = HEAD_BYTES + self.entries.len() + 1;
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        let count = u16::try_from(self.count).unwrap_or(MANY);
        let head = [&length.to_le_bytes()[..], &count.to_le_bytes()].concat();
        [&head, &self.entries[..], &[END]].concat()
    }
}

/// How many bytes the length behind an entry takes.
fn width_behind(length: usize) -> usize {
    // Longest lengths take a byte more than they must.
    match length {
        0..=127 => 1,
        128..16_383 => 2,
        16_383..2_097_151 => 3,
        2_097_151..268_435_455 => 4,
        _ => 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(count: u16, entries: &[u8]) -> Vec<u8> {
        let length = u32::try_from(HEAD_BYTES + entries.len() + 1).unwrap();
        let mut bytes = length.to_le_bytes().to_vec();
        bytes.extend_from_slice(&count.to_le_bytes());
        bytes.extend_from_slice(entries);
        bytes.push(END);
        bytes
    }

    fn read(bytes: &[u8]) -> Result<Vec<Entry<'_>>, Damaged> {
        let mut listpack = Listpack::new(bytes)?;
        let mut entries = Vec::new();
        while let Some(entry) = listpack.next()? {
            entries.push(entry);
        }
        Ok(entries)
    }

    #[test]
    fn entries_of_every_form_are_read() {
        for (entry, expected) in [
            (&b"\x7f\x01"[..], Entry::Number(127)),
            (b"\x82ab\x03", Entry::Bytes(b"ab")),
            (b"\xdf\xff\x02", Entry::Number(-1)),
            (b"\xd0\x00\x02", Entry::Number(-4096)),
            (b"\xcf\xff\x02", Entry::Number(4095)),
            (b"\xf1\x00\x80\x03", Entry::Number(-32_768)),
            (b"\xf2\x00\x00\x80\x04", Entry::Number(-8_388_608)),
            (b"\xf3\xff\xff\xff\x7f\x05", Entry::Number(2_147_483_647)),
            (b"\xf4\0\0\0\0\0\0\0\x80\x09", Entry::Number(i64::MIN)),
        ] {
            assert_eq!(read(&of(1, entry)), Ok(vec![expected]));
            assert_eq!(read(&of(MANY, entry)), Ok(vec![expected]));
            assert_eq!(read(&of(2, entry)), Err(Damaged));
        }
        let long = [b'x'; 300];
        let entry = [&b"\xe1\x2c"[..], &long, b"\x02\xae"].concat();
        assert_eq!(read(&of(1, &entry)), Ok(vec![Entry::Bytes(&long)]));
        let entry = [&b"\xf0\x2c\x01\x00\x00"[..], &long, b"\x02\xb1"].concat();
        assert_eq!(read(&of(1, &entry)), Ok(vec![Entry::Bytes(&long)]));
    }

    #[test]
    fn what_is_written_is_read() {
        let long: Vec<Vec<u8>> = [0, 63, 64, 130, 4_095, 4_096, 20_000]
            .into_iter()
            .map(|length| vec![b'x'; length])
            .collect();
        let mut writer = ListpackWriter::default();
        let mut expected = Vec::new();
        for number in [0, 127, 128, -1, i64::MAX, i64::MIN] {
            writer.number(number);
            expected.push(Entry::Number(number));
        }
        for bytes in &long {
            writer.bytes(bytes);
            expected.push(Entry::Bytes(bytes));
        }
        assert_eq!(read(&writer.finish()), Ok(expected));
    }

    #[test]
    fn other_bytes_are_refused() {
        for bytes in [
            b"".to_vec(),
            of(0, b"")[..HEAD_BYTES].to_vec(),
            of(1, b"\x82ab\x04"),
            of(1, b"\x83ab\x03"),
            of(1, b"\xf5\x01"),
            of(1, b"\xf0\xff\xff\xff\xffab\x03"),
            [of(0, b""), vec![END]].concat(),
        ] {
            assert_eq!(read(&bytes), Err(Damaged), "{bytes:?}");
        }
    }
}
