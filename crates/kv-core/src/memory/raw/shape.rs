//! What lies where in an entry.
//!
//! ```text
//!  0   Header                       8 bytes: length of the key, kind, length of and room for the value
//!  8   expiry                       8 bytes, if there is room for one
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

/// The first bytes of an entry: a packed [`Shape`].
#[derive(Clone, Copy)]
#[repr(C, align(8))]
pub(super) struct Header {
    /// Bits 0-30: length of the key. Bit 31: there is room for an expiry.
    key: u32,
    /// Bits 0-12: bytes of value in use. Bits 13-25: bytes of value there is room for. Bits 26-27: storage. Bit
    /// 28: the string was edited.
    value: u32,
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
    pub(super) const ROOM_MAX: usize = (1 << 13) - 1;

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

    #[expect(
        clippy::cast_possible_truncation,
        reason = "asserted when the shape was made"
    )]
    pub(super) fn pack(self) -> Header {
        let storage = match self.storage {
            Storage::Int => 0,
            Storage::Inline => 1,
            Storage::Shared => 2,
            Storage::Collection => 3,
        };
        Header {
            key: self.key_len as u32 | u32::from(self.expiry_room) << 31,
            value: self.used as u32
                | (self.room as u32) << 13
                | storage << 26
                | u32::from(self.edited) << 28,
        }
    }

    #[inline]
    pub(super) fn unpack(header: Header) -> Self {
        Self {
            key_len: (header.key & 0x7fff_ffff) as usize,
            expiry_room: header.key >> 31 == 1,
            storage: match header.value >> 26 & 3 {
                0 => Storage::Int,
                1 => Storage::Inline,
                2 => Storage::Shared,
                _ => Storage::Collection,
            },
            edited: header.value >> 28 & 1 == 1,
            used: (header.value & 0x1fff) as usize,
            room: (header.value >> 13 & 0x1fff) as usize,
        }
    }

    pub(super) const EXPIRY_AT: usize = size_of::<Header>();

    #[inline]
    pub(super) fn key_at(self) -> usize {
        Self::EXPIRY_AT + usize::from(self.expiry_room) * size_of::<i64>()
    }

    #[inline]
    pub(super) fn value_at(self) -> usize {
        self.key_at() + self.key_len
    }

    /// Where a shared string or a collection lies.
    #[inline]
    pub(super) fn owned_at(self) -> usize {
        self.value_at().next_multiple_of(ENTRY_ALIGN)
    }

    pub(super) fn layout(self) -> Layout {
        match Layout::from_size_align(self.value_at() + self.room, ENTRY_ALIGN) {
            Ok(layout) => layout,
            Err(_) => unreachable!("a key and an inline value are shorter than half the memory"),
        }
    }
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
                assert_eq!(Shape::unpack(shape.pack()), shape);
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
        for key_len in [0, 1, 16, 300, crate::limits::KEY_BYTES_MAX] {
            check(key_len, Storage::Int, 8, 8);
            check(key_len, Storage::Shared, 0, 0);
            check(key_len, Storage::Collection, 0, 0);
            for (used, room) in [(0, 0), (1, 8), (100, 4_000), (4_096, 4_096)] {
                check(key_len, Storage::Inline, used, room);
            }
        }
    }
}
