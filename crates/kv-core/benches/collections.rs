//! The main operations of each collection, on a small one that is packed and on a large one that is not.

use std::hint::black_box;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use kv_core::{At, Db, KeySet, ListEnd, MemoryOptions, MemoryStore, Txn, UnixMillis, View};

const KEY: &[u8] = b"collection";

const AT: At = At {
    db: Db::FIRST,
    now: UnixMillis(0),
};

/// How many elements a collection has: packed, and not.
const SIZES: [usize; 2] = [32, 100_000];

/// One collection under measurement.
struct Bench<'a> {
    group: BenchmarkGroup<'a, WallTime>,
    store: MemoryStore,
    elements: Vec<String>,
}

impl<'a> Bench<'a> {
    /// A collection of `size` elements, each of which `add` adds.
    fn new(
        criterion: &'a mut Criterion,
        kind: &str,
        size: usize,
        add: impl Fn(&mut Txn<'_>, usize, &[u8]),
    ) -> Self {
        let store = MemoryStore::new(MemoryOptions::default());
        let elements: Vec<String> = (0..size)
            .map(|number| format!("element:{number:08}"))
            .collect();
        for (number, element) in elements.iter().enumerate() {
            let added = store.write_with(AT, KeySet::One(KEY), |txn| {
                add(txn, number, element.as_bytes());
            });
            assert!(added.is_ok(), "nothing refuses");
        }
        let mut group = criterion.benchmark_group(format!("{kind} of {size}"));
        group.throughput(Throughput::Elements(1));
        Self {
            group,
            store,
            elements,
        }
    }

    /// Measures a look, each time at another element.
    fn read<R>(&mut self, name: &str, look: impl Fn(&mut View<'_>, usize, &[u8]) -> R) {
        let mut turn = 0;
        let (store, elements) = (&self.store, &self.elements);
        self.group.bench_function(name, |bencher| {
            bencher.iter(|| {
                turn = (turn + 7_919) % elements.len();
                let element = elements[turn].as_bytes();
                store.read_with(AT, KeySet::One(KEY), |view| {
                    black_box(look(view, turn, element))
                })
            });
        });
    }

    /// Measures a change, each time of another element.
    fn write<R>(&mut self, name: &str, change: impl Fn(&mut Txn<'_>, usize, &[u8]) -> R) {
        let mut turn = 0;
        let (store, elements) = (&self.store, &self.elements);
        self.group.bench_function(name, |bencher| {
            bencher.iter(|| {
                turn = (turn + 7_919) % elements.len();
                let element = elements[turn].as_bytes();
                let changed = store.write_with(AT, KeySet::One(KEY), |txn| {
                    black_box(change(txn, turn, element));
                });
                assert!(changed.is_ok(), "nothing refuses");
            });
        });
    }
}

fn list(criterion: &mut Criterion) {
    for size in SIZES {
        let mut bench = Bench::new(criterion, "list", size, |txn, _, element| {
            txn.list_push(KEY, ListEnd::Back, &[element])
                .expect("a list");
        });
        bench.write("push and pop", |txn, _, element| {
            txn.list_push(KEY, ListEnd::Back, &[element])
                .expect("a list");
            txn.list_pop(KEY, ListEnd::Front, 1).expect("a list");
        });
        bench.read("index", |view, turn, _| {
            let list = view.list(KEY).expect("a list");
            list.and_then(|list| list.get(turn)).map(<[u8]>::len)
        });
        bench.read("first ten", |view, _, _| {
            let list = view.list(KEY).expect("a list");
            list.map(|list| list.range(0..10).map(<[u8]>::len).sum::<usize>())
        });
    }
}

fn hash(criterion: &mut Criterion) {
    for size in SIZES {
        let mut bench = Bench::new(criterion, "hash", size, |txn, _, field| {
            txn.hash_set(KEY, &[field, b"value"]).expect("a hash");
        });
        bench.read("get", |view, _, field| {
            let hash = view.hash(KEY).expect("a hash");
            hash.and_then(|hash| hash.get(field)).map(<[u8]>::len)
        });
        bench.write("set", |txn, _, field| txn.hash_set(KEY, &[field, b"other"]));
        bench.write("delete and set", |txn, _, field| {
            let gone = txn.hash_delete(KEY, &[field]).expect("a hash");
            (gone, txn.hash_set(KEY, &[field, b"value"]))
        });
    }
}

fn set(criterion: &mut Criterion) {
    for size in SIZES {
        let mut bench = Bench::new(criterion, "set", size, |txn, _, member| {
            txn.set_add(KEY, &[member]).expect("a set");
        });
        bench.read("contains", |view, _, member| {
            let set = view.set(KEY).expect("a set");
            set.is_some_and(|set| set.contains(member))
        });
        bench.write("remove and add", |txn, _, member| {
            let gone = txn.set_remove(KEY, &[member]).expect("a set");
            (gone, txn.set_add(KEY, &[member]))
        });
    }
}

fn zset(criterion: &mut Criterion) {
    /// A score for each place; not in the order of the members.
    fn score(turn: usize) -> f64 {
        f64::from(u32::try_from(turn * 31 % 65_536).unwrap_or(0))
    }
    for size in SIZES {
        let mut bench = Bench::new(criterion, "zset", size, |txn, number, member| {
            txn.zset_add(KEY, &[(score(number), member)])
                .expect("a zset");
        });
        bench.read("score", |view, _, member| {
            let zset = view.zset(KEY).expect("a zset");
            zset.and_then(|zset| zset.score(member))
        });
        bench.read("rank", |view, _, member| {
            let zset = view.zset(KEY).expect("a zset");
            zset.and_then(|zset| zset.rank(member))
        });
        bench.read("ten from a rank", |view, turn, _| {
            let zset = view.zset(KEY).expect("a zset");
            zset.map(|zset| {
                let from = turn.min(zset.len() - 10);
                zset.range(from..from + 10)
                    .map(|(_, score)| score)
                    .sum::<f64>()
            })
        });
        bench.write("change a score", |txn, turn, member| {
            txn.zset_add(KEY, &[(score(turn + 1), member)])
        });
        bench.write("remove and add", |txn, turn, member| {
            let gone = txn.zset_remove(KEY, &[member]).expect("a zset");
            (gone, txn.zset_add(KEY, &[(score(turn), member)]).is_ok())
        });
    }
}

criterion_group!(benches, list, hash, set, zset);
criterion_main!(benches);
