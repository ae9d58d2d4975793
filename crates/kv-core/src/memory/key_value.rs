//! [`KeyValue`] on a [`MemoryStore`]: each call is one transaction on the first database.

use bytes::Bytes;

use super::MemoryStore;
use crate::{
    Cursor, Db, Expiry, KeySet, KeyValue, Kind, Store, StoreError, StringValue, UnixMillis, limits,
};

impl MemoryStore {
    fn put(&self, key: &[u8], value: &[u8], expires: Option<UnixMillis>) -> Result<(), StoreError> {
        limits::check_key(key)?;
        limits::check_string(value.len())?;
        self.write_with(self.here(), KeySet::One(key), |txn| {
            txn.set_string(key, StringValue::new(value), expires);
        })?;
        Ok(())
    }
}

impl KeyValue for MemoryStore {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        self.get_string(key).0
    }

    fn get_many(&self, keys: &[&[u8]]) -> Result<Vec<Option<Bytes>>, StoreError> {
        Ok(self.get_strings(keys).0)
    }

    fn set(&self, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        self.put(key, value, None)
    }

    fn set_until(&self, key: &[u8], value: &[u8], expires: UnixMillis) -> Result<(), StoreError> {
        self.put(key, value, Some(expires))
    }

    fn delete(&self, key: &[u8]) -> Result<bool, StoreError> {
        Ok(self
            .write_with(self.here(), KeySet::One(key), |txn| txn.delete(key))?
            .0)
    }

    fn kind(&self, key: &[u8]) -> Result<Option<Kind>, StoreError> {
        Ok(self
            .read_with(self.here(), KeySet::One(key), |view| view.kind(key))
            .0)
    }

    fn expire(&self, key: &[u8], expires: Option<UnixMillis>) -> Result<bool, StoreError> {
        let (there, _) = self.write_with(self.here(), KeySet::One(key), |txn| {
            let there = txn.exists(key);
            txn.set_expiry(key, expires);
            there
        })?;
        Ok(there)
    }

    fn expiry(&self, key: &[u8]) -> Result<Expiry, StoreError> {
        Ok(self
            .read_with(self.here(), KeySet::One(key), |view| view.expiry(key))
            .0)
    }

    fn len(&self) -> Result<u64, StoreError> {
        Ok(Store::len(self, Db::FIRST))
    }

    fn scan(&self, cursor: Cursor, count: usize) -> Result<(Cursor, Vec<Bytes>), StoreError> {
        let mut keys = Vec::new();
        let next = self.scan_at(self.here(), cursor, count, &mut |item| {
            keys.push(Bytes::copy_from_slice(item.key));
        });
        Ok((next, keys))
    }

    fn clear(&self) -> Result<(), StoreError> {
        self.write_with(self.here(), KeySet::All, |txn| txn.flush_db())?;
        Ok(())
    }
}
