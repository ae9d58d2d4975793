//! What an entry owns when its value is not a string.

use super::{Hash, Kind, List, Set, ValueRef};

/// A collection as an entry owns it.
#[derive(Clone, Debug)]
pub(crate) enum Collection {
    List(List),
    Hash(Hash),
    Set(Set),
}

impl Default for Collection {
    fn default() -> Self {
        Self::List(List::default())
    }
}

impl Collection {
    pub(crate) fn look(&self) -> ValueRef<'_> {
        match self {
            Self::List(list) => ValueRef::List(list),
            Self::Hash(hash) => ValueRef::Hash(hash),
            Self::Set(set) => ValueRef::Set(set),
        }
    }

    pub(crate) fn kind(&self) -> Kind {
        self.look().kind()
    }

    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::List(list) => list.is_empty(),
            Self::Hash(hash) => hash.is_empty(),
            Self::Set(set) => set.is_empty(),
        }
    }

    /// Whether dropping it costs more than giving two allocations back.
    pub(crate) fn is_heavy(&self) -> bool {
        !match self {
            Self::List(list) => list.is_packed(),
            Self::Hash(hash) => hash.is_packed(),
            Self::Set(set) => set.is_packed(),
        }
    }

    /// Bytes of heap, known without a walk.
    pub(crate) fn heap_bytes(&self) -> usize {
        match self {
            Self::List(list) => list.heap_bytes(),
            Self::Hash(hash) => hash.heap_bytes(),
            Self::Set(set) => set.heap_bytes(),
        }
    }
}
