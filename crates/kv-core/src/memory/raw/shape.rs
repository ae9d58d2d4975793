//! What lies where in an entry.
//!
//! ```text
//!  0   Header                       8 bytes: length of the key, kind, length of and room for the value, last use
//!  8   expiry                       8 bytes, if there is room for one
//!  .   length of the key            8 bytes, if the header has no room for it
//!  .   key
//!  .   value                        the bytes of an inline string; an integer, unaligned; or the `Bytes` of a
//!                                   shared string or a `Collection`, at the next multiple of 8
//! ```
//!
//! Invariant: offsets and layout are computed here and nowhere else, from what the header says.

use std::alloc::Layout;
use std::mem::{align_of, size_of};

use bytes::Bytes;

use crate::value::Collection;

/// Entries begin at multiples of this, which leaves the low bits of their addresses free.
pub(super) const ENTRY_ALIGN: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Storage {
    Int,
    Inline,
    Shared,
    Collection,
}

/// The first bytes of an entry: a packed [`Shape`], and when and how often the entry was used.
///
/// ```text
///  bits 0-14   length of the key; all set: it stands behind the header
///  bit  15     a part of the string was changed since it was set as a whole
///  bit  16     there is room for an expiry
///  bits 17-29  bytes of value in use
///  bits 30-39  bytes of value there is room for, in words: the value ends at the end of one
///  bits 40-41  storage
///  bits 42-63  stamp, see `usage`
/// ```
#[derive(Clone, Copy)]
#[repr(C, align(8))]
pub(super) struct Header(u64);

const EDITED: u64 = 1 << 15;
const EXPIRY_ROOM: u64 = 1 << 16;
const USED_SHIFT: u32 = 17;
const USED_MASK: u64 = (1 << 13) - 1;
const ROOM_SHIFT: u32 = 30;
const ROOM_MASK: u64 = (1 << 10) - 1;
const STORAGE_SHIFT: u32 = 40;
const STAMP_SHIFT: u32 = 42;

/// The storage of a collection, as a header has it.
const COLLECTION: u64 = 3;

impl Header {
    /// Whether the entry holds a collection: what every look asks first, without unpacking the rest.
    #[inline]
    pub(super) fn is_collection(self) -> bool {
        self.0 >> STORAGE_SHIFT & 3 == COLLECTION
    }

    /// Where the key stands and how long it is; `long_key` reads the length of a long key, which stands at an offset.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "few bits are meant")]
    pub(super) fn key_span(self, long_key: impl FnOnce(usize) -> usize) -> (usize, usize) {
        let before = Shape::long_key_at(self.expiry_room());
        match self.0 as usize & Shape::LONG_KEY {
            Shape::LONG_KEY => (before + size_of::<usize>(), long_key(before)),
            short => (before, short),
        }
    }

    #[inline]
    fn expiry_room(self) -> bool {
        self.0 & EXPIRY_ROOM != 0
    }

    #[inline]
    pub(super) fn storage(self) -> Storage {
        match self.0 >> STORAGE_SHIFT & 3 {
            0 => Storage::Int,
            1 => Storage::Inline,
            2 => Storage::Shared,
            _ => Storage::Collection,
        }
    }

    /// Bytes of value in use.
    #[inline]
    pub(super) fn used(self) -> usize {
        (self.0 >> USED_SHIFT & USED_MASK) as usize
    }

    /// The stamp.
    #[inline]
    pub(super) fn stamp(self) -> u32 {
        (self.0 >> STAMP_SHIFT) as u32
    }

    /// The same with another stamp, of which the low 22 bits count.
    #[inline]
    pub(super) fn with_stamp(self, stamp: u32) -> Self {
        let shape = self.0 & ((1 << STAMP_SHIFT) - 1);
        Self(shape | u64::from(stamp) << STAMP_SHIFT)
    }
}

/// What a header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) key_len: usize,
    pub(super) expiry_room: bool,
    pub(super) storage: Storage,
    /// Whether a part of the string was changed since it was set as a whole.
    pub(super) edited: bool,
    pub(super) used: usize,
    pub(super) room: usize,
}

impl Shape {
    pub(super) const KEY_LEN_MAX: usize = (1 << 31) - 1;
    pub(super) const ROOM_MAX: usize = (1 << 13) - 2 * ENTRY_ALIGN;
    /// A key of this length or more has its length behind the header.
    pub(super) const LONG_KEY: usize = (1 << 15) - 1;

    /// For a key of `key_len` bytes and `used` bytes of inline value, with room for at least `room`. The
    /// allocation is filled up to a multiple of its alignment.
    pub(super) fn new(
        key_len: usize,
        expiry_room: bool,
        storage: Storage,
        used: usize,
        room: usize,
    ) -> Self {
        assert!(key_len <= Self::KEY_LEN_MAX, "a key longer than the limit");
        let mut shape = Self {
            key_len,
            expiry_room,
            storage,
            edited: false,
            used,
            room: 0,
        };
        let end = match storage {
            Storage::Shared => shape.owned_at() + size_of::<Bytes>(),
            Storage::Collection => shape.owned_at() + size_of::<Collection>(),
            Storage::Int | Storage::Inline => shape.value_at() + room.max(used),
        };
        shape.room = end.next_multiple_of(ENTRY_ALIGN) - shape.value_at();
        assert!(
            shape.room <= Self::ROOM_MAX,
            "an inline value longer than the limit"
        );
        shape
    }

