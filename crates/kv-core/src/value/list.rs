//! Lists: elements in order, quick at both ends.

use std::ops::Range;

use super::packed::{Either, Packed, PackedIter};
use super::tree::{CutOut, Tree};
use super::value_limits::ValueLimits;

/// One end of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ListEnd {
    /// Where index 0 is.
    Front,
    /// Where the highest index is.
    Back,
}

/// A list as it lies in a store.
///
/// A clone of a large one shares its elements; a change copies the few thousand bytes around it.
///
/// Invariant: a real list becomes packed again when it has shrunk to half of what a packed one may have.
#[derive(Clone, Debug)]
pub struct List(Form);

#[derive(Clone, Debug)]
enum Form {
    Packed(Packed),
    Tree(Box<Tree<Packed>>),
}

/// Elements that were cut off a list, to be dropped when there is time.
#[derive(Debug)]
pub(crate) struct CutOff(CutOut<Packed>);

impl CutOff {
    /// Bytes of heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.0.heap_bytes()
    }
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
            Form::Tree(tree) => tree.len(),
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
            Form::Tree(tree) => {
                let found = tree.find(index);
                found.leaf.get(found.offset)
            }
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
            Form::Packed(packed) => Either::Packed(packed.iter_from(start).take(end - start)),
            Form::Tree(tree) => Either::Real(Elements::new(tree, start..end)),
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

    /// The name that `OBJECT ENCODING` has for its form.
    #[must_use]
    pub const fn encoding(&self) -> &'static str {
        match &self.0 {
            Form::Packed(_) => "listpack",
            Form::Tree(_) => "quicklist",
        }
    }

    pub(super) fn is_packed(&self) -> bool {
        matches!(self.0, Form::Packed(_))
    }

    /// Bytes of heap, known without a walk.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        match &self.0 {
            Form::Packed(packed) => packed.heap_bytes(),
            Form::Tree(tree) => size_of::<Tree<Packed>>() + tree.heap_bytes(),
        }
    }

    /// Adds `element` at an end.
    pub(crate) fn push(&mut self, end: ListEnd, element: &[u8], limits: &ValueLimits) {
        let index = match end {
            ListEnd::Front => 0,
            ListEnd::Back => self.len(),
        };
        self.insert(index, element, limits);
    }

    /// Puts `element` before the one at `index`, or at the end.
    pub(crate) fn insert(&mut self, index: usize, element: &[u8], limits: &ValueLimits) {
        let index = index.min(self.len());
        self.make_room(1, element.len(), limits);
        match &mut self.0 {
            Form::Packed(packed) => packed.insert(index, [element]),
            Form::Tree(tree) => tree.edit(index, |leaf, offset| leaf.insert(offset, [element])),
        }
    }

    /// Puts `element` in the place of the one at `index`, if there is one.
    pub(crate) fn set(&mut self, index: usize, element: &[u8], limits: &ValueLimits) {
        if index >= self.len() {
            return;
        }
        // As Redis counts it: as if the element came before the old one went.
        self.make_room(1, element.len(), limits);
        match &mut self.0 {
            Form::Packed(packed) => packed.replace(index, element),
            Form::Tree(tree) => tree.edit(index, |leaf, offset| leaf.replace(offset, element)),
        }
        self.pack_again(limits);
    }

    /// Removes up to `count` elements at an end. Returns what may take long to drop.
    pub(crate) fn pop(
        &mut self,
        end: ListEnd,
        count: usize,
        limits: &ValueLimits,
    ) -> Option<CutOff> {
        let len = self.len();
        let count = count.min(len);
        let from = match end {
            ListEnd::Front => 0,
            ListEnd::Back => len - count,
        };
        let cut_off = match &mut self.0 {
            Form::Packed(packed) => {
                packed.remove(from, count);
                None
            }
            Form::Tree(tree) if count == 1 => {
                tree.edit(from, |leaf, offset| leaf.remove(offset, 1));
                None
            }
            Form::Tree(tree) => Some(CutOff(tree.cut(from..from + count))),
        };
        self.pack_again(limits);
        cut_off
    }

    /// Removes the first `count` elements that equal `element`, seen from an end.
    pub(crate) fn remove_equal(
        &mut self,
        from: ListEnd,
        count: usize,
        element: &[u8],
        limits: &ValueLimits,
    ) {
        let places = self.iter().enumerate();
        let mut places: Vec<usize> = places
            .filter(|(_, other)| *other == element)
            .map(|(index, _)| index)
            .collect();
        match from {
            ListEnd::Front => places.truncate(count),
            ListEnd::Back => drop(places.drain(..places.len().saturating_sub(count))),
        }
        // From the back, so that the places before stay what they are.
        for index in places.into_iter().rev() {
            match &mut self.0 {
                Form::Packed(packed) => packed.remove(index, 1),
                Form::Tree(tree) => tree.edit(index, |leaf, offset| leaf.remove(offset, 1)),
            }
        }
        self.pack_again(limits);
    }

    /// Takes the form in which there is room for so many elements and bytes more.
    fn make_room(&mut self, elements: usize, bytes: usize, limits: &ValueLimits) {
        if let Form::Packed(packed) = &mut self.0
            && !limits.packs_list(packed.len() + elements, packed.used_bytes() + bytes)
        {
            let packed = std::mem::take(packed);
            self.0 = Form::Tree(Box::new(Tree::of(packed)));
        }
    }

    /// Takes the packed form again, if the list has become that small.
    fn pack_again(&mut self, limits: &ValueLimits) {
        if let Form::Tree(tree) = &self.0
            && let Some(leaf) = tree.only_leaf()
            && limits.packs_list_again(leaf.len(), leaf.used_bytes())
        {
            self.0 = Form::Packed(leaf.clone());
        }
    }
}

