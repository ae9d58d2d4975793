//! RocksDB: a put whose write-ahead log is synced.

use std::path::Path;

use ::rocksdb::{DB, Options, WriteOptions};

use super::DurableSet;

pub(super) fn open(place: &Path) -> anyhow::Result<impl DurableSet> {
    let mut options = Options::default();
    options.create_if_missing(true);
    Ok(DB::open(&options, place.join("rocksdb"))?)
}

impl DurableSet for DB {
    fn set(&self, key: &[u8; 16], value: &[u8]) -> anyhow::Result<()> {
        let mut options = WriteOptions::default();
        options.set_sync(true);
        Ok(self.put_opt(key, value, &options)?)
    }
}
