//! P8: random reads and writes in memory, one thread, against concurrent maps.
//!
//! Making the key is part of every figure, for all engines alike. A map gives out a `Bytes`, as `get` does.

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::bail;
use bytes::Bytes;
use dashmap::DashMap;
use kv_core::{KeyValue, MemoryOptions, MemoryStore};

use crate::Figures;
use crate::engine::Engine;
use crate::keys::{VALUE, key};
use crate::numbers::Numbers;

/// How many keys are looked up together.
const BATCH: usize = 16;

/// How many accesses lie between two looks at the clock.
const STRETCH: u64 = 1_024;

/// What is measured of each engine: the engine does the work with a key, or with a batch of keys.
struct Access<'a> {
    set: &'a dyn Fn(&[u8; 16]),
    get: &'a dyn Fn(&[u8; 16]),
    get_batch: &'a dyn Fn(&[[u8; 16]; BATCH]),
}

/// Fills `engine` with `keys` keys and measures each kind of access for `long`: million a second.
pub(crate) fn measure(engine: Engine, keys: u64, long: Duration) -> anyhow::Result<Figures> {
    let figures = match engine {
        Engine::Kv => kv(keys, long),
        Engine::Dashmap => dashmap(keys, long),
        Engine::Papaya => papaya(keys, long),
        Engine::Moka => moka(keys, long),
        other => bail!("{} is not in memory", other.name()),
    };
    Ok(figures)
}

fn kv(keys: u64, long: Duration) -> Figures {
    let store = MemoryStore::new(MemoryOptions::default());
    let access = Access {
        set: &|name| store.set(name, &VALUE).expect("a set in memory"),
        get: &|name| drop(black_box(store.get(name))),
        get_batch: &|names| {
            let names = names.each_ref().map(<[u8; 16]>::as_slice);
            drop(black_box(store.get_many(&names)));
        },
    };
    rates(&access, keys, long)
}

fn dashmap(keys: u64, long: Duration) -> Figures {
    let map: DashMap<Box<[u8]>, Bytes> = DashMap::new();
    let set = |name: &[u8; 16]| drop(map.insert((*name).into(), Bytes::copy_from_slice(&VALUE)));
    let get = |name: &[u8; 16]| {
        let found = map.get(name.as_slice());
        drop(black_box(found.map(|found| found.value().clone())));
    };
    one_by_one(&set, &get, keys, long)
}

fn papaya(keys: u64, long: Duration) -> Figures {
    let map: papaya::HashMap<Box<[u8]>, Bytes> = papaya::HashMap::new();
    let set = |name: &[u8; 16]| {
        map.pin()
            .insert((*name).into(), Bytes::copy_from_slice(&VALUE));
    };
    let get = |name: &[u8; 16]| drop(black_box(map.pin().get(name.as_slice()).cloned()));
    one_by_one(&set, &get, keys, long)
}

fn moka(keys: u64, long: Duration) -> Figures {
    let map: moka::sync::Cache<Box<[u8]>, Bytes> = moka::sync::Cache::new(u64::MAX);
    let set = |name: &[u8; 16]| map.insert((*name).into(), Bytes::copy_from_slice(&VALUE));
    let get = |name: &[u8; 16]| drop(black_box(map.get(name.as_slice())));
    one_by_one(&set, &get, keys, long)
}

/// An engine that knows no batches: its keys are looked up one after the other.
fn one_by_one(
    set: &dyn Fn(&[u8; 16]),
    get: &dyn Fn(&[u8; 16]),
    keys: u64,
    long: Duration,
) -> Figures {
    let get_batch = |names: &[[u8; 16]; BATCH]| names.iter().for_each(get);
    let get_batch = &get_batch;
    rates(
        &Access {
            set,
            get,
            get_batch,
        },
        keys,
        long,
    )
}

fn rates(access: &Access<'_>, keys: u64, long: Duration) -> Figures {
    (0..keys).for_each(|number| (access.set)(&key(number)));
    let mut numbers = Numbers::new(1);
    let mut next = || key(numbers.below(keys));
    let get = rate(1, long, || (access.get)(&next()));
    let batch = rate(BATCH as u64, long, || {
        (access.get_batch)(&std::array::from_fn(|_| next()));
    });
    let set = rate(1, long, || (access.set)(&next()));
    Figures::from([
        ("M get/s".to_owned(), get),
        ("M keys/s, 16 together".to_owned(), batch),
        ("M set/s".to_owned(), set),
    ])
}

/// Does `work`, which accesses `each` keys, for `long`; million keys a second.
fn rate(each: u64, long: Duration, mut work: impl FnMut()) -> f64 {
    let began = Instant::now();
    let mut times = 0_u64;
    loop {
        for _ in 0..STRETCH / each {
            work();
        }
        times += STRETCH;
        let passed = began.elapsed();
        if passed >= long {
            return times as f64 / passed.as_secs_f64() / 1e6;
        }
    }
}
