//! What an entry owns when its value is not a string.

use super::list::CutOff;
use super::stream::StreamRest;
use super::{Elements, Hash, Kind, List, ListEnd, Set, Stream, ValueLimits, ValueRef, ZSet};
use crate::UnixMillis;

/// The kinds of value that have elements and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CollectionKind {
    /// Elements in order.
    List,
    /// Fields, each with a value.
    Hash,
    /// Members, each once.
    Set,
    /// Members, each once, in the order of their scores.
    ZSet,
}

/// A collection as an entry owns it.
#[derive(Clone, Debug)]
pub(crate) enum Collection {
    List(List),
    Hash(Hash),
    Set(Set),
    ZSet(ZSet),
    Stream(Box<Stream>),
}

/// What was cut off a collection, to be dropped when there is time.
#[derive(Debug)]
pub(crate) enum Rest {
    List(CutOff),
    Stream(StreamRest),
}

impl Rest {
    /// Bytes of heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        match self {
            Self::List(elements) => elements.heap_bytes(),
            Self::Stream(rest) => rest.heap_bytes(),
        }
    }
}

impl Default for Collection {
    fn default() -> Self {
        Self::List(List::default())
    }
}

impl Collection {
    /// One of this kind without elements.
    pub(crate) fn empty(kind: CollectionKind) -> Self {
        match kind {
            CollectionKind::List => Self::List(List::default()),
            CollectionKind::Hash => Self::Hash(Hash::default()),
            CollectionKind::Set => Self::Set(Set::default()),
            CollectionKind::ZSet => Self::ZSet(ZSet::default()),
        }
    }

    /// Adds elements: at the back of a list; of a hash, each field is followed by its value; of a sorted set,
    /// each member by its score. A stream takes none: its entries come by [`Stream::apply`].
    pub(crate) fn extend(&mut self, elements: Elements<'_>, limits: &ValueLimits) {
        match self {
            Self::List(list) => elements
                .iter()
                .for_each(|element| list.push(ListEnd::Back, element, limits)),
            Self::Hash(hash) => elements
                .pairs()
                .for_each(|(field, value)| hash.set(field, value, limits)),
            Self::Set(set) => elements.iter().for_each(|member| set.add(member, limits)),
            Self::ZSet(zset) => elements
                .scored()
                .for_each(|(score, member)| zset.set(member, score, limits)),
            Self::Stream(_) => unreachable!("no elements of this kind"),
        }
    }

    /// A look at all of it, expired fields of a hash included.
    pub(crate) fn look(&self) -> ValueRef<'_> {
        match self {
            Self::List(list) => ValueRef::List(list),
            Self::Hash(hash) => ValueRef::Hash(hash.with_expired()),
            Self::Set(set) => ValueRef::Set(set),
            Self::ZSet(zset) => ValueRef::ZSet(zset),
            Self::Stream(stream) => ValueRef::Stream(stream),
        }
    }

    pub(crate) fn kind(&self) -> Kind {
        self.look().kind()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.is_empty_by(UnixMillis(i64::MIN))
    }

    /// Whether everything in it has expired by `now`. A stream without entries is there nevertheless.
    pub(crate) fn is_empty_by(&self, now: UnixMillis) -> bool {
        match self {
            Self::List(list) => list.is_empty(),
            Self::Hash(hash) => hash.total_len() == hash.due_len(now),
            Self::Set(set) => set.is_empty(),
            Self::ZSet(zset) => zset.is_empty(),
            Self::Stream(_) => false,
        }
    }

    /// The first time at which a part of it expires.
    pub(crate) fn first_due(&self) -> Option<UnixMillis> {
        match self {
            Self::Hash(hash) => hash.first_due(),
            _ => None,
        }
    }

    /// Whether it is in one allocation; a clone of another one shares its elements.
    pub(crate) fn is_packed(&self) -> bool {
        match self {
            Self::List(list) => list.is_packed(),
            Self::Hash(hash) => hash.is_packed(),
            Self::Set(set) => set.is_packed(),
            Self::ZSet(zset) => zset.is_packed(),
            Self::Stream(_) => false,
        }
    }

    /// Bytes of heap, known without a walk.
    pub(crate) fn heap_bytes(&self) -> usize {
        match self {
            Self::List(list) => list.heap_bytes(),
            Self::Hash(hash) => hash.heap_bytes(),
            Self::Set(set) => set.heap_bytes(),
            Self::ZSet(zset) => zset.heap_bytes(),
            Self::Stream(stream) => stream.heap_bytes(),
        }
    }
}
