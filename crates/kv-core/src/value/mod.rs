//! What a key can hold, as it is seen from outside: kinds, borrowed values, expiry.

// What effects carry, and what entries own.
mod collection;
mod elements;

// The kinds of value.
mod hash;
mod list;
mod set;
mod stream;
mod string;
mod value_limits;
mod zset;

// What they are made of.
mod dict;
mod due;
mod field;
mod packed;
mod sorted;
mod tree;

pub use collection::CollectionKind;
pub(crate) use collection::{Collection, Rest};
pub use elements::Elements;
pub use hash::{Hash, HashRef};
pub use list::{List, ListEnd};
pub use set::Set;
pub use stream::{
    Consumer, Group, Pending, Stream, StreamChange, StreamEntry, StreamId, StreamIter,
};
pub use string::{StringRef, StringValue};
pub use value_limits::ValueLimits;
pub use zset::{ZSet, ZSetIter};

use crate::UnixMillis;

/// The kind of value a key holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A string of bytes, integers included.
    String,
    /// Elements in order.
    List,
    /// Fields, each with a value.
    Hash,
    /// Members, each once.
    Set,
    /// Members, each once, in the order of their scores.
    ZSet,
    /// Entries in the order of their IDs.
    Stream,
}

impl Kind {
    /// The word that `TYPE` answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::List => "list",
            Self::Hash => "hash",
            Self::Set => "set",
            Self::ZSet => "zset",
            Self::Stream => "stream",
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// A look at what a key holds.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum ValueRef<'a> {
    /// A string.
    String(StringRef<'a>),
    /// A list.
    List(&'a List),
    /// A hash, as of some time.
    Hash(HashRef<'a>),
    /// A set.
    Set(&'a Set),
    /// A sorted set.
    ZSet(&'a ZSet),
    /// A stream.
    Stream(&'a Stream),
}

impl ValueRef<'_> {
    /// The kind of this value.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::String(_) => Kind::String,
            Self::List(_) => Kind::List,
            Self::Hash(_) => Kind::Hash,
            Self::Set(_) => Kind::Set,
            Self::ZSet(_) => Kind::ZSet,
            Self::Stream(_) => Kind::Stream,
        }
    }

    /// The same value as of `now`.
    pub(crate) fn at_time(self, now: UnixMillis) -> Self {
        match self {
            Self::Hash(hash) => Self::Hash(hash.at_time(now)),
            other => other,
        }
    }

    /// The name that `OBJECT ENCODING` has for the form of this value.
    #[must_use]
    pub fn encoding(&self) -> &'static str {
        match self {
            Self::String(string) => string.encoding(),
            Self::List(list) => list.encoding(),
            Self::Hash(hash) => hash.encoding(),
            Self::Set(set) => set.encoding(),
            Self::ZSet(zset) => zset.encoding(),
            Self::Stream(stream) => stream.encoding(),
        }
    }
}

/// Whether and when a key expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// There is no such key.
    NoKey,
    /// The key stays until it is deleted.
    Never,
    /// The key is gone from this time on.
    At(UnixMillis),
}
