//! Two stores as one: each call runs on both, and a difference panics.

use std::collections::BTreeSet;

use bytes::Bytes;

use crate::{Cursor, Expiry, KeyValue, Kind, StoreError, UnixMillis};

/// A store and its mirror image. For one thread at a time: two threads' calls may reach the two stores in
/// different orders.
pub struct Mirror<A, B> {
    /// The store whose answers are passed on.
    pub first: A,
    /// The store that must answer the same.
    pub second: B,
}

impl<A: KeyValue, B: KeyValue> Mirror<A, B> {
    fn both<R: PartialEq + std::fmt::Debug>(
        &self,
        call: impl Fn(&dyn KeyValue) -> Result<R, StoreError>,
    ) -> Result<R, StoreError> {
        let (first, second) = (call(&self.first), call(&self.second));
        assert_eq!(first, second, "the stores differ");
        first
    }

    /// Compares the keys of both stores.
    ///
    /// # Errors
    ///
    /// Those of the first store.
    ///
    /// # Panics
    ///
    /// When they differ.
    pub fn check(&self) -> Result<(), StoreError> {
        let first = all_keys(&self.first)?;
        let second = all_keys(&self.second)?;
        assert_eq!(first, second, "the stores have different keys");
        Ok(())
    }
}

/// The keys that a whole scan gives.
///
/// # Errors
///
/// Those of the store.
pub fn all_keys(store: &dyn KeyValue) -> Result<BTreeSet<Bytes>, StoreError> {
    let mut all = BTreeSet::new();
    let mut cursor = Cursor::START;
    loop {
        let (next, keys) = store.scan(cursor, 7)?;
        all.extend(keys);
        if next == Cursor::START {
            return Ok(all);
        }
        cursor = next;
    }
}

impl<A: KeyValue, B: KeyValue> KeyValue for Mirror<A, B> {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        self.both(|store| store.get(key))
    }

    fn get_many(&self, keys: &[&[u8]]) -> Result<Vec<Option<Bytes>>, StoreError> {
        self.both(|store| store.get_many(keys))
    }

    fn set(&self, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        self.both(|store| store.set(key, value))
    }

    fn set_until(&self, key: &[u8], value: &[u8], expires: UnixMillis) -> Result<(), StoreError> {
        self.both(|store| store.set_until(key, value, expires))
    }

    fn delete(&self, key: &[u8]) -> Result<bool, StoreError> {
        self.both(|store| store.delete(key))
    }

    fn kind(&self, key: &[u8]) -> Result<Option<Kind>, StoreError> {
        self.both(|store| store.kind(key))
    }

    fn expire(&self, key: &[u8], expires: Option<UnixMillis>) -> Result<bool, StoreError> {
        self.both(|store| store.expire(key, expires))
    }

    fn expiry(&self, key: &[u8]) -> Result<Expiry, StoreError> {
        self.both(|store| store.expiry(key))
    }

    /// That of the first store: how many expired keys are still counted is each store's own affair.
    fn len(&self) -> Result<u64, StoreError> {
        self.first.len()
    }

    /// That of the first store: the order of keys is each store's own affair. See [`Mirror::check`].
    fn scan(&self, cursor: Cursor, count: usize) -> Result<(Cursor, Vec<Bytes>), StoreError> {
        self.first.scan(cursor, count)
    }

    fn clear(&self) -> Result<(), StoreError> {
        self.both(|store| store.clear())
    }
}
