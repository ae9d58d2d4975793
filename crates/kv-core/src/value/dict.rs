//! Elements by name: a tree sorted by the hashes of the names.
//!
//! Hash order makes everything that a table of buckets is bad at cheap: the element with a number (and so a
//! fair choice by chance), a cursor that survives any growth, and growing or shrinking a leaf at a time.
//!
//! Invariant: names are unique. The hash is keyed for each process: nobody outside can choose names that collide.

use std::hash::{BuildHasher, Hasher};
use std::sync::LazyLock;

use foldhash::quality::RandomState;

use super::sorted::{Element, Elements, SortedTree};

static HASHER: LazyLock<RandomState> = LazyLock::new(RandomState::default);

/// How many bits of a hash a cursor leaves out, so that one fits into 48 bits whoever reads it.
const CURSOR_SHIFT: u32 = 16;

/// The hash of a name.
pub(super) fn hash_of(name: &[u8]) -> u64 {
    let mut hasher = HASHER.build_hasher();
    hasher.write(name);
    hasher.finish()
}

/// An element that has a name; its key is the hash of it.
pub(super) trait Named: Element<Key = u64> {
    fn name(&self) -> &[u8];
}

/// Elements by name.
#[derive(Clone, Debug)]
pub(super) struct Dict<E: Named>(SortedTree<E>);

impl<E: Named> Default for Dict<E> {
    fn default() -> Self {
        Self(SortedTree::default())
    }
}

impl<E: Named> Dict<E> {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.0.heap_bytes()
    }

    pub(super) fn get(&self, name: &[u8]) -> Option<&E> {
        self.place(hash_of(name), name).ok().map(|(_, found)| found)
    }

    /// The element with this number.
    pub(super) fn at(&self, index: usize) -> Option<&E> {
        self.0.get(index)
    }

    /// The elements with this number and higher ones.
    pub(super) fn iter_from(&self, index: usize) -> Elements<'_, E> {
        self.0.range(index..usize::MAX)
    }

    /// Adds the element of a name if the name is new; whether it was.
    pub(super) fn insert_new(&mut self, hash: u64, name: &[u8], make: impl FnOnce() -> E) -> bool {
        let Err(index) = self.place(hash, name) else {
            return false;
        };
        self.0.edit(index, |run, offset| run.insert(offset, make()));
        true
    }

    /// Changes the element of a name, which must keep its name; `None` when there is none.
    pub(super) fn change<R>(&mut self, name: &[u8], change: impl FnOnce(&mut E) -> R) -> Option<R> {
        let (index, _) = self.place(hash_of(name), name).ok()?;
        Some(self.0.edit(index, |run, offset| run.change(offset, change)))
    }

    pub(super) fn remove(&mut self, name: &[u8]) -> Option<E> {
        let (index, _) = self.place(hash_of(name), name).ok()?;
        Some(self.0.edit(index, |run, offset| run.remove(offset)))
    }

    /// Shows about `count` elements from `cursor` on, in hash order, and returns where to go on; 0 when there
    /// are no more. What is there from the first call to the last is shown exactly once.
    pub(super) fn scan(&self, cursor: u64, count: usize, show: &mut dyn FnMut(&E)) -> u64 {
        let Some(from) = cursor.checked_mul(1 << CURSOR_SHIFT) else {
            return 0;
        };
        let first = self.0.lower_bound(|hash| *hash < from).index;
        let mut last = None;
        for (number, element) in self.iter_from(first).enumerate() {
            let place = *element.key() >> CURSOR_SHIFT;
            // All of one place belong together: a cursor cannot name a point between them.
            if let Some(last) = last.filter(|last| number >= count.max(1) && place > *last) {
                return last + 1;
            }
            show(element);
            last = Some(place);
        }
        0
    }

    /// The number of the element and itself, or where it would belong.
    fn place(&self, hash: u64, name: &[u8]) -> Result<(usize, &E), usize> {
        let found = self.0.lower_bound(|other| *other < hash);
        for index in found.index.. {
            let offset = found.offset + (index - found.index);
            let here = found.leaf.as_slice().get(offset);
            match here.or_else(|| self.0.get(index)) {
                Some(element) if *element.key() == hash => {
                    if element.name() == name {
                        return Ok((index, element));
                    }
                }
                _ => return Err(index),
            }
        }
        Err(found.index)
    }
}
