//! P8: random lookups in memory, one thread, against concurrent maps. Aims: `get` at 1 M keys 1.5 times
//! as fast as dashmap and papaya, `get_many` of 16 three times.
//!
//! Making the key is part of every figure, for all engines alike. A map gives out a `Bytes`, as `get` does.

#[path = "parts/keys.rs"]
mod keys;
#[path = "parts/numbers.rs"]
mod numbers;

use std::hint::black_box;

use bytes::Bytes;
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use dashmap::DashMap;
use keys::{VALUE, key};
use kv_core::{KeyValue, MemoryOptions, MemoryStore};
use numbers::Numbers;

/// How many keys are looked up together.
const BATCH: usize = 16;

fn lookups(criterion: &mut Criterion) {
    for keys in [40_000, 1_000_000] {
        let mut group = criterion.benchmark_group(format!("P8 {keys} keys"));
        group.throughput(Throughput::Elements(1));
        kv(&mut group, keys);
        dashmap(&mut group, keys);
        papaya(&mut group, keys);
        group.finish();
    }
}

fn kv(group: &mut BenchmarkGroup<'_, WallTime>, keys: u64) {
    let store = MemoryStore::new(MemoryOptions::default());
    let set = |number| store.set(&key(number), &VALUE).expect("a set");
    (0..keys).for_each(set);
    let mut numbers = Numbers::new(1);
    group.bench_function("get kv-core", |bencher| {
        bencher.iter(|| store.get(black_box(&key(numbers.below(keys)))));
    });
    group.bench_function("set kv-core", |bencher| {
        bencher.iter(|| set(numbers.below(keys)));
    });
    group.throughput(Throughput::Elements(BATCH as u64));
    group.bench_function("get_many of 16 kv-core", |bencher| {
        bencher.iter(|| {
            let names: [_; BATCH] = std::array::from_fn(|_| key(numbers.below(keys)));
            let names = names.each_ref().map(<[u8; 16]>::as_slice);
            store.get_many(black_box(&names))
        });
    });
    group.throughput(Throughput::Elements(1));
}

fn dashmap(group: &mut BenchmarkGroup<'_, WallTime>, keys: u64) {
    let map: DashMap<Box<[u8]>, Bytes> = DashMap::new();
    let set = |number| map.insert(key(number).into(), Bytes::copy_from_slice(&VALUE));
    (0..keys).for_each(|number| drop(set(number)));
    let mut numbers = Numbers::new(1);
    group.bench_function("get dashmap", |bencher| {
        bencher.iter(|| {
            let name = key(numbers.below(keys));
            map.get(black_box(name.as_slice()))
                .map(|found| found.value().clone())
        });
    });
    group.bench_function("set dashmap", |bencher| {
        bencher.iter(|| set(numbers.below(keys)));
    });
}

fn papaya(group: &mut BenchmarkGroup<'_, WallTime>, keys: u64) {
    let map: papaya::HashMap<Box<[u8]>, Bytes> = papaya::HashMap::new();
    let set = |number| {
        map.pin()
            .insert(key(number).into(), Bytes::copy_from_slice(&VALUE));
    };
    (0..keys).for_each(set);
    let mut numbers = Numbers::new(1);
    group.bench_function("get papaya", |bencher| {
        bencher.iter(|| {
            let name = key(numbers.below(keys));
            map.pin().get(black_box(name.as_slice())).cloned()
        });
    });
    group.bench_function("set papaya", |bencher| {
        bencher.iter(|| set(numbers.below(keys)));
    });
}

criterion_group!(benches, lookups);
criterion_main!(benches);
