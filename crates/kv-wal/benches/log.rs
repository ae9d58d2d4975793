//! The log without a disk: frames from effects, and a store from its log again.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use kv_core::{Db, Effect, KeyValue, StringValue};
use kv_wal::testing::{FrameMaker, MemFs};
use kv_wal::{Durability, DurableOptions, DurableStore, Encoding};

/// How many effects one frame has, as in a busy moment.
const FRAME_EFFECTS: usize = 100;

/// How many records are replayed.
const RECORDS: u32 = 100_000;

const VALUE: &[u8] = &[b'v'; 64];

fn frames(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("frame");
    group.throughput(Throughput::Elements(FRAME_EFFECTS as u64));
    let effects: [_; FRAME_EFFECTS] = std::array::from_fn(|_| set_effect());
    for (name, encoding) in [("binary", Encoding::Binary), ("JSON", Encoding::Json)] {
        let mut maker = FrameMaker::new(encoding);
        group.bench_function(format!("encode 100 SETs, {name}"), |bencher| {
            bencher.iter(|| maker.make(black_box(&effects)).len());
        });
    }
    group.finish();
}

fn replay(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("replay");
    group.throughput(Throughput::Elements(u64::from(RECORDS)));
    group.sample_size(10);
    let files = written().files();
    group.bench_function("100,000 SETs", |bencher| {
        bencher.iter_batched(
            || MemFs::with_files(&files),
            |disk| {
                let store = open(&disk);
                assert_eq!(store.recovered().effects, u64::from(RECORDS));
                store
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

fn set_effect() -> Effect<'static> {
    Effect::SetString {
        db: Db::FIRST,
        key: b"key:000000000001",
        value: StringValue::Bytes(VALUE),
        expires: None,
    }
}

/// A disk with a log of all records.
fn written() -> MemFs {
    let disk = MemFs::new();
    let store = open(&disk);
    for number in 0..RECORDS {
        let key = format!("key:{number:012}");
        store.set(key.as_bytes(), VALUE).expect("a set");
    }
    store.close().expect("a log that is whole");
    disk
}

fn open(disk: &MemFs) -> DurableStore {
    let options = DurableOptions {
        durability: Durability::No,
        fs: Arc::new(disk.clone()),
        ..DurableOptions::default()
    };
    DurableStore::open(Path::new("/log"), options).expect("a disk in memory")
}

criterion_group!(benches, frames, replay);
criterion_main!(benches);
