//! redb: a write transaction for each SET; its commit syncs unless told otherwise.

use std::path::Path;

use ::redb::{Database, TableDefinition};

use super::DurableSet;

const TABLE: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("bench");

pub(super) fn open(place: &Path) -> anyhow::Result<impl DurableSet> {
    Ok(Database::create(place.join("redb"))?)
}

impl DurableSet for Database {
    fn set(&self, key: &[u8; 16], value: &[u8]) -> anyhow::Result<()> {
        let transaction = self.begin_write()?;
        transaction
            .open_table(TABLE)?
            .insert(key.as_slice(), value)?;
        Ok(transaction.commit()?)
    }
}
