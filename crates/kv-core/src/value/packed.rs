//! The packed form of small collections: elements one after the other, in one allocation.
//!
//! ```text
//! length (seven bits a byte, the lowest first) element | length element | ...
//! ```
//!
//! Finding an element means walking; with few short ones that costs less than the cache misses of a real
//! structure, and takes a fraction of its memory. The leaves of large lists are packed too.
//!
//! Invariant: `bytes` holds `count` whole elements, each behind its length, and nothing else.

use std::ops::Range;

use super::tree::{Bias, Leaf};

/// Least growth of the allocation, in bytes.
const GROWTH_BYTES_MIN: usize = 32;

/// A leaf of a list that takes more than this is split, in bytes.
const LEAF_BYTES_MAX: usize = 4 << 10;

/// A leaf of a list with more elements is split.
const LEAF_LEN_MAX: usize = 256;

/// A short sequence of elements.
#[derive(Clone, Debug, Default)]
pub(super) struct Packed {
    bytes: Vec<u8>,
    count: usize,
}

impl Packed {
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// Bytes of heap.
    pub(super) fn heap_bytes(&self) -> usize {
        self.bytes.capacity()
    }

    /// Bytes in use.
    pub(super) fn used_bytes(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn iter(&self) -> PackedIter<'_> {
        PackedIter {
            rest: &self.bytes,
            left: self.len(),
        }
    }

    /// As [`Packed::iter`], without the first `index`.
    pub(super) fn iter_from(&self, index: usize) -> PackedIter<'_> {
        let mut iter = self.iter();
        iter.pass(index);
        iter
    }

    pub(super) fn get(&self, index: usize) -> Option<&[u8]> {
        self.iter_from(index).next()
    }

    /// Puts `elements` before the one at `index`, or at the end.
    pub(super) fn insert<const N: usize>(&mut self, index: usize, elements: [&[u8]; N]) {
        let at = self.offset(index);
        self.put(at..at, &elements);
        self.count += N;
    }

    /// Puts `element` in the place of the one at `index`, which must be there.
    pub(super) fn replace(&mut self, index: usize, element: &[u8]) {
        assert!(index < self.len(), "no such element");
        let start = self.iter_from(index);
        let mut end = start.clone();
        end.pass(1);
        let len = self.bytes.len();
        self.put(len - start.rest.len()..len - end.rest.len(), &[element]);
    }

    /// Removes up to `count` elements from `index` on.
    pub(super) fn remove(&mut self, index: usize, count: usize) {
        let end = index.saturating_add(count).min(self.len());
        let index = index.min(end);
        self.bytes.drain(self.offset(index)..self.offset(end));
        self.count -= end - index;
        self.give_back();
    }

    /// Puts `elements` in the place of the bytes of `range`.
    fn put(&mut self, range: Range<usize>, elements: &[&[u8]]) {
        let put_bytes = elements.iter().map(|element| framed_len(element.len()));
        let put_bytes: usize = put_bytes.sum();
        let used = self.bytes.len();
        let grown = put_bytes.saturating_sub(range.len());
        if used + grown > self.bytes.capacity() {
            let room = grown.max(GROWTH_BYTES_MIN).max(used / 4);
            self.bytes.reserve_exact(room);
        }
        if put_bytes > range.len() {
            self.bytes.resize(used + grown, 0);
        }
        self.bytes
            .copy_within(range.end..used, range.start + put_bytes);
        self.bytes.truncate(used - range.len() + put_bytes);
        let mut at = range.start;
        for element in elements {
            let mut length = element.len();
            while length >= 0x80 {
                let [low, ..] = length.to_le_bytes();
                self.bytes[at] = low | 0x80;
                length >>= 7;
                at += 1;
            }
            let [low, ..] = length.to_le_bytes();
            self.bytes[at] = low;
            at += 1;
            self.bytes[at..at + element.len()].copy_from_slice(element);
            at += element.len();
        }
    }

    /// Gives memory back when most of the allocation is not used.
    fn give_back(&mut self) {
        let (used, room) = (self.bytes.len(), self.bytes.capacity());
        if room > 4 * GROWTH_BYTES_MIN && used < room / 4 {
            self.bytes.shrink_to(used + used / 4);
        }
    }

    /// Where the element at `index` begins, or the end.
    fn offset(&self, index: usize) -> usize {
        if index >= self.count {
            return self.bytes.len();
        }
        self.bytes.len() - self.iter_from(index).rest.len()
    }

    /// The index of the first element that begins at `offset` or later, and where that is.
    fn boundary(&self, offset: usize) -> (usize, usize) {
        let mut iter = self.iter();
        while self.bytes.len() - iter.rest.len() < offset {
            iter.pass(1);
        }
        (self.count - iter.left, self.bytes.len() - iter.rest.len())
    }
}

/// Bytes that an element of this length takes, its length included.
fn framed_len(length: usize) -> usize {
    let bits = (usize::BITS - length.leading_zeros()).max(1);
    bits.div_ceil(7) as usize + length
}

/// The leaves of large lists.
impl Leaf for Packed {
    type Key = ();

    fn len(&self) -> usize {
        self.count
    }

    fn first(&self) -> Option<()> {
        (self.count > 0).then_some(())
    }

    fn heap_bytes(&self) -> usize {
        /// The leaf itself, the counts of its `Arc`, and what a branch notes of it.
        const OWN_BYTES: usize = size_of::<Packed>() + 16 + 32;

        OWN_BYTES + self.bytes.capacity()
    }

