//! The model: what effects and calls mean, said as plainly as possible.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::log::value_bytes;
use crate::{
    Clock, Cursor, Db, Effect, Expiry, KeyValue, Kind, Store, StoreError, StringRef, UnixMillis,
    ValueRef,
};

/// What a key holds, and when it expires.
type Held = (Vec<u8>, Option<UnixMillis>);

/// Databases as one ordered map.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Model(BTreeMap<(Db, Vec<u8>), Held>);

impl Model {
    /// Everything that `store` holds, expired keys included.
    ///
    /// # Panics
    ///
    /// When the store shows a key twice, or an integer as bytes.
    #[must_use]
    pub fn of(store: &dyn Store) -> Self {
        let mut entries = BTreeMap::new();
        store.for_each(&mut |item| {
            let ValueRef::String(string) = item.value;
            if let StringRef::Bytes(bytes) = string {
                assert_eq!(string.to_value(), crate::StringValue::Bytes(bytes));
            }
            let value = string.to_bytes().to_vec();
            let before = entries.insert((item.db, item.key.to_vec()), (value, item.expires));
            assert_eq!(before, None, "key {:?} was shown twice", item.key);
        });
        Self(entries)
    }

    /// How many keys `db` has, expired ones included.
    #[must_use]
    pub fn len(&self, db: Db) -> u64 {
        self.0.keys().filter(|(of, _)| *of == db).count() as u64
    }

    /// Does what `effect` says.
    pub fn apply(&mut self, effect: &Effect<'_>) {
        match *effect {
            Effect::SetString {
                db,
                key,
                value,
                expires,
            } => {
                let value = value_bytes(value, &mut itoa::Buffer::new()).to_vec();
                self.0.insert((db, key.to_vec()), (value, expires));
            }
            Effect::AppendString { db, key, suffix } => {
                let (value, _) = self.0.entry((db, key.to_vec())).or_default();
                value.extend_from_slice(suffix);
            }
            Effect::SetExpiry { db, key, expires } => {
                if let Some(held) = self.0.get_mut(&(db, key.to_vec())) {
                    held.1 = expires;
                }
            }
            Effect::Delete { db, key } => {
                self.0.remove(&(db, key.to_vec()));
            }
            Effect::FlushDb { db } => self.0.retain(|(of, _), _| *of != db),
            Effect::FlushAll => self.0.clear(),
        }
    }

    /// Forgets what has expired by `now`.
    pub fn expire(&mut self, now: UnixMillis) {
        self.0
            .retain(|_, (_, expires)| expires.is_none_or(|expires| expires > now));
    }
}

/// The model as a [`KeyValue`] store of the first database.
pub struct ModelStore {
    model: Mutex<Model>,
    clock: Arc<dyn Clock>,
}

impl ModelStore {
    /// An empty one.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            model: Mutex::default(),
            clock,
        }
    }

    fn model(&self) -> MutexGuard<'_, Model> {
        let mut model = self.model.lock().unwrap_or_else(PoisonError::into_inner);
        model.expire(self.clock.now());
        model
    }

    fn held(&self, key: &[u8]) -> Option<Held> {
        self.model().0.get(&(Db::FIRST, key.to_vec())).cloned()
    }
}

impl KeyValue for ModelStore {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        Ok(self.held(key).map(|(value, _)| value.into()))
    }

    fn get_many(&self, keys: &[&[u8]]) -> Result<Vec<Option<Bytes>>, StoreError> {
        keys.iter().map(|key| self.get(key)).collect()
    }

    fn set(&self, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        let held = (value.to_vec(), None);
        self.model().0.insert((Db::FIRST, key.to_vec()), held);
        Ok(())
    }

    fn set_until(&self, key: &[u8], value: &[u8], expires: UnixMillis) -> Result<(), StoreError> {
        let held = (value.to_vec(), Some(expires));
        self.model().0.insert((Db::FIRST, key.to_vec()), held);
        Ok(())
    }

    fn delete(&self, key: &[u8]) -> Result<bool, StoreError> {
        let key = (Db::FIRST, key.to_vec());
        Ok(self.model().0.remove(&key).is_some())
    }

    fn kind(&self, key: &[u8]) -> Result<Option<Kind>, StoreError> {
        Ok(self.held(key).map(|_| Kind::String))
    }

    fn expire(&self, key: &[u8], expires: Option<UnixMillis>) -> Result<bool, StoreError> {
        let mut model = self.model();
        let held = model.0.get_mut(&(Db::FIRST, key.to_vec()));
        let there = held.map(|held| held.1 = expires);
        Ok(there.is_some())
    }

    fn expiry(&self, key: &[u8]) -> Result<Expiry, StoreError> {
        Ok(match self.held(key) {
            None => Expiry::NoKey,
            Some((_, None)) => Expiry::Never,
            Some((_, Some(expires))) => Expiry::At(expires),
        })
    }

    fn len(&self) -> Result<u64, StoreError> {
        Ok(self.model().len(Db::FIRST))
    }

    fn scan(&self, _cursor: Cursor, _count: usize) -> Result<(Cursor, Vec<Bytes>), StoreError> {
        let model = self.model();
        let keys = model.0.keys().filter(|(db, _)| *db == Db::FIRST);
        let keys = keys.map(|(_, key)| Bytes::copy_from_slice(key));
        Ok((Cursor::START, keys.collect()))
    }

    fn clear(&self) -> Result<(), StoreError> {
        self.model().apply(&Effect::FlushDb { db: Db::FIRST });
        Ok(())
    }
}
