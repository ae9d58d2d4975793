//! Snapshots: what comes back from one and the log after it, what goes, and what damage to them does.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use kv_core::testing::model::Model;
use kv_core::{At, Db, KeySet, KeyValue, ListEnd, Lsn, MemoryOptions, Refusal, Store, UnixMillis};
use kv_wal::fs::RealFs;
use kv_wal::testing::MemFs;
use kv_wal::{
    DurableOptions, DurableStore, Encoding, OpenError, SnapshotRule, Target, UpkeepError, copy,
};

type Files = BTreeMap<String, Vec<u8>>;

fn options(disk: &MemFs) -> DurableOptions {
    DurableOptions {
        segment_bytes: 16 << 10,
        snapshots: SnapshotRule::NEVER,
        snapshot_bytes_per_second: 0,
        memory: MemoryOptions {
            stripes: 8,
            ..MemoryOptions::default()
        },
        fs: Arc::new(disk.clone()),
        ..DurableOptions::default()
    }
}

fn open(disk: &MemFs) -> DurableStore {
    DurableStore::open("kv", options(disk)).unwrap()
}

/// What is on the disk, as a killed process leaves it.
fn killed(disk: &MemFs) -> Files {
    let mut files = disk.files();
    files.retain(|name, _| !name.ends_with(".tmp"));
    files
}

fn names(disk: &MemFs, start: &str) -> Vec<String> {
    let files = disk.files().into_keys();
    files.filter(|name| name.starts_with(start)).collect()
}

fn fill(store: &DurableStore, keys: std::ops::Range<u32>, value: &[u8]) {
    for key in keys {
        store.set(&key.to_le_bytes(), value).unwrap();
    }
}

/// A store opened from what `disk` holds now, beside the one that wrote it.
fn reopened(disk: &MemFs) -> DurableStore {
    open(&MemFs::with_files(&killed(disk)))
}

#[test]
fn a_snapshot_and_the_log_after_it_are_the_database() {
    for encoding in [Encoding::Binary, Encoding::Json] {
        let disk = MemFs::new();
        let store = DurableStore::open(
            "kv",
            DurableOptions {
                encoding,
                ..options(&disk)
            },
        )
        .unwrap();
        fill(&store, 0..300, b"before");
        let large = vec![b'x'; 3 << 20];
        store.set(b"large", &large).unwrap();
        store
            .set_until(b"late", &large, UnixMillis(i64::MAX))
            .unwrap();
        store
            .set_until(b"until", b"17", UnixMillis(i64::MAX))
            .unwrap();
        let info = store.snapshot().unwrap();
        assert_eq!((info.keys, info.lsn), (303, Lsn(303)));
        fill(&store, 200..400, b"after");
        store.delete(&7_u32.to_le_bytes()).unwrap();

        let again = reopened(&disk);
        assert_eq!(Model::of(&again), Model::of(&store));
        let recovered = again.recovered();
        assert_eq!(
            recovered.snapshot.map(|snapshot| snapshot.lsn),
            Some(info.lsn)
        );
        assert_eq!((recovered.effects, recovered.last_lsn), (201, Lsn(504)));
        // And once more, from what the second one left.
        fill(&again, 0..10, b"last");
        again.snapshot().unwrap();
        assert_eq!(again.snapshot_status().effects_since, 0);
    }
}

#[test]
fn the_newest_two_are_kept_and_the_log_since_the_older() {
    let disk = MemFs::new();
    let store = open(&disk);
    let mut logs = Vec::new();
    for round in 0..5_u32 {
        fill(&store, round * 300..(round + 1) * 300, &[7; 300]);
        store.snapshot().unwrap();
        logs.push(names(&disk, "wal-"));
        assert!(names(&disk, "snap-").len() <= 2);
        assert_eq!(Model::of(&reopened(&disk)), Model::of(&store));
    }
    let first: Vec<&String> = logs.iter().map(|logs| &logs[0]).collect();
    assert!(first[0].starts_with("wal-0000000001-"));
    assert!(first.is_sorted_by(|before, after| before < after));
    let bytes: usize = disk
        .files()
        .iter()
        .filter(|(name, _)| name.starts_with("wal-"))
        .map(|(_, bytes)| bytes.len())
        .sum();
    assert_eq!(store.stats().log_bytes, bytes as u64);
    store.close().unwrap();
    assert_eq!(names(&disk, "snap-").len(), 2);
}

