//! What a key can hold, as it is seen from outside: kinds, borrowed values, expiry.

mod string;

pub use string::{StringRef, StringValue};

use crate::UnixMillis;

/// The kind of value a key holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A string of bytes, integers included.
    String,
}

impl Kind {
    /// The word that `TYPE` answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::String => "string",
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
}

impl ValueRef<'_> {
    /// The kind of this value.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::String(_) => Kind::String,
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
