//! The small, object-safe face that every store has: in memory, durable, or at the other end of a
//! connection.

use bytes::Bytes;

use crate::{Expiry, Kind, StoreError, UnixMillis};

/// A place in a [`KeyValue::scan`]. [`Cursor::START`] begins and, when it comes back, ends one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cursor(pub u64);

impl Cursor {
    /// Before the first key; as an answer: there are no more.
    pub const START: Self = Self(0);
}

/// A key-value store of byte strings.
///
/// Calls may come from many threads at once. An implementation must make each call atomic, must show a write
/// that returned `Ok` to every later call, must keep it as durable as the store promises, and must never show
/// a key from its expiry on.
///
/// Any bytes are a key, none included, and any bytes are a value. What an implementation must do is also
/// written as tests: `testing::conformance`, with the feature `testing`.
pub trait KeyValue: Send + Sync {
    /// The string at `key`; `None` when there is no such key.
    ///
    /// # Errors
    ///
    /// [`StoreError::WrongKind`] when the key holds something else than a string.
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, StoreError>;

    /// The strings at `keys`, all as of one moment; `None` where there is no such key or no string.
    ///
    /// # Errors
    ///
    /// Those of the store's log or connection.
    fn get_many(&self, keys: &[&[u8]]) -> Result<Vec<Option<Bytes>>, StoreError>;

    /// Puts `value` at `key`, whatever was there before, to stay until deleted.
    ///
    /// # Errors
    ///
    /// [`StoreError::KeyTooLong`], [`StoreError::ValueTooLong`], or those of the store's log or connection.
    fn set(&self, key: &[u8], value: &[u8]) -> Result<(), StoreError>;

    /// Puts `value` at `key`, to be gone from `expires` on; at once, with what was there, when that time has
    /// come already.
    ///
    /// # Errors
    ///
    /// As [`KeyValue::set`].
    fn set_until(&self, key: &[u8], value: &[u8], expires: UnixMillis) -> Result<(), StoreError>;

    /// Removes `key`; whether it was there.
    ///
    /// # Errors
    ///
    /// Those of the store's log or connection.
    fn delete(&self, key: &[u8]) -> Result<bool, StoreError>;

    /// The kind of value at `key`; `None` when there is no such key.
    ///
    /// # Errors
    ///
    /// Those of the store's log or connection.
    fn kind(&self, key: &[u8]) -> Result<Option<Kind>, StoreError>;

    /// Changes when `key` expires, `None` for never; whether the key was there. A time that has come already
    /// removes the key.
    ///
    /// # Errors
    ///
    /// Those of the store's log or connection.
    fn expire(&self, key: &[u8], expires: Option<UnixMillis>) -> Result<bool, StoreError>;

    /// Whether and when `key` expires.
    ///
    /// # Errors
    ///
    /// Those of the store's log or connection.
    fn expiry(&self, key: &[u8]) -> Result<Expiry, StoreError>;

    /// How many keys there are; may count keys that have expired and whose memory is not yet given back.
    ///
    /// # Errors
    ///
    /// Those of the store's log or connection.
    fn len(&self) -> Result<u64, StoreError>;

    /// Whether there are no keys.
    ///
    /// # Errors
    ///
    /// As [`KeyValue::len`].
    fn is_empty(&self) -> Result<bool, StoreError> {
        Ok(self.len()? == 0)
    }

    /// About `count` keys from `cursor` on, and where to go on; [`Cursor::START`] when there are no more.
    ///
    /// An implementation must give every key that is there from the first call to the last at least once;
    /// keys that come or go meanwhile may or may not be given. A cursor must survive whatever happens between
    /// two calls, and one that was never given must do no harm.
    ///
    /// # Errors
    ///
    /// Those of the store's log or connection.
    fn scan(&self, cursor: Cursor, count: usize) -> Result<(Cursor, Vec<Bytes>), StoreError>;

    /// Removes every key.
    ///
    /// # Errors
    ///
    /// Those of the store's log or connection.
    fn clear(&self) -> Result<(), StoreError>;
}
