//! Every way in which data can change: the only vocabulary of the log.
//!
//! Invariant: an effect is absolute. Times are points in time, results of chance are results, expiry is
//! an explicit delete; applying an effect needs no clock and no luck.
//! Invariant: the order of variants here never reaches disk; `kv-wal` gives each an explicit number.

use crate::{Db, StringValue, UnixMillis};

/// One change to one database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect<'a> {
    /// The key now holds this string; what it held before, and its expiry, are gone.
    SetString {
        /// The database.
        db: Db,
        /// The key.
        key: &'a [u8],
        /// The whole new value.
        value: StringValue<'a>,
        /// When the key expires; `None`: never.
        expires: Option<UnixMillis>,
    },
    /// The string at the key grew by `suffix` at its end; its expiry stays. A missing key counts as an
    /// empty string without expiry.
    AppendString {
        /// The database.
        db: Db,
        /// The key.
        key: &'a [u8],
        /// The bytes that were added.
        suffix: &'a [u8],
    },
    /// The key's expiry changed; its value stays.
    SetExpiry {
        /// The database.
        db: Db,
        /// The key.
        key: &'a [u8],
        /// When the key expires now; `None`: never.
        expires: Option<UnixMillis>,
    },
    /// The key is gone, whatever it held: deleted, expired or evicted.
    Delete {
        /// The database.
        db: Db,
        /// The key.
        key: &'a [u8],
    },
    /// Every key of one database is gone.
    FlushDb {
        /// The database.
        db: Db,
    },
    /// Every key of every database is gone.
    FlushAll,
}

impl<'a> Effect<'a> {
    /// The database and key that this effect touches; `None` for those that touch whole databases.
    #[must_use]
    pub fn key(&self) -> Option<(Db, &'a [u8])> {
        match *self {
            Self::SetString { db, key, .. }
            | Self::AppendString { db, key, .. }
            | Self::SetExpiry { db, key, .. }
            | Self::Delete { db, key } => Some((db, key)),
            Self::FlushDb { .. } | Self::FlushAll => None,
        }
    }
}
