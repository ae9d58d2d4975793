//! Lists: elements in order, quick at both ends.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use super::packed::{ELEMENTS_MAX, Either, Packed, fits};

/// One end of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ListEnd {
    /// Where index 0 is.
    Front,
    /// Where the highest index is.
    Back,
}

/// More elements than this are not freed one by one while a lock is held.
const FREED_AT_ONCE_MAX: usize = 64;

/// A list as it lies in a store.
///
/// A clone of a large one shares its elements, until either is changed: the first change copies them all.
///
/// Invariant: a real list does not become packed again.
#[derive(Clone, Debug)]
pub struct List(Form);

#[derive(Clone, Debug)]
enum Form {
    Packed(Packed),
    Deque(Arc<Deque>),
}

#[derive(Clone, Debug, Default)]
struct Deque {
    elements: VecDeque<Box<[u8]>>,
    /// Bytes of all elements.
    bytes: usize,
}

impl Default for List {
    fn default() -> Self {
        Self(Form::Packed(Packed::default()))
    }
}

impl List {
    /// How many elements there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.0 {
            Form::Packed(packed) => packed.len(),
            Form::Deque(deque) => deque.elements.len(),
        }
    }

    /// Whether there is no element. A store keeps no empty list.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The element at `index`, counted from the front.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&[u8]> {
        match &self.0 {
            Form::Packed(packed) => packed.get(index),
            Form::Deque(deque) => deque.elements.get(index).map(|element| &**element),
        }
    }

    /// All elements, from the front.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> + Clone {
        self.range(0..self.len())
    }

    /// The elements of a range of indexes, as far as there are any.
    #[must_use]
    pub fn range(&self, range: Range<usize>) -> impl ExactSizeIterator<Item = &[u8]> + Clone {
        let end = range.end.min(self.len());
        let start = range.start.min(end);
        match &self.0 {
            Form::Packed(packed) => Either::Packed(packed.iter().skip(start).take(end - start)),
            Form::Deque(deque) => {
                let elements = deque.elements.range(start..end);
                Either::Real(elements.map(|element| &**element))
            }
        }
    }

    /// How many of the elements, at most `max`, equal `element`.
    #[must_use]
    pub fn count_equal(&self, element: &[u8], max: usize) -> usize {
        self.iter()
            .filter(|other| *other == element)
            .take(max)
            .count()
    }

    pub(super) fn is_packed(&self) -> bool {
        matches!(self.0, Form::Packed(_))
    }

    /// Bytes of heap, known without a walk.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        match &self.0 {
            Form::Packed(packed) => packed.heap_bytes(),
            Form::Deque(deque) => {
                size_of::<Deque>()
                    + deque.elements.capacity() * size_of::<Box<[u8]>>()
                    + deque.bytes
            }
        }
    }

    /// Adds `element` at an end.
    pub(crate) fn push(&mut self, end: ListEnd, element: &[u8]) {
        let index = match end {
            ListEnd::Front => 0,
            ListEnd::Back => self.len(),
        };
        self.insert(index, element);
    }

    /// Puts `element` before the one at `index`, or at the end.
    pub(crate) fn insert(&mut self, index: usize, element: &[u8]) {
        match self.for_one_more(element) {
            Form::Packed(packed) => packed.insert(index, element),
            Form::Deque(deque) => {
                let deque = Arc::make_mut(deque);
                deque.bytes += element.len();
                let index = index.min(deque.elements.len());
                deque.elements.insert(index, element.into());
            }
        }
    }

    /// Puts `element` in the place of the one at `index`, if there is one.
    pub(crate) fn set(&mut self, index: usize, element: &[u8]) {
        if index >= self.len() {
            return;
        }
        if !fits(element) {
            self.unpack();
        }
        match &mut self.0 {
            Form::Packed(packed) => packed.replace(index, element),
            Form::Deque(deque) => {
                let deque = Arc::make_mut(deque);
                let old = std::mem::replace(&mut deque.elements[index], element.into());
                deque.bytes = deque.bytes + element.len() - old.len();
            }
        }
    }

    /// Removes up to `count` elements at an end. Returns them when they are many, to be dropped later.
    pub(crate) fn pop(&mut self, end: ListEnd, count: usize) -> Option<VecDeque<Box<[u8]>>> {
        let len = self.len();
        let count = count.min(len);
        match &mut self.0 {
            Form::Packed(packed) => {
                let from = match end {
                    ListEnd::Front => 0,
                    ListEnd::Back => len - count,
                };
                packed.remove(from, count);
                None
            }
            Form::Deque(deque) => {
                let popped = Arc::make_mut(deque).pop(end, count);
                (count > FREED_AT_ONCE_MAX).then_some(popped)
            }
        }
    }

    /// Removes the first `count` elements that equal `element`, seen from an end.
    pub(crate) fn remove_equal(&mut self, from: ListEnd, count: usize, element: &[u8]) {
        let all = self.count_equal(element, usize::MAX);
        // Of all equal ones in order, these stay in front of those that go.
        let first = match from {
            ListEnd::Front => 0,
            ListEnd::Back => all.saturating_sub(count),
        };
        let gone = first..first.saturating_add(count).min(all);
        let mut seen = 0;
        let mut stays = |other: &[u8]| {
            let number = seen;
            seen += usize::from(other == element);
            other != element || !gone.contains(&number)
        };
        match &mut self.0 {
            Form::Packed(packed) => {
                let mut kept = Packed::default();
                for other in packed.iter().filter(|other| stays(other)) {
                    kept.insert(kept.len(), other);
                }
                *packed = kept;
            }
            Form::Deque(deque) => {
                let deque = Arc::make_mut(deque);
                deque.elements.retain(|other| stays(other));
                deque.bytes -= gone.len() * element.len();
            }
        }
    }

    /// The form in which there is room for `element`.
    fn for_one_more(&mut self, element: &[u8]) -> &mut Form {
        if !fits(element) || self.len() >= ELEMENTS_MAX {
            self.unpack();
        }
        &mut self.0
    }

    fn unpack(&mut self) {
        if let Form::Packed(packed) = &self.0 {
            let elements: VecDeque<Box<[u8]>> = packed.iter().map(Box::from).collect();
            let bytes = packed.iter().map(<[u8]>::len).sum();
            self.0 = Form::Deque(Arc::new(Deque { elements, bytes }));
        }
    }
}

impl Deque {
    fn pop(&mut self, end: ListEnd, count: usize) -> VecDeque<Box<[u8]>> {
        let popped = match end {
            ListEnd::Back => self.elements.split_off(self.elements.len() - count),
            ListEnd::Front if count <= FREED_AT_ONCE_MAX => self.elements.drain(..count).collect(),
            ListEnd::Front => {
                let rest = self.elements.split_off(count);
                std::mem::replace(&mut self.elements, rest)
            }
        };
        self.bytes -= popped.iter().map(|element| element.len()).sum::<usize>();
        popped
    }
}
