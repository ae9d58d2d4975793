//! What an entry owns when its value is not a string.

use super::{Elements, Hash, Kind, List, ListEnd, Set, ValueRef};

/// The kinds of value that have elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CollectionKind {
    /// Elements in order.
    List,
    /// Fields, each with a value.
    Hash,
    /// Members, each once.
    Set,
}

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
    /// The collection of these elements; of a hash, each field is followed by its value.
    pub(crate) fn new(kind: CollectionKind, elements: Elements<'_>) -> Self {
        match kind {
            CollectionKind::List => {
                let mut list = List::default();
                elements
                    .iter()
                    .for_each(|element| list.push(ListEnd::Back, element));
                Self::List(list)
            }
            CollectionKind::Hash => {
                let mut hash = Hash::default();
                elements
                    .pairs()
                    .for_each(|(field, value)| hash.set(field, value));
                Self::Hash(hash)
            }
            CollectionKind::Set => {
                let mut set = Set::default();
                elements.iter().for_each(|member| set.add(member));
                Self::Set(set)
            }
        }
    }

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
