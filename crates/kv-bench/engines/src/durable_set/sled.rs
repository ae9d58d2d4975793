//! sled: an insert, then a flush.

use std::path::Path;

use ::sled::Db;

use super::DurableSet;

pub(super) fn open(place: &Path) -> anyhow::Result<impl DurableSet> {
    Ok(::sled::open(place.join("sled"))?)
}

impl DurableSet for Db {
    fn set(&self, key: &[u8; 16], value: &[u8]) -> anyhow::Result<()> {
        self.insert(key, value)?;
        self.flush()?;
        Ok(())
    }
}
