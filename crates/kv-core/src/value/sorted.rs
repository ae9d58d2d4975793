//! Runs of sorted elements: the leaves of trees that are searched.
//!
//! Invariant: the keys of a run ascend; equal ones stand in no promised order.

use std::ops::Range;

use super::tree::{Bias, Found, Leaf, Tree};

/// Most elements of a run.
const LEN_MAX: usize = 128;

/// What a sorted tree holds.
pub(super) trait Element: Clone + std::fmt::Debug {
    /// What elements are sorted by.
    type Key: Clone + std::fmt::Debug;

    fn key(&self) -> &Self::Key;

    /// Bytes of heap, its place in the run not included.
    fn heap_bytes(&self) -> usize;
}

/// Some elements in the order of their keys.
#[derive(Clone, Debug)]
pub(super) struct Run<E> {
    elements: Vec<E>,
    /// Bytes of heap of the elements.
    bytes: usize,
}

/// Elements in the order of their keys.
pub(super) type SortedTree<E> = Tree<Run<E>>;

impl<E> Default for Run<E> {
    fn default() -> Self {
        Self {
            elements: Vec::new(),
            bytes: 0,
        }
    }
}

impl<E: Element> Run<E> {
    pub(super) fn as_slice(&self) -> &[E] {
        &self.elements
    }

    pub(super) fn insert(&mut self, offset: usize, element: E) {
        if self.elements.len() == self.elements.capacity() {
            // A quarter more, not twice as much: most runs stay between half full and full.
            self.elements
                .reserve_exact((self.elements.len() / 4).max(4));
        }
        self.bytes += element.heap_bytes();
        self.elements.insert(offset, element);
    }

    pub(super) fn remove(&mut self, offset: usize) -> E {
        let element = self.elements.remove(offset);
        self.bytes -= element.heap_bytes();
        element
    }

    /// Changes one element, whose key must stay what it is.
    pub(super) fn change<R>(&mut self, offset: usize, change: impl FnOnce(&mut E) -> R) -> R {
        let element = &mut self.elements[offset];
        let before = element.heap_bytes();
        let answer = change(element);
        self.bytes = self.bytes - before + element.heap_bytes();
        answer
    }

    fn of(elements: Vec<E>) -> Self {
        let bytes = elements.iter().map(E::heap_bytes).sum();
        Self { elements, bytes }
    }
}

impl<E: Element> Leaf for Run<E> {
    type Key = E::Key;

    fn len(&self) -> usize {
        self.elements.len()
    }

    fn first(&self) -> Option<E::Key> {
        self.elements.first().map(|first| first.key().clone())
    }

    fn heap_bytes(&self) -> usize {
        /// The run itself, the counts of its `Arc`, and what a branch notes of it.
        const OWN_BYTES: usize = size_of::<Run<()>>() + 16 + 40;

        OWN_BYTES + self.elements.capacity() * size_of::<E>() + self.bytes
    }

    fn is_over(&self) -> bool {
        self.elements.len() > LEN_MAX
    }

    fn is_under(&self) -> bool {
        self.elements.len() < LEN_MAX / 4
    }

    fn has_room_for(&self, next: &Self) -> bool {
        self.elements.len() + next.elements.len() <= LEN_MAX / 4 * 3
    }

    fn split(&mut self, bias: Bias) -> Self {
        let kept = bias.kept(self.elements.len());
        let next = Self::of(self.elements.split_off(kept));
        self.bytes -= next.bytes;
        self.elements.shrink_to_fit();
        next
    }

    fn join(&mut self, next: Self) {
        self.bytes += next.bytes;
        self.elements.extend(next.elements);
    }

    fn cut(&mut self, range: Range<usize>) -> Self {
        let cut = Self::of(self.elements.drain(range).collect());
        self.bytes -= cut.bytes;
        cut
    }
}

impl<E: Element> Tree<Run<E>> {
    /// The element with this index.
    pub(super) fn get(&self, index: usize) -> Option<&E> {
        let found = self.find(index);
        found.leaf.as_slice().get(found.offset)
    }

    /// The first element that does not stand `before` a point of the order.
    pub(super) fn lower_bound(&self, before: impl Fn(&E::Key) -> bool) -> Found<'_, Run<E>> {
        self.search(&before, |run| {
            run.as_slice()
                .partition_point(|element| before(element.key()))
        })
    }

    /// The elements of a range of indexes, as far as there are any.
    pub(super) fn range(&self, range: Range<usize>) -> Elements<'_, E> {
        let end = range.end.min(self.len());
        Elements {
            tree: self,
            rest: range.start.min(end)..end,
            front: Slice::EMPTY,
            back: Slice::EMPTY,
        }
    }
}

/// Elements of a sorted tree, from both ends.
#[derive(Clone, Debug)]
pub(super) struct Elements<'t, E: Element> {
    tree: &'t SortedTree<E>,
    /// The indexes of what is left.
    rest: Range<usize>,
    front: Slice<'t, E>,
    back: Slice<'t, E>,
}

/// The elements of one leaf, and the index of the first.
#[derive(Debug)]
struct Slice<'t, E> {
    first: usize,
    elements: &'t [E],
}

impl<E> Clone for Slice<'_, E> {
    fn clone(&self) -> Self {
        Self {
            first: self.first,
            elements: self.elements,
        }
    }
}

impl<'t, E: Element> Slice<'t, E> {
    const EMPTY: Self = Self {
        first: 0,
        elements: &[],
    };

    /// The element with this index in the tree, out of this leaf if it is there.
    fn get(&mut self, tree: &'t SortedTree<E>, index: usize) -> Option<&'t E> {
        let known = index.checked_sub(self.first);
        if let Some(element) = known.and_then(|offset| self.elements.get(offset)) {
            return Some(element);
        }
        let found = tree.find(index);
        self.elements = found.leaf.as_slice();
        self.first = index - found.offset;
        self.elements.get(found.offset)
    }
}

impl<'t, E: Element> Iterator for Elements<'t, E> {
    type Item = &'t E;

    fn next(&mut self) -> Option<&'t E> {
        let index = self.rest.next()?;
        self.front.get(self.tree, index)
    }

    fn nth(&mut self, passed: usize) -> Option<&'t E> {
        let index = self.rest.nth(passed)?;
        self.front.get(self.tree, index)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.rest.size_hint()
    }
}

impl<E: Element> DoubleEndedIterator for Elements<'_, E> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let index = self.rest.next_back()?;
        self.back.get(self.tree, index)
    }
}

impl<E: Element> ExactSizeIterator for Elements<'_, E> {}