    /// The header, with stamp 0. The length of a long key stands elsewhere.
    pub(super) fn pack(self) -> Header {
        let storage = match self.storage {
            Storage::Int => 0,
            Storage::Inline => 1,
            Storage::Shared => 2,
            Storage::Collection => COLLECTION,
        };
        let room_words =
            (self.value_at() + self.room) / ENTRY_ALIGN - self.value_at() / ENTRY_ALIGN;
        Header(
            self.key_len.min(Self::LONG_KEY) as u64
                | u64::from(self.edited) << EDITED.trailing_zeros()
                | u64::from(self.expiry_room) << EXPIRY_ROOM.trailing_zeros()
                | (self.used as u64) << USED_SHIFT
                | (room_words as u64) << ROOM_SHIFT
                | storage << STORAGE_SHIFT,
        )
    }

    /// What `header` says; `long_key` reads the length of a long key, which stands at an offset.
    #[inline]
    pub(super) fn unpack(header: Header, long_key: impl FnOnce(usize) -> usize) -> Self {
        let bits = header.0;
        let (_, key_len) = header.key_span(long_key);
        let mut shape = Self {
            key_len,
            expiry_room: header.expiry_room(),
            storage: header.storage(),
            edited: bits & EDITED != 0,
            used: header.used(),
            room: 0,
        };
        let room_words = (bits >> ROOM_SHIFT & ROOM_MASK) as usize;
        let value_at = shape.value_at();
        shape.room = (value_at / ENTRY_ALIGN + room_words) * ENTRY_ALIGN - value_at;
        shape
    }

    /// Where the length of a long key stands.
    #[inline]
    pub(super) fn long_key_at(expiry_room: bool) -> usize {
        Self::EXPIRY_AT + usize::from(expiry_room) * size_of::<i64>()
    }

    pub(super) const EXPIRY_AT: usize = size_of::<Header>();

    #[inline]
    pub(super) fn key_at(self) -> usize {
        let long = usize::from(self.key_len >= Self::LONG_KEY);
        Self::long_key_at(self.expiry_room) + long * size_of::<usize>()
    }

    #[inline]
    pub(super) fn value_at(self) -> usize {
        self.key_at() + self.key_len
    }

    /// Where a shared string or a collection lies.
    #[inline]
    pub(super) fn owned_at(self) -> usize {
        owned_at(self.value_at())
    }

    pub(super) fn layout(self) -> Layout {
        match Layout::from_size_align(self.value_at() + self.room, ENTRY_ALIGN) {
            Ok(layout) => layout,
            Err(_) => unreachable!("a key and an inline value are shorter than half the memory"),
        }
    }
}

/// Where a shared string or a collection lies when the key ends at `value_at`.
#[inline]
pub(super) fn owned_at(value_at: usize) -> usize {
    value_at.next_multiple_of(ENTRY_ALIGN)
}

const _: () = assert!(align_of::<Bytes>() <= ENTRY_ALIGN && align_of::<Header>() == ENTRY_ALIGN);
const _: () = assert!(align_of::<Collection>() <= ENTRY_ALIGN);
const _: () = assert!(crate::limits::KEY_BYTES_MAX <= Shape::KEY_LEN_MAX);

#[cfg(test)]
mod tests {
    use super::*;

    fn check(key_len: usize, storage: Storage, used: usize, room: usize) {
        for expiry_room in [false, true] {
            let shape = Shape::new(key_len, expiry_room, storage, used, room);
            for edited in [false, true] {
                let shape = Shape { edited, ..shape };
                let header = shape.pack().with_stamp(0x3f_1234);
                let unpacked = Shape::unpack(header, |at| {
                    assert_eq!(at, Shape::long_key_at(expiry_room));
                    key_len
                });
                assert_eq!((unpacked, header.stamp()), (shape, 0x3f_1234));
                assert_eq!(header.key_span(|_| key_len), (shape.key_at(), key_len));
                assert_eq!(header.is_collection(), storage == Storage::Collection);
            }
            assert!(shape.room >= used.max(room));
            assert_eq!(shape.layout().size() % ENTRY_ALIGN, 0);
            let owned = match storage {
                Storage::Int | Storage::Inline => continue,
                Storage::Shared => size_of::<Bytes>(),
                Storage::Collection => size_of::<Collection>(),
            };
            assert_eq!(shape.owned_at() % ENTRY_ALIGN, 0);
            assert!(shape.owned_at() + owned <= shape.layout().size());
        }
    }

    #[test]
    fn a_header_says_what_was_put_into_it() {
        for key_len in [
            0,
            1,
            16,
            300,
            0x7ffe,
            0x7fff,
            0xffff,
            crate::limits::KEY_BYTES_MAX,
        ] {
            check(key_len, Storage::Int, 8, 8);
            check(key_len, Storage::Shared, 0, 0);
            check(key_len, Storage::Collection, 0, 0);
            for (used, room) in [(0, 0), (1, 8), (100, 4_000), (4_096, 4_096)] {
                check(key_len, Storage::Inline, used, room);
            }
        }
    }
}