    fn is_over(&self) -> bool {
        self.count > 1 && (self.bytes.len() > LEAF_BYTES_MAX || self.count > LEAF_LEN_MAX)
    }

    fn is_under(&self) -> bool {
        self.bytes.len() < LEAF_BYTES_MAX / 4 && self.count < LEAF_LEN_MAX / 4
    }

    fn has_room_for(&self, next: &Self) -> bool {
        self.bytes.len() + next.bytes.len() <= LEAF_BYTES_MAX / 4 * 3
            && self.count + next.count <= LEAF_LEN_MAX / 4 * 3
    }

    fn split(&mut self, bias: Bias) -> Self {
        let last = self.count - 1;
        let (kept, at) = match bias {
            Bias::Even => self.boundary(self.bytes.len() / 2),
            bias => {
                let kept = bias.kept(self.count);
                (kept, self.offset(kept))
            }
        };
        // One at least on either side: the last element may begin before the middle.
        let (kept, at) = if kept > last {
            (last, self.offset(last))
        } else {
            (kept, at)
        };
        let next = Self {
            bytes: self.bytes.split_off(at),
            count: self.count - kept,
        };
        self.count = kept;
        self.bytes.shrink_to_fit();
        next
    }

    fn join(&mut self, next: Self) {
        self.bytes.extend_from_slice(&next.bytes);
        self.count += next.count;
    }

    fn cut(&mut self, range: Range<usize>) -> Self {
        let bytes = self.offset(range.start)..self.offset(range.end);
        let cut = Self {
            bytes: self.bytes.drain(bytes).collect(),
            count: range.len(),
        };
        self.count -= cut.count;
        self.give_back();
        cut
    }
}

/// The elements of a [`Packed`], in order.
#[derive(Clone, Debug)]
pub(super) struct PackedIter<'a> {
    rest: &'a [u8],
    left: usize,
}

impl<'a> PackedIter<'a> {
    /// Goes on behind the next `count` elements.
    fn pass(&mut self, count: usize) {
        if count >= self.left {
            (self.rest, self.left) = (&[], 0);
            return;
        }
        for _ in 0..count {
            self.next();
        }
    }
}

impl<'a> Iterator for PackedIter<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let (first, mut rest) = self.rest.split_first()?;
        let mut length = usize::from(*first & 0x7f);
        let (mut byte, mut shift) = (*first, 7);
        while byte >= 0x80 {
            let (next, behind) = rest.split_first()?;
            (byte, rest) = (*next, behind);
            length |= usize::from(byte & 0x7f) << shift;
            shift += 7;
        }
        let (element, rest) = rest.split_at(length);
        self.rest = rest;
        self.left -= 1;
        Some(element)
    }

    fn nth(&mut self, passed: usize) -> Option<&'a [u8]> {
        self.pass(passed);
        self.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for PackedIter<'_> {}

/// Elements two by two.
#[derive(Clone, Debug)]
pub(super) struct PackedPairs<'a>(pub(super) PackedIter<'a>);

impl<'a> Iterator for PackedPairs<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        Some((self.0.next()?, self.0.next()?))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let pairs = self.0.len() / 2;
        (pairs, Some(pairs))
    }
}

impl ExactSizeIterator for PackedPairs<'_> {}

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

    fn nth(&mut self, passed: usize) -> Option<T> {
        match self {
            Self::Packed(packed) => packed.nth(passed),
            Self::Real(real) => real.nth(passed),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self {
            Self::Packed(packed) => packed.size_hint(),
            Self::Real(real) => real.size_hint(),
        }
    }
}

impl<T, P, R> DoubleEndedIterator for Either<P, R>
where
    P: DoubleEndedIterator<Item = T>,
    R: DoubleEndedIterator<Item = T>,
{
    fn next_back(&mut self) -> Option<T> {
        match self {
            Self::Packed(packed) => packed.next_back(),
            Self::Real(real) => real.next_back(),
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

    fn shown(packed: &Packed) -> String {
        let elements: Vec<&[u8]> = packed.iter().collect();
        String::from_utf8(elements.join(&b","[..])).unwrap()
    }

    #[test]
    fn elements_are_put_and_removed_anywhere() {
        let mut packed = Packed::default();
        for (index, element) in [(0, "b"), (0, "a"), (2, ""), (9, "dd"), (2, "c")] {
            packed.insert(index, [element.as_bytes()]);
        }
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
        packed.insert(1, [b"x", b"y"]);
        assert_eq!(shown(&packed), ",x,y,longer");
    }

    #[test]
    fn long_elements_come_back() {
        let lengths = [0usize, 1, 127, 128, 129, 255, 256, 16_383, 16_384, 100_000];
        let mut packed = Packed::default();
        for (index, length) in lengths.into_iter().enumerate() {
            packed.insert(index, [vec![b'x'; length].as_slice()]);
        }
        let shown: Vec<usize> = packed.iter().map(<[u8]>::len).collect();
        assert_eq!(shown, lengths);
        packed.replace(9, b"short");
        packed.replace(1, &[b'y'; 200]);
        let shown: Vec<usize> = packed.iter().map(<[u8]>::len).collect();
        assert_eq!(shown, [0, 200, 127, 128, 129, 255, 256, 16_383, 16_384, 5]);
        packed.remove(1, 8);
        assert!(
            packed.heap_bytes() <= 2 * packed.used_bytes(),
            "memory is given back"
        );
    }
}
