//! P9: SET from four threads, on disk before each call returns, against embedded databases that sync every
//! commit. Aim: three times the best of them.
//!
//! The data is in a directory under `target/`, not in `/tmp`, which may be memory.

#[path = "parts/keys.rs"]
mod keys;
#[path = "parts/threads.rs"]
mod threads;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use fjall::{KeyspaceCreateOptions, PersistMode};
use keys::{VALUE, key};
use kv_core::KeyValue;
use kv_wal::{DurableOptions, DurableStore};
use redb::{Database, TableDefinition};
use tempfile::TempDir;
use threads::timed_on_threads;

const TABLE: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("bench");

fn dir() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory under target/")
}

fn durable_set(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("P9 durable set, 4 threads");
    group.throughput(Throughput::Elements(1));
    group.sample_size(20);

    let place = dir();
    let store = DurableStore::open(place.path().join("kv"), DurableOptions::default())
        .expect("a new store");
    group.bench_function("kv-wal", |bencher| {
        bencher.iter_custom(|times| {
            timed_on_threads(times, |number| {
                store.set(&key(number), &VALUE).expect("a durable set");
            })
        });
    });

    let database = Database::create(place.path().join("redb")).expect("a new redb");
    group.bench_function("redb", |bencher| {
        bencher.iter_custom(|times| timed_on_threads(times, |number| redb_set(&database, number)));
    });

    let database = fjall::Database::builder(place.path().join("fjall"))
        .open()
        .expect("a new fjall");
    let keyspace = database
        .keyspace("bench", KeyspaceCreateOptions::default)
        .expect("a new keyspace");
    group.bench_function("fjall", |bencher| {
        bencher.iter_custom(|times| {
            timed_on_threads(times, |number| {
                keyspace.insert(key(number), VALUE).expect("an insert");
                database.persist(PersistMode::SyncData).expect("a sync");
            })
        });
    });
    group.finish();
}

/// One transaction with one insert; redb's commit is durable unless told otherwise.
fn redb_set(database: &Database, number: u64) {
    let commit = || -> Result<(), redb::Error> {
        let transaction = database.begin_write()?;
        transaction
            .open_table(TABLE)?
            .insert(key(number).as_slice(), VALUE.as_slice())?;
        transaction.commit()?;
        Ok(())
    };
    commit().expect("a commit");
}

criterion_group!(benches, durable_set);
criterion_main!(benches);
