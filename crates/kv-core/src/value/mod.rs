//! What a key can hold, as it is seen from outside: kinds, borrowed values, expiry.

mod collection;
mod elements;
mod hash;
mod list;
mod packed;
mod set;
mod string;

pub(crate) use collection::Collection;
pub use collection::CollectionKind;
pub use elements::Elements;
pub use hash::Hash;
pub use list::{List, ListEnd};
pub use set::Set;
pub use string::{StringRef, StringValue};

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
    /// A hash.
    Hash(&'a Hash),
    /// A set.
    Set(&'a Set),
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
        }
    }

    /// The word that `OBJECT ENCODING` answers.
    #[must_use]
    pub fn encoding(&self) -> &'static str {
        match self {
            Self::String(string) => string.encoding(),
            Self::List(list) if list.is_packed() => "listpack",
            Self::List(_) => "quicklist",
            Self::Hash(hash) if hash.is_packed() => "listpack",
            Self::Set(set) if set.is_packed() => "listpack",
            Self::Hash(_) | Self::Set(_) => "hashtable",
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
