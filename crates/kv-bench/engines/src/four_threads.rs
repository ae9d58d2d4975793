//! P12: the table of the Python database that this project began as: SET and GET from four threads in one process,
//! with fsync (`always`) and without (`no`: written to the log, not flushed), each operation timed.

use std::path::Path;

use anyhow::{bail, ensure};
use kv_core::KeyValue as _;
use kv_wal::{Durability, DurableOptions, DurableStore};

use crate::Figures;
use crate::engine::Engine;
use crate::threads::{Timed, timed_times};

/// Measures `operations` of each kind in a new folder below `dir`, which goes again.
pub(crate) fn measure(engine: Engine, operations: u64, dir: &Path) -> anyhow::Result<Figures> {
    if engine != Engine::Kv {
        bail!("{} is not in this table", engine.name());
    }
    let mut figures = Figures::new();
    for (promise, durability) in [
        ("with fsync", Durability::Always),
        ("without fsync", Durability::No),
    ] {
        let place = tempfile::tempdir_in(dir)?;
        let options = DurableOptions {
            durability,
            ..DurableOptions::default()
        };
        let store = DurableStore::open(place.path().join("kv"), options)?;
        let set = timed_times(operations, |key, value| Ok(store.set(key, value)?))?;
        add(&mut figures, "SET", promise, &set);
        let get = timed_times(operations, |key, _| {
            ensure!(store.get(key)?.is_some(), "a key that was set is gone");
            Ok(())
        })?;
        add(&mut figures, "GET", promise, &get);
    }
    Ok(figures)
}

fn add(figures: &mut Figures, operation: &str, promise: &str, timed: &Timed) {
    figures.insert(format!("{operation}/s {promise}"), timed.per_second());
    figures.insert(
        format!("{operation} average us {promise}"),
        timed.average_us(),
    );
    figures.insert(
        format!("{operation} p95 us {promise}"),
        timed.latency_us(95.0),
    );
}