/// Small ones, ones of several records, one of several blocks, and one of elements that are themselves large.
#[test]
fn collections_come_back_and_writers_do_not_wait_for_them() {
    let disk = MemFs::new();
    let store = open(&disk);
    let numbers: Vec<String> = (0..60_000)
        .map(|number| format!("element {number}"))
        .collect();
    let numbers: Vec<&[u8]> = numbers.iter().map(String::as_bytes).collect();
    let long = vec![b'x'; 700 << 10];
    let key = |kind: &str, size: usize| format!("{kind}:{size}").into_bytes();
    let write = |change: &mut dyn FnMut(&mut kv_core::Txn<'_>)| {
        let at = At {
            db: Db::FIRST,
            now: UnixMillis(0),
        };
        let lsn = loop {
            match store.write(at, KeySet::All, change) {
                Err(Refusal::Behind) => store.wait_until_caught_up(),
                written => break written.unwrap(),
            }
        };
        store.wait(lsn).unwrap();
    };
    for size in [2, 100, 5_000, 60_000] {
        write(&mut |txn| {
            let some = &numbers[..size];
            txn.list_push(&key("list", size), ListEnd::Back, some)
                .unwrap();
            txn.hash_set(&key("hash", size), some).unwrap();
            txn.set_add(&key("set", size), some).unwrap();
            txn.set_expiry(&key("hash", size), Some(UnixMillis(i64::MAX)));
        });
    }
    write(&mut |txn| {
        txn.list_push(b"long", ListEnd::Back, &[&long, b"", &long, b"last"])
            .unwrap();
    });
    let before = Model::of(&store);
    assert_eq!(store.snapshot().unwrap().keys, 13);
    let restored = reopened(&disk);
    assert_eq!(restored.recovered().effects, 0);
    assert_eq!(Model::of(&restored), before);

    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (write, done, key) = (&write, &done, &key);
        scope.spawn(move || {
            for turn in 0_u32.. {
                if done.load(SeqCst) {
                    return;
                }
                let element = turn.to_le_bytes();
                write(&mut |txn| {
                    for size in [2, 5_000] {
                        let list = key("list", size);
                        txn.list_push(&list, ListEnd::Front, &[&element]).unwrap();
                        txn.list_pop(&list, ListEnd::Back, 1).unwrap();
                        txn.hash_set(&key("hash", size), &[b"turn", &element])
                            .unwrap();
                        txn.set_add(&key("set", size), &[&element]).unwrap();
                    }
                });
            }
        });
        for _ in 0..5 {
            store.snapshot().unwrap();
        }
        done.store(true, SeqCst);
    });
    assert_eq!(Model::of(&reopened(&disk)), Model::of(&store));
}

#[test]
fn nothing_new_needs_no_new_file() {
    let disk = MemFs::new();
    let store = open(&disk);
    assert_eq!(store.snapshot().unwrap().keys, 0);
    assert_eq!(names(&disk, "snap-").len(), 0);
    fill(&store, 0..3, b"v");
    let first = store.snapshot().unwrap();
    let second = store.snapshot().unwrap();
    assert_eq!((second.lsn, second.bytes), (first.lsn, first.bytes));
    assert_eq!(names(&disk, "snap-").len(), 1);
    assert_eq!(store.snapshot_status().done, 3);
}

#[test]
fn a_log_that_has_grown_calls_for_a_snapshot() {
    let disk = MemFs::new();
    let store = open(&disk);
    store.set_snapshot_rule(SnapshotRule {
        log_bytes_min: 10_000,
        log_percent: 100,
    });
    fill(&store, 0..200, &[1; 100]);
    while store.snapshot_status().newest.is_none() {
        std::thread::yield_now();
    }
    assert!(store.snapshot_status().log_bytes_since < 20_000);
}

/// Snapshots under writers: each one that comes back is of one moment between the writes.
#[test]
fn writers_go_on_meanwhile() {
    let disk = MemFs::new();
    let store = open(&disk);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for thread in 0..3_u32 {
            let (store, done) = (&store, &done);
            scope.spawn(move || {
                for turn in 0_u32.. {
                    if done.load(SeqCst) {
                        return;
                    }
                    let key = [thread.to_le_bytes(), (turn % 50).to_le_bytes()].concat();
                    store.set(&key, &turn.to_le_bytes()).unwrap();
                    if turn % 97 == 0 {
                        store.delete(&key).unwrap();
                    }
                    if turn % 1009 == 1000 {
                        store.clear().unwrap();
                    }
                }
            });
        }
        for _ in 0..10 {
            store.snapshot().unwrap();
        }
        done.store(true, SeqCst);
    });
    assert_eq!(store.snapshot_status().done, 10);
    assert_eq!(Model::of(&reopened(&disk)), Model::of(&store));
}

/// Two snapshots and a log after them.
fn two_snapshots() -> (Files, Model) {
    let disk = MemFs::new();
    let store = open(&disk);
    fill(&store, 0..6, b"one");
    store.snapshot().unwrap();
    fill(&store, 3..9, b"two");
    store.snapshot().unwrap();
    fill(&store, 6..12, b"three");
    (killed(&disk), Model::of(&store))
}

