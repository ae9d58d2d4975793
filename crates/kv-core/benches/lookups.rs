//! The table: reads, writes and batches of both, of few keys that the caches hold and of many that they do not.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kv_core::{KeyValue, MemoryOptions, MemoryStore};

/// How many keys a batch has.
const BATCH: usize = 16;

const VALUE: [u8; 64] = [b'v'; 64];

/// The key with this number, as 16 bytes.
fn key(number: u64) -> [u8; 16] {
    let mut key = *b"key:000000000000";
    let mut rest = number;
    for digit in key[4..].iter_mut().rev() {
        *digit = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
    }
    key
}

/// Numbers below `count` without order, the same in each run.
fn scattered(count: u64) -> impl FnMut() -> u64 {
    let mut state = 1_u64;
    move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % count
    }
}

fn filled(keys: u64) -> MemoryStore {
    let store = MemoryStore::new(MemoryOptions::default());
    for number in 0..keys {
        store.set(&key(number), &VALUE).expect("a set in memory");
    }
    store
}

fn lookups(criterion: &mut Criterion) {
    for keys in [10_000, 1_000_000] {
        let store = filled(keys);
        let mut next = scattered(keys);
        let mut group = criterion.benchmark_group(format!("{keys} keys"));
        group.throughput(Throughput::Elements(1));
        group.bench_function("get", |bencher| bencher.iter(|| store.get(&key(next()))));
        group.bench_function("get nothing", |bencher| {
            bencher.iter(|| store.get(&key(keys + next())));
        });
        group.bench_function("set", |bencher| {
            bencher.iter(|| store.set(&key(next()), black_box(&VALUE)));
        });
        group.bench_function("set and delete", |bencher| {
            bencher.iter(|| {
                let name = key(keys + next());
                (store.set(&name, &VALUE), store.delete(&name))
            });
        });
        group.throughput(Throughput::Elements(BATCH as u64));
        group.bench_function("get_many of 16", |bencher| {
            bencher.iter(|| {
                let names: [_; BATCH] = std::array::from_fn(|_| key(next()));
                store.get_many(&names.each_ref().map(<[u8; 16]>::as_slice))
            });
        });
        group.finish();
    }
}

criterion_group!(benches, lookups);
criterion_main!(benches);
