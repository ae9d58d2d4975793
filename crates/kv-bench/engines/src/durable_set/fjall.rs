//! fjall: an insert, then a sync of its journal.

use std::path::Path;

use ::fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};

use super::DurableSet;

struct Fjall {
    database: Database,
    keyspace: Keyspace,
}

pub(super) fn open(place: &Path) -> anyhow::Result<impl DurableSet> {
    let database = Database::builder(place.join("fjall")).open()?;
    let keyspace = database.keyspace("bench", KeyspaceCreateOptions::default)?;
    Ok(Fjall { database, keyspace })
}

impl DurableSet for Fjall {
    fn set(&self, key: &[u8; 16], value: &[u8]) -> anyhow::Result<()> {
        self.keyspace.insert(key, value)?;
        Ok(self.database.persist(PersistMode::SyncData)?)
    }
}
