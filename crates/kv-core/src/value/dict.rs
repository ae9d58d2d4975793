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
    pub(super) fn scan<'s>(
        &'s self,
        cursor: u64,
        count: usize,
        show: &mut dyn FnMut(&'s E),
    ) -> u64 {
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::{Set, ValueLimits};

    /// A name whose hash a test chooses.
    #[derive(Clone, Debug, PartialEq)]
    struct Chosen {
        hash: u64,
        name: Vec<u8>,
    }

    impl Element for Chosen {
        type Key = u64;

        fn key(&self) -> &u64 {
            &self.hash
        }

        fn heap_bytes(&self) -> usize {
            self.name.len()
        }
    }

    impl Named for Chosen {
        fn name(&self) -> &[u8] {
            &self.name
        }
    }

    #[test]
    fn names_of_one_hash_are_told_apart_across_leaves() {
        let mut dict = Dict::default();
        let chosen = |number: u64| Chosen {
            hash: number / 300,
            name: number.to_le_bytes().to_vec(),
        };
        let numbers = if cfg!(miri) { 400 } else { 1_500 };
        for number in (0..numbers).rev() {
            let new = chosen(number);
            let (hash, name) = (new.hash, new.name.clone());
            assert!(dict.insert_new(hash, &name, || new));
            assert!(!dict.insert_new(hash, &name, || chosen(number)));
        }
        for number in 0..numbers {
            let wanted = chosen(number);
            let found = dict.place(wanted.hash, &wanted.name);
            assert_eq!(found.map(|(_, found)| found.clone()), Ok(wanted));
        }
        let mut shown = 0;
        assert_eq!(
            dict.scan(0, 1, &mut |_| shown += 1),
            0,
            "one place of the cursor"
        );
        assert_eq!(shown, numbers);
    }

    fn add(set: &mut Set, numbers: std::ops::Range<u32>) {
        for number in numbers {
            set.add(
                format!("member:{number}").as_bytes(),
                &ValueLimits::default(),
            );
        }
    }

    #[test]
    fn members_that_stay_are_scanned_once_while_others_come_and_go() {
        let (stay, come) = if cfg!(miri) {
            (150, 300)
        } else {
            (1_000, 20_000)
        };
        let mut set = Set::default();
        add(&mut set, 0..stay);
        let mut seen: BTreeMap<Vec<u8>, u32> = BTreeMap::new();
        let mut cursor = 0;
        for round in 0.. {
            cursor = set.scan(cursor, 10, |member| {
                *seen.entry(member.to_vec()).or_default() += 1
            });
            if cursor == 0 {
                break;
            }
            assert!(cursor < 1 << 48);
            match round % 40 {
                5 => add(&mut set, stay..come),
                25 => (stay..come).for_each(|number| {
                    set.remove(format!("member:{number}").as_bytes());
                }),
                _ => {}
            }
        }
        for number in 0..stay {
            let times = seen.get(format!("member:{number}").as_bytes());
            assert_eq!(times, Some(&1), "member {number}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: if cfg!(miri) { 1 } else { 32 },
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn a_set_is_a_set_and_its_clones_stay(
            changes in vec((any::<bool>(), 0u32..2_000, 0u32..300, 0u8..20), 0..40),
        ) {
            let (mut set, mut model) = (Set::default(), std::collections::BTreeSet::new());
            let mut clones = Vec::new();
            for (adds, from, count, rare) in changes {
                for number in from..from + count {
                    let member = format!("member:{number}").into_bytes();
                    if adds {
                        set.add(&member, &ValueLimits::default());
                        model.insert(member);
                    } else {
                        set.remove(&member);
                        model.remove(&member);
                    }
                }
                if rare == 0 {
                    clones.push((set.clone(), model.clone()));
                }
            }
            clones.push((set, model));
            for (set, model) in &clones {
                let mut shown: Vec<&[u8]> = set.iter().collect();
                prop_assert!(set.at(shown.len() / 2) == shown.get(shown.len() / 2).copied());
                shown.sort_unstable();
                prop_assert!(shown.into_iter().eq(model.iter().map(Vec::as_slice)));
                prop_assert_eq!(set.len(), model.len());
            }
        }
    }
}