#[test]
fn every_flipped_bit_of_a_snapshot_is_noticed() {
    let (files, expected) = two_snapshots();
    let snapshots: Vec<&String> = files
        .keys()
        .filter(|name| name.starts_with("snap-"))
        .collect();
    let [older, newest] = snapshots[..] else {
        panic!("two snapshots: {snapshots:?}")
    };
    for bit in 0..files[newest].len() * 8 {
        let disk = MemFs::with_files(&files);
        disk.change(newest, |bytes| bytes[bit / 8] ^= 1 << (bit % 8));
        let store = open(&disk);
        let recovered = store.recovered();
        assert!(
            recovered
                .passed_over
                .as_ref()
                .is_some_and(|why| why.contains(newest))
        );
        assert_eq!(Model::of(&store), expected, "bit {bit}");
    }
    // Both damaged: refused, and nothing was changed.
    let disk = MemFs::with_files(&files);
    for name in [older, newest] {
        disk.change(name, |bytes| *bytes.last_mut().unwrap() ^= 1);
    }
    let before = disk.files();
    let refused = DurableStore::open("kv", options(&disk)).err().unwrap();
    let OpenError::Damaged { file, why, .. } = refused else {
        panic!("{refused}")
    };
    assert!(file.ends_with(newest), "{why}");
    assert_eq!(disk.files(), before);
}

#[test]
fn a_snapshot_that_was_cut_lengthened_or_lost_is_passed_over() {
    let (files, expected) = two_snapshots();
    let newest = files
        .keys()
        .rfind(|name| name.starts_with("snap-"))
        .unwrap();
    for length in (0..files[newest].len())
        .step_by(7)
        .chain([files[newest].len() + 1])
    {
        let disk = MemFs::with_files(&files);
        disk.change(newest, |bytes| bytes.resize(length, 0));
        assert_eq!(Model::of(&open(&disk)), expected, "length {length}");
    }
    let disk = MemFs::with_files(&files);
    disk.forget(newest);
    let store = open(&disk);
    assert_eq!(Model::of(&store), expected);
    assert!(store.recovered().passed_over.is_some());
    // The next one takes its place, and the next start needs nothing of it.
    fill(&store, 0..1, b"four");
    store.snapshot().unwrap();
    let again = reopened(&disk);
    assert_eq!(again.recovered().passed_over, None);
    assert_eq!(Model::of(&again), Model::of(&store));
}

#[test]
fn the_first_snapshot_leaves_the_whole_log() {
    let disk = MemFs::new();
    let store = open(&disk);
    fill(&store, 0..50, b"v");
    store.snapshot().unwrap();
    fill(&store, 40..60, b"w");
    let expected = Model::of(&store);
    let mut files = killed(&disk);
    files.retain(|name, _| !name.starts_with("snap-"));
    assert_eq!(Model::of(&open(&MemFs::with_files(&files))), expected);
}

#[test]
fn a_snapshot_of_another_database_is_not_taken() {
    let (files, _) = two_snapshots();
    let other = {
        let disk = MemFs::new();
        let _ = kv_wal::fs::Fs::random(&disk);
        let store = open(&disk);
        fill(&store, 0..6, b"one");
        store.snapshot().unwrap();
        fill(&store, 3..9, b"two");
        store.snapshot().unwrap();
        killed(&disk)
    };
    let mut mixed = files.clone();
    for (name, bytes) in &other {
        if name.starts_with("snap-") {
            assert!(mixed.insert(name.clone(), bytes.clone()).is_some());
        }
    }
    let refused = DurableStore::open("kv", options(&MemFs::with_files(&mixed)))
        .err()
        .unwrap();
    assert!(
        refused.to_string().contains("another database"),
        "{refused}"
    );
}

#[test]
fn a_copy_has_the_snapshots_that_its_log_needs() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let real = DurableOptions {
        fs: Arc::new(RealFs),
        ..options(&MemFs::new())
    };
    let open = |name: &str| DurableStore::open(at(name), real.clone()).unwrap();
    let store = open("db");
    fill(&store, 0..50, b"one");
    store.snapshot().unwrap();
    fill(&store, 40..90, b"two");
    store.snapshot().unwrap();
    fill(&store, 80..85, b"three");
    let middle = Model::of(&store);
    fill(&store, 85..99, b"three");
    let newest = store.snapshot().unwrap();
    fill(&store, 0..9, b"four");

    copy(at("db"), at("now"), Target::End, &RealFs).unwrap();
    let now = open("now");
    assert_eq!(Model::of(&now), Model::of(&store));
    assert_eq!(
        now.recovered().snapshot.map(|snapshot| snapshot.lsn),
        Some(newest.lsn)
    );
    // Before the newest snapshot, the older one is begun at; before that there is nothing.
    copy(at("db"), at("then"), Target::Lsn(Lsn(105)), &RealFs).unwrap();
    let then = open("then");
    assert_eq!(Model::of(&then), middle);
    assert_eq!(then.recovered().passed_over, None);
    let before = copy(at("db"), at("before"), Target::Lsn(Lsn(60)), &RealFs);
    let Err(UpkeepError::TargetBeforeStart { lsn, .. }) = before else {
        panic!("{before:?}");
    };
    // What the error names can be reached, and nothing before it.
    let earliest = lsn.unwrap();
    assert_eq!(earliest, Lsn(100));
    copy(at("db"), at("earliest"), Target::Lsn(earliest), &RealFs).unwrap();
    let before = copy(at("db"), at("before"), Target::Lsn(Lsn(99)), &RealFs);
    assert!(before.is_err(), "{before:?}");
}
