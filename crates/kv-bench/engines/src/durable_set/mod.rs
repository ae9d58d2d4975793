//! P9: SET from four threads, each on disk before it returns, against embedded databases that sync every commit.
//!
//! Each engine is opened as its documentation says for that promise, with nothing else tuned.

mod fjall;
mod kv;
mod lmdb;
mod redb;
#[cfg(feature = "rocksdb")]
mod rocksdb;
mod sled;

use std::path::Path;
use std::time::Duration;

use anyhow::bail;

use crate::Figures;
use crate::engine::Engine;
use crate::threads::timed_for;

/// A database that is open.
trait DurableSet: Sync {
    /// Sets `key`; it is on disk when this returns.
    fn set(&self, key: &[u8; 16], value: &[u8]) -> anyhow::Result<()>;
}

/// Measures `engine` for `long` in a new folder below `dir`, which goes again.
pub(crate) fn measure(engine: Engine, long: Duration, dir: &Path) -> anyhow::Result<Figures> {
    let place = tempfile::tempdir_in(dir)?;
    let place = place.path();
    let database: Box<dyn DurableSet> = match engine {
        Engine::Kv => Box::new(kv::open(place)?),
        Engine::Redb => Box::new(redb::open(place)?),
        Engine::Fjall => Box::new(fjall::open(place)?),
        Engine::Lmdb => Box::new(lmdb::open(place)?),
        Engine::Sled => Box::new(sled::open(place)?),
        #[cfg(feature = "rocksdb")]
        Engine::Rocksdb => Box::new(rocksdb::open(place)?),
        other => bail!("{} is not on disk", other.name()),
    };
    let timed = timed_for(long, |key, value| database.set(key, value))?;
    Ok(Figures::from([
        ("SET/s".to_owned(), timed.per_second()),
        ("p50 us".to_owned(), timed.latency_us(50.0)),
        ("p99 us".to_owned(), timed.latency_us(99.0)),
    ]))
}
