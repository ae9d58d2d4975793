//! What can go wrong with a call on a store.

use crate::Kind;

/// Why a store could not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The key holds another kind of value than the operation works on. Nothing was changed.
    #[error("the key holds a {found}, not a {expected}")]
    WrongKind {
        /// What the operation works on.
        expected: Kind,
        /// What the key holds.
        found: Kind,
    },
    /// The key is longer than [`limits::KEY_BYTES_MAX`](crate::limits::KEY_BYTES_MAX). Nothing was changed.
    #[error("key of {length} bytes is longer than the limit of {limit}")]
    KeyTooLong {
        /// Bytes given.
        length: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// The value is longer than [`limits::STRING_BYTES_MAX`](crate::limits::STRING_BYTES_MAX). Nothing was
    /// changed.
    #[error("value of {length} bytes is longer than the limit of {limit}")]
    ValueTooLong {
        /// Bytes given.
        length: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// The log failed: whether the write will be there after a restart is unknown, and no further write is
    /// accepted by this handle.
    #[error("log sync failed, outcome unknown")]
    LogFailed,
    /// No room on disk: nothing was changed; writes work again when there is room.
    #[error("disk full, write refused before it changed anything")]
    DiskFull,
    /// The log has fallen behind: nothing was changed; try again when it has caught up.
    #[error("log has fallen behind, write refused before it changed anything")]
    LogBehind,
    /// The transaction is larger than the log takes as one unit: nothing was changed.
    #[error("transaction larger than the log takes as one, refused before it changed anything")]
    TransactionTooLarge,
    /// A store at the other end of a connection could not be reached or answered with an error.
    #[error("remote store: {0}")]
    Remote(String),
}