/// Elements of a tree, from the front.
#[derive(Clone, Debug)]
struct Elements<'t> {
    tree: &'t Tree<Packed>,
    /// The indexes of what is left.
    rest: Range<usize>,
    /// What is left of the leaf with the next one.
    leaf: PackedIter<'t>,
}

impl<'t> Elements<'t> {
    fn new(tree: &'t Tree<Packed>, rest: Range<usize>) -> Self {
        let found = tree.find(rest.start);
        Self {
            tree,
            rest,
            leaf: found.leaf.iter_from(found.offset),
        }
    }
}

impl<'t> Iterator for Elements<'t> {
    type Item = &'t [u8];

    fn next(&mut self) -> Option<&'t [u8]> {
        let index = self.rest.next()?;
        if let Some(element) = self.leaf.next() {
            return Some(element);
        }
        let found = self.tree.find(index);
        self.leaf = found.leaf.iter_from(found.offset);
        self.leaf.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.rest.size_hint()
    }
}

impl ExactSizeIterator for Elements<'_> {}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Change {
        Insert(usize, usize),
        Set(usize, usize),
        Cut(bool, usize),
        RemoveEqual(bool, usize, usize),
        Clone,
    }

    fn changes() -> impl Strategy<Value = Change> {
        let length = || prop_oneof![9 => 0usize..12, 1 => 100usize..6_000];
        prop_oneof![
            12 => (any::<usize>(), length()).prop_map(|(at, length)| Change::Insert(at, length)),
            2 => (any::<usize>(), length()).prop_map(|(at, length)| Change::Set(at, length)),
            1 => (any::<bool>(), 0usize..50).prop_map(|(front, count)| Change::Cut(front, count)),
            1 => (any::<bool>(), 0usize..9, length())
                .prop_map(|(front, count, length)| Change::RemoveEqual(front, count, length)),
            1 => Just(Change::Clone),
        ]
    }

    fn end(front: bool) -> ListEnd {
        if front { ListEnd::Front } else { ListEnd::Back }
    }

    fn element(length: usize) -> Vec<u8> {
        vec![b'e'; length]
    }

    fn apply(list: &mut List, model: &mut VecDeque<Vec<u8>>, change: &Change) {
        let limits = ValueLimits::default();
        match *change {
            Change::Insert(at, length) => {
                let at = at % (model.len() + 1);
                for number in 0..8 {
                    let element = element(length + number);
                    list.insert(at, &element, &limits);
                    model.insert(at, element);
                }
            }
            Change::Set(at, length) if !model.is_empty() => {
                let at = at % model.len();
                list.set(at, &element(length), &limits);
                model[at] = element(length);
            }
            Change::Set(..) | Change::Clone => {}
            Change::Cut(front, count) => {
                list.pop(end(front), count, &limits);
                let count = count.min(model.len());
                match end(front) {
                    ListEnd::Front => drop(model.drain(..count)),
                    ListEnd::Back => model.truncate(model.len() - count),
                }
            }
            Change::RemoveEqual(front, count, length) => {
                let element = element(length);
                list.remove_equal(end(front), count, &element, &limits);
                for _ in 0..count {
                    let mut places = (0..model.len()).filter(|place| model[*place] == element);
                    let place = match end(front) {
                        ListEnd::Front => places.next(),
                        ListEnd::Back => places.next_back(),
                    };
                    place.map(|place| model.remove(place));
                }
            }
        }
    }

    fn check(list: &List, model: &VecDeque<Vec<u8>>) {
        assert!(list.iter().eq(model.iter().map(Vec::as_slice)));
        assert_eq!(list.len(), model.len());
        for index in [0, model.len() / 3, model.len()] {
            assert_eq!(list.get(index), model.get(index).map(Vec::as_slice));
            let range = index..index + 20;
            let rest = model.iter().skip(index).take(20).map(Vec::as_slice);
            assert!(list.range(range).eq(rest));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: if cfg!(miri) { 1 } else { 48 },
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn a_list_is_a_sequence_and_its_clones_stay(
            changes in vec(changes(), 0..if cfg!(miri) { 10 } else { 150 }),
        ) {
            let (mut list, mut model) = (List::default(), VecDeque::new());
            let mut clones = Vec::new();
            for change in &changes {
                if matches!(change, Change::Clone) {
                    clones.push((list.clone(), model.clone()));
                }
                apply(&mut list, &mut model, change);
            }
            check(&list, &model);
            for (list, model) in &clones {
                check(list, model);
            }
        }
    }

    #[test]
    fn a_list_that_shrinks_is_packed_again_with_room_to_grow() {
        let limits = ValueLimits::default();
        let mut list = List::default();
        for _ in 0..3 {
            list.push(ListEnd::Back, &element(3_000), &limits);
        }
        list.push(ListEnd::Back, &element(1), &limits);
        assert_eq!(list.encoding(), "quicklist");
        list.pop(ListEnd::Front, 1, &limits);
        assert_eq!(list.encoding(), "quicklist");
        list.remove_equal(ListEnd::Front, 1, &element(3_000), &limits);
        assert_eq!(list.encoding(), "listpack");
        list.push(ListEnd::Back, &element(3_000), &limits);
        assert_eq!(list.encoding(), "listpack");
        assert!(list.iter().map(<[u8]>::len).eq([3_000, 1, 3_000]));
    }

    #[test]
    fn pushing_at_an_end_fills_leaves() {
        for end in [ListEnd::Front, ListEnd::Back] {
            let mut list = List::default();
            for number in 0..if cfg!(miri) { 500u32 } else { 20_000 } {
                list.push(end, &number.to_le_bytes(), &ValueLimits::default());
            }
            assert_eq!(
                list.encoding(),
                if cfg!(miri) { "listpack" } else { "quicklist" }
            );
            assert!(
                list.heap_bytes() < list.len() * 5 * 4 / 3,
                "{}",
                list.heap_bytes()
            );
        }
    }
}
