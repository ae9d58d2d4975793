//! LMDB through heed: a write transaction for each SET; its commit syncs.
//!
//! heed marks its call that opens an environment as one whose conditions the compiler cannot check: this file is
//! excused from the rule that such code stands in kv-core only.

use std::path::Path;

use heed::types::Bytes;
use heed::{Database, Env, EnvOpenOptions};

use super::DurableSet;

/// The most that the database may hold, in bytes: address space, not memory.
const MAP_BYTES: usize = 4 << 30;

struct Lmdb {
    env: Env,
    database: Database<Bytes, Bytes>,
}

pub(super) fn open(place: &Path) -> anyhow::Result<impl DurableSet> {
    let mut options = EnvOpenOptions::new();
    options.map_size(MAP_BYTES);
    // SAFETY: the folder is new and nobody else knows it, so no other process changes the mapped file.
    let env = unsafe { options.open(place)? };
    let mut transaction = env.write_txn()?;
    let database = env.create_database(&mut transaction, None)?;
    transaction.commit()?;
    Ok(Lmdb { env, database })
}

impl DurableSet for Lmdb {
    fn set(&self, key: &[u8; 16], value: &[u8]) -> anyhow::Result<()> {
        let mut transaction = self.env.write_txn()?;
        self.database.put(&mut transaction, key, value)?;
        Ok(transaction.commit()?)
    }
}
