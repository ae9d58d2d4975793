//! P12: the table of the Python database that this project began as: SET, GET and DEL from four threads in
//! one process, with fsync (`always`) and without (`no`: written to the log, not flushed). Aim: 20 times
//! its figures in every cell.

#[path = "parts/keys.rs"]
mod keys;
#[path = "parts/numbers.rs"]
mod numbers;
#[path = "parts/threads.rs"]
mod threads;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use keys::{VALUE, key};
use kv_core::KeyValue;
use kv_wal::{Durability, DurableOptions, DurableStore};
use numbers::Numbers;
use threads::timed_on_threads;

/// How many keys SET and GET work on.
const KEYS: u64 = 100_000;

fn four_threads(criterion: &mut Criterion) {
    for (name, durability) in [
        ("with fsync", Durability::Always),
        ("without fsync", Durability::No),
    ] {
        let place =
            tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory under target/");
        let options = DurableOptions {
            durability,
            ..DurableOptions::default()
        };
        let store = DurableStore::open(place.path(), options).expect("a new store");
        cells(criterion, name, &store);
    }
}

fn cells(criterion: &mut Criterion, name: &str, store: &DurableStore) {
    let mut group = criterion.benchmark_group(format!("P12 4 threads, {name}"));
    group.throughput(Throughput::Elements(1));
    group.sample_size(20);
    group.bench_function("SET", |bencher| {
        bencher.iter_custom(|times| {
            timed_on_threads(times, |number| {
                store.set(&key(number % KEYS), &VALUE).expect("a set");
            })
        });
    });
    fill(store, KEYS);
    group.bench_function("GET", |bencher| {
        bencher.iter_custom(|times| {
            timed_on_threads(times, |number| {
                let number = Numbers::new(number).below(KEYS);
                let found = store.get(&key(number)).expect("a get");
                assert!(found.is_some(), "a key that was set is gone");
            })
        });
    });
    group.bench_function("DEL", |bencher| {
        bencher.iter_custom(|times| {
            fill(store, times);
            timed_on_threads(times, |number| {
                let there = store.delete(&key(number)).expect("a delete");
                assert!(there, "a key that was set is gone");
            })
        });
    });
    group.finish();
}

/// Sets the keys below `count`; waits for the log only once, with the last.
fn fill(store: &DurableStore, count: u64) {
    for number in 0..count {
        store
            .memory()
            .set(&key(number), &VALUE)
            .expect("a set in memory");
    }
    store.set(&key(0), &VALUE).expect("a durable set");
}

criterion_group!(benches, four_threads);
criterion_main!(benches);
