//! One field of a real hash, in one allocation.
//!
//! ```text
//! twice the field's length, plus 1 with an expiry (4 bytes) | expiry (8 bytes, if there is one) | field | value
//! ```

use std::sync::Arc;

use smallvec::SmallVec;

use super::dict::Named;
use super::set::shared_bytes;
use super::sorted::Element;
use crate::UnixMillis;

const HEAD_BYTES: usize = 4;
const EXPIRY_BYTES: usize = 8;

/// A field, its value and its expiry.
///
/// Invariant: `bytes` is of the form that the head of this file draws; [`Field::new`] alone makes it.
#[derive(Clone, Debug)]
pub(super) struct Field {
    hash: u64,
    bytes: Arc<[u8]>,
}

impl Field {
    /// `hash` is that of `field`.
    pub(super) fn new(hash: u64, field: &[u8], value: &[u8], expires: Option<UnixMillis>) -> Self {
        let head = u32::try_from(field.len() * 2 + usize::from(expires.is_some()));
        let Ok(head) = head else {
            panic!("a field longer than the limit of strings")
        };
        let mut bytes: SmallVec<[u8; 256]> = SmallVec::new();
        bytes.reserve_exact(HEAD_BYTES + EXPIRY_BYTES + field.len() + value.len());
        bytes.extend_from_slice(&head.to_le_bytes());
        if let Some(UnixMillis(millis)) = expires {
            bytes.extend_from_slice(&millis.to_le_bytes());
        }
        bytes.extend_from_slice(field);
        bytes.extend_from_slice(value);
        Self {
            hash,
            bytes: bytes.as_slice().into(),
        }
    }

    /// Gives this field another value and no expiry: where it is, if that is possible.
    pub(super) fn set_value(&mut self, value: &[u8]) {
        if self.expires().is_none()
            && self.value().len() == value.len()
            && let Some(bytes) = Arc::get_mut(&mut self.bytes)
        {
            let at = bytes.len() - value.len();
            bytes[at..].copy_from_slice(value);
            return;
        }
        *self = Self::new(self.hash, self.name(), value, None);
    }

    pub(super) fn set_expiry(&mut self, expires: Option<UnixMillis>) {
        *self = Self::new(self.hash, self.name(), self.value(), expires);
    }

    pub(super) fn value(&self) -> &[u8] {
        self.parts().1
    }

    pub(super) fn expires(&self) -> Option<UnixMillis> {
        let (head, rest) = self.head();
        let millis = rest.first_chunk().filter(|_| head & 1 == 1)?;
        Some(UnixMillis(i64::from_le_bytes(*millis)))
    }

    fn head(&self) -> (u32, &[u8]) {
        match self.bytes.split_first_chunk() {
            Some((head, rest)) => (u32::from_le_bytes(*head), rest),
            None => unreachable!("a field begins with its head"),
        }
    }

    /// The field and its value.
    fn parts(&self) -> (&[u8], &[u8]) {
        let (head, rest) = self.head();
        let rest = &rest[if head & 1 == 1 { EXPIRY_BYTES } else { 0 }..];
        rest.split_at((head / 2) as usize)
    }
}

impl Element for Field {
    type Key = u64;

    fn key(&self) -> &u64 {
        &self.hash
    }

    fn heap_bytes(&self) -> usize {
        shared_bytes(&self.bytes)
    }
}

impl Named for Field {
    fn name(&self) -> &[u8] {
        self.parts().0
    }
}
