//! This engine: a memory store with its log, synced before each call returns.

use std::path::Path;

use kv_wal::{DurableOptions, DurableStore};

use super::DurableSet;

pub(super) fn open(place: &Path) -> anyhow::Result<impl DurableSet> {
    Ok(DurableStore::open(
        place.join("kv"),
        DurableOptions::default(),
    )?)
}

impl DurableSet for DurableStore {
    fn set(&self, key: &[u8; 16], value: &[u8]) -> anyhow::Result<()> {
        Ok(kv_core::KeyValue::set(self, key, value)?)
    }
}
