//! What an entry is made with, before there is memory for it.

use bytes::{Bytes, BytesMut};

use crate::StringValue;
use crate::value::Collection;

/// Longest string that lies inside its entry. Copying this much into a reply costs about as much as the
/// cache misses on the way to it; for more, sharing one buffer with the reply is cheaper.
pub(in crate::memory) const INLINE_BYTES_MAX: usize = 4096;

/// What a new entry is made with.
pub(super) enum Content<'a> {
    Int(i64),
    /// The bytes of both parts, with room for at least this many.
    Inline([&'a [u8]; 2], usize),
    Shared(Bytes),
    Collection(Collection),
}

impl<'a> Content<'a> {
    pub(super) fn of(value: StringValue<'a>) -> Self {
        match value {
            StringValue::Int(number) => Self::Int(number),
            StringValue::Bytes(bytes) if bytes.len() <= INLINE_BYTES_MAX => {
                Self::Inline([bytes, &[]], bytes.len())
            }
            StringValue::Bytes(bytes) => Self::Shared(Bytes::copy_from_slice(bytes)),
        }
    }

    /// The string that `old` becomes with `suffix` at its end, with room to grow further.
    pub(super) fn grown(old: &'a [u8], suffix: &'a [u8]) -> Self {
        let len = old.len() + suffix.len();
        if len <= INLINE_BYTES_MAX {
            return Self::Inline([old, suffix], (len + len / 2).min(INLINE_BYTES_MAX));
        }
        let mut bytes = BytesMut::with_capacity(len + len / 2);
        bytes.extend_from_slice(old);
        bytes.extend_from_slice(suffix);
        Self::Shared(bytes.freeze())
    }
}

/// A copy of `old` with `bytes` from `offset` on.
pub(super) fn patched(old: &[u8], offset: usize, bytes: &[u8]) -> BytesMut {
    let end = offset + bytes.len();
    // Zeros that come from the system and are never touched cost no memory.
    let mut copy = BytesMut::zeroed(end.max(old.len()));
    copy[..old.len()].copy_from_slice(old);
    copy[offset..end].copy_from_slice(bytes);
    copy
}
