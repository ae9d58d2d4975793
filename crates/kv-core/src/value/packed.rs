//! The packed form of small collections: elements one after the other, in one allocation.
//!
//! ```text
//! length (1 byte) element | length element | ...
//! ```
//!
//! Finding an element means walking; with at most [`ELEMENTS_MAX`] short ones that costs less than the cache
//! misses of a real structure, and takes a fraction of its memory.
//!
//! Invariant: every element has at most [`ELEMENT_BYTES_MAX`] bytes, so that one byte holds its length.

/// Longest element in packed form, in bytes.
pub(super) const ELEMENT_BYTES_MAX: usize = 64;

/// Most elements of a packed collection; a hash counts its fields.
pub(super) const ELEMENTS_MAX: usize = 128;

/// Least growth of the allocation, in bytes.
const GROWTH_BYTES_MIN: usize = 32;

const _: () = assert!(ELEMENT_BYTES_MAX <= u8::MAX as usize);

/// Whether `element` may be in a packed collection.
pub(super) fn fits(element: &[u8]) -> bool {
    element.len() <= ELEMENT_BYTES_MAX
}

/// A short sequence of short elements.
#[derive(Clone, Debug, Default)]
pub(super) struct Packed {
    bytes: Vec<u8>,
    count: u32,
}

impl Packed {
    pub(super) fn len(&self) -> usize {
        self.count as usize
    }

    /// Bytes of heap.
    pub(super) fn heap_bytes(&self) -> usize {
        self.bytes.capacity()
    }

    pub(super) fn iter(&self) -> PackedIter<'_> {
        PackedIter {
            rest: &self.bytes,
            left: self.len(),
        }
    }

    pub(super) fn get(&self, index: usize) -> Option<&[u8]> {
        self.iter().nth(index)
    }

    /// Puts `element` before the one at `index`, or at the end.
    pub(super) fn insert(&mut self, index: usize, element: &[u8]) {
        assert!(fits(element), "a long element in a packed collection");
        let at = self.offset(index);
        self.put(at..at, element);
        self.count += 1;
    }

    /// Puts `element` in the place of the one at `index`, which must be there.
    pub(super) fn replace(&mut self, index: usize, element: &[u8]) {
        assert!(fits(element), "a long element in a packed collection");
        assert!(index < self.len(), "no such element");
        self.put(self.offset(index)..self.offset(index + 1), element);
    }

    /// Removes up to `count` elements from `index` on.
    pub(super) fn remove(&mut self, index: usize, count: usize) {
        let end = index.saturating_add(count).min(self.len());
        let index = index.min(end);
        self.bytes.drain(self.offset(index)..self.offset(end));
        // At most `count` of its own elements.
        self.count -= u32::try_from(end - index).unwrap_or(self.count);
    }

    fn put(&mut self, range: std::ops::Range<usize>, element: &[u8]) {
        // The length fits, see `fits`.
        let [length, ..] = element.len().to_le_bytes();
        let (used, grown) = (
            self.bytes.len(),
            1 + element.len() - range.len().min(1 + element.len()),
        );
        if used + grown > self.bytes.capacity() {
            let room = grown.max(GROWTH_BYTES_MIN).max(used / 4);
            self.bytes.reserve_exact(room);
        }
        let bytes = std::iter::once(length).chain(element.iter().copied());
        self.bytes.splice(range, bytes);
    }

    /// Where the element at `index` begins, or the end.
    fn offset(&self, index: usize) -> usize {
        let mut walk = self.iter();
        if let Some(before) = index.checked_sub(1) {
            walk.nth(before);
        }
        self.bytes.len() - walk.rest.len()
    }
}

/// The elements of a [`Packed`], in order.
#[derive(Clone, Debug)]
pub(super) struct PackedIter<'a> {
    rest: &'a [u8],
    left: usize,
}

impl<'a> Iterator for PackedIter<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (length, rest) = self.rest.split_first()?;
        let (element, rest) = rest.split_at(usize::from(*length));
        self.rest = rest;
        self.left -= 1;
        Some(element)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for PackedIter<'_> {}

/// An iterator over a packed or a real collection.
#[derive(Clone, Debug)]
pub(super) enum Either<P, R> {
    Packed(P),
    Real(R),
}

impl<T, P: Iterator<Item = T>, R: Iterator<Item = T>> Iterator for Either<P, R> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        match self {
            Self::Packed(packed) => packed.next(),
            Self::Real(real) => real.next(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self {
            Self::Packed(packed) => packed.size_hint(),
            Self::Real(real) => real.size_hint(),
        }
    }
}

impl<T, P: ExactSizeIterator<Item = T>, R: ExactSizeIterator<Item = T>> ExactSizeIterator
    for Either<P, R>
{
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_put_and_removed_anywhere() {
        let mut packed = Packed::default();
        for (index, element) in [(0, "b"), (0, "a"), (2, ""), (9, "dd"), (2, "c")] {
            packed.insert(index, element.as_bytes());
        }
        let shown = |packed: &Packed| {
            let elements: Vec<&[u8]> = packed.iter().collect();
            String::from_utf8(elements.join(&b","[..])).unwrap()
        };
        assert_eq!(shown(&packed), "a,b,c,,dd");
        packed.replace(3, b"longer");
        packed.replace(0, b"");
        assert_eq!(shown(&packed), ",b,c,longer,dd");
        packed.remove(1, 2);
        assert_eq!(shown(&packed), ",longer,dd");
        packed.remove(2, usize::MAX);
        packed.remove(7, 1);
        assert_eq!((shown(&packed).as_str(), packed.len()), (",longer", 2));
        assert_eq!(packed.get(1), Some(&b"longer"[..]));
        assert_eq!(packed.get(2), None);
    }
}
