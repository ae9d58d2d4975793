//! What several sets have in common, together, or one without the others.
//!
//! Invariant: members are never copied, only borrowed from the sets; a large set is shared, not copied, too.

use std::collections::HashSet;

use foldhash::quality::RandomState;
use kv_core::{Set, View};
use smallvec::SmallVec;

use crate::command::error::CommandError;

/// How sets are combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    /// What is in all of them.
    Intersection,
    /// What is in any of them.
    Union,
    /// What is in the first and in no other.
    Difference,
}

/// Members that were seen.
type Seen<'s> = HashSet<&'s [u8], RandomState>;

/// The sets at some keys, in their order; a missing key is an empty set.
pub(super) struct Sources(SmallVec<[Set; 4]>);

impl Sources {
    /// Looks all of `keys` up.
    ///
    /// # Errors
    ///
    /// One of them holds something else than a set.
    pub(super) fn read<'k>(
        view: &mut View<'_>,
        keys: impl Iterator<Item = &'k [u8]>,
    ) -> Result<Self, CommandError> {
        let mut sets = SmallVec::new();
        for key in keys {
            sets.push(view.set(key)?.cloned().unwrap_or_default());
        }
        Ok(Self(sets))
    }

    /// The members of what `operation` makes of the sets, each once.
    pub(super) fn members(&self, operation: Operation) -> Vec<&[u8]> {
        match operation {
            Operation::Intersection => self.intersection().collect(),
            Operation::Union => self.union(),
            Operation::Difference => self.difference(),
        }
    }

    /// What is in all sets: the members of the smallest that are in all others.
    pub(super) fn intersection(&self) -> impl Iterator<Item = &[u8]> {
        let mut sets: SmallVec<[&Set; 4]> = self.0.iter().collect();
        sets.sort_by_key(|set| set.len());
        let smallest = sets.first().copied();
        smallest
            .into_iter()
            .flat_map(Set::iter)
            .filter(move |member| sets.iter().skip(1).all(|set| set.contains(member)))
    }

    fn union(&self) -> Vec<&[u8]> {
        if let [only] = self.0.as_slice() {
            return only.iter().collect();
        }
        let mut seen = Seen::default();
        let all = self.0.iter().flat_map(Set::iter);
        all.filter(|member| seen.insert(member)).collect()
    }

    /// What is in the first set only: asks each other set for each member, or gathers what is in the others if
    /// that is less work.
    fn difference(&self) -> Vec<&[u8]> {
        let Some((first, others)) = self.0.split_first() else {
            return Vec::new();
        };
        let gathered: usize = others.iter().map(Set::len).sum();
        if gathered < first.len().saturating_mul(others.len()) {
            let seen: Seen<'_> = others.iter().flat_map(Set::iter).collect();
            first
                .iter()
                .filter(|member| !seen.contains(member))
                .collect()
        } else {
            let is_left = |member: &&[u8]| !others.iter().any(|set| set.contains(member));
            first.iter().filter(is_left).collect()
        }
    }
}
