//! What each policy waits for, on a disk whose syncs the test holds in its hand; group commit; failures.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use std::io::ErrorKind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use kv_core::{
    At, Db, KeySet, KeyValue, Lsn, Refusal, Size, Store, StoreError, StringValue, UnixMillis,
};
use kv_wal::fs::Space;
use kv_wal::testing::MemFs;
use kv_wal::{Armed, Durability, DurableOptions, DurableStore, Encoding};

const AT: At = At {
    db: Db::FIRST,
    now: UnixMillis(0),
};

fn options(disk: &MemFs, durability: Durability) -> DurableOptions {
    DurableOptions {
        durability,
        segment_bytes: 256 << 10,
        fs: Arc::new(disk.clone()),
        ..DurableOptions::default()
    }
}

/// An open store whose background work has come to rest, so that the next sync is one of a commit.
fn open(disk: &MemFs, durability: Durability) -> DurableStore {
    open_with(disk, options(disk, durability))
}

fn open_with(disk: &MemFs, options: DurableOptions) -> DurableStore {
    let store = DurableStore::open("kv", options).unwrap();
    while !disk.files().keys().any(|name| name.ends_with(".tmp")) {
        thread::yield_now();
    }
    // Opening a new directory: the manifest (file and name), the segment (zeros, header, name), the manifest
    // again, and the next blank.
    let of_opening = 2 + 3 + 2 + 1 + 1;
    disk.wait_for_syncs(of_opening);
    assert_eq!(disk.syncs(), of_opening);
    store
}

fn set(store: &DurableStore, key: &[u8], value: &[u8]) -> Lsn {
    store
        .write(AT, KeySet::One(key), &mut |txn| {
            txn.set_string(key, StringValue::new(value), None);
        })
        .unwrap()
}

#[test]
fn always_acknowledges_after_the_sync_and_not_before() {
    let disk = MemFs::new();
    let store = Arc::new(open(&disk, Durability::Always));
    let before = disk.syncs();
    disk.hold_syncs();
    let (tell, told) = mpsc::channel();
    let writer = {
        let store = Arc::clone(&store);
        thread::spawn(move || {
            store.set(b"k", b"v").unwrap();
            tell.send(()).unwrap();
        })
    };
    disk.wait_for_syncs(before + 1);
    assert_eq!(store.gate().written(), Lsn(1));
    assert_eq!(store.gate().durable(), Lsn(0));
    assert!(told.try_recv().is_err());
    // Visible to transactions, but a read that shows it waits too; one of another key does not.
    let (seen, lsn) = store
        .memory()
        .read_with(AT, KeySet::One(b"k"), |view| view.exists(b"k"));
    assert!(seen && lsn == Lsn(1));
    assert_eq!(store.get(b"other").unwrap(), None);

    disk.release_syncs();
    told.recv().unwrap();
    writer.join().unwrap();
    assert_eq!(store.gate().durable(), Lsn(1));
    assert_eq!(disk.syncs(), before + 1);
}

#[test]
fn the_other_policies_acknowledge_before_the_sync_unless_asked() {
    for durability in [Durability::EverySec, Durability::No] {
        let disk = MemFs::new();
        let store = open(&disk, durability);
        disk.hold_syncs();
        store.set(b"k", b"v").unwrap();
        let lsn = set(&store, b"k", b"w");
        store.wait(lsn).unwrap();
        assert_eq!(store.gate().durable(), Lsn(0));
        disk.release_syncs();
        store.gate().wait(lsn, Durability::Always).unwrap();
        assert!(store.gate().durable() >= lsn);
    }
}

#[test]
fn everysec_syncs_by_itself() {
    let disk = MemFs::new();
    let store = open(&disk, Durability::EverySec);
    let before = disk.syncs();
    let lsn = set(&store, b"k", b"v");
    disk.wait_for_syncs(before + 1);
    // Nobody asks for durability in a way that would make the log sync.
    while store.gate().durable() < lsn {
        thread::yield_now();
    }
}

#[test]
fn what_comes_during_a_sync_shares_the_next() {
    let disk = MemFs::new();
    let store = open(&disk, Durability::Always);
    let before = disk.syncs();
    disk.hold_syncs();
    let mut last = set(&store, b"first", b"1");
    disk.wait_for_syncs(before + 1);
    for number in 0..1000_u32 {
        last = set(&store, &number.to_le_bytes(), b"v");
    }
    disk.release_syncs();
    store.wait(last).unwrap();
    assert_eq!(disk.syncs(), before + 2);
    assert_eq!(store.stats().batches, 2);
    assert_eq!(store.stats().effects, 1001);
}

#[test]
fn a_subscription_is_called_once_per_commit_that_releases_it() {
    let disk = MemFs::new();
    let store = open(&disk, Durability::Always);
    let before = disk.syncs();
    let calls = Arc::new(AtomicUsize::new(0));
    let (tell, told) = mpsc::channel();
    let counted = Arc::clone(&calls);
    let subscription = store.gate().subscribe(Box::new(move || {
        counted.fetch_add(1, Ordering::SeqCst);
        tell.send(()).unwrap();
    }));
    let idle = store
        .gate()
        .subscribe(Box::new(|| panic!("called for nothing")));

    disk.hold_syncs();
    let lsn = set(&store, b"a", b"1");
    disk.wait_for_syncs(before + 1);
    assert_eq!(subscription.arm(Durability::Always, lsn), Armed::Pending);
    assert_eq!(subscription.arm(Durability::No, lsn), Armed::Reached);
    disk.release_syncs();
    told.recv().unwrap();
    store.wait(lsn).unwrap();
    assert_eq!(subscription.arm(Durability::Always, lsn), Armed::Reached);

    // Of several wishes the lowest counts; those above are for the next call.
    disk.hold_syncs();
    let low = set(&store, b"a", b"2");
    disk.wait_for_syncs(before + 2);
    let high = set(&store, b"a", b"3");
    assert_eq!(subscription.arm(Durability::Always, high), Armed::Pending);
    assert_eq!(subscription.arm(Durability::Always, low), Armed::Pending);
    assert_eq!(subscription.arm(Durability::Always, high), Armed::Pending);
    disk.release_syncs();
    told.recv().unwrap();
    store.wait(high).unwrap();
    assert_eq!(calls.load(Ordering::SeqCst), 2);
    drop(idle);
}

#[test]
fn a_failed_sync_is_final() {
    let disk = MemFs::new();
    let failures = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&failures);
    let options = DurableOptions {
        on_failure: Some(Arc::new(move |failure| {
            assert_eq!(failure.action, "sync");
            counted.fetch_add(1, Ordering::SeqCst);
        })),
        ..options(&disk, Durability::Always)
    };
    let store = open_with(&disk, options.clone());
    store.set(b"kept", b"v").unwrap();
    disk.fail_syncs(Some(ErrorKind::Other));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(store.set(b"k", b"v"), Err(StoreError::LogFailed)));
        }
    });
    // The disk is well again; the log is not.
    disk.fail_syncs(None);
    let (syncs, writes) = (disk.syncs(), disk.writes());
    assert_eq!(store.set(b"k", b"v"), Err(StoreError::LogFailed));
    assert_eq!(store.get(b"k"), Err(StoreError::LogFailed));
    assert_eq!(store.get(b"kept").unwrap().as_deref(), Some(&b"v"[..]));
    assert!(store.gate().has_failed());
    let refused = store.write(AT, KeySet::None, &mut |_| ());
    assert_eq!(refused, Err(Refusal::Failed));
    assert!(store.close().is_err());
    assert_eq!((disk.syncs(), disk.writes()), (syncs, writes));
    assert_eq!(failures.load(Ordering::SeqCst), 1);

    let store = DurableStore::open("kv", options).unwrap();
    assert_eq!(store.get(b"kept").unwrap().as_deref(), Some(&b"v"[..]));
}

/// Not with what was written before it failed, and not with a sync that would succeed after it.
#[test]
fn the_watermark_stands_still_after_a_failed_sync() {
    for durability in Durability::ALL {
        let disk = MemFs::new();
        let store = open(&disk, durability);
        let gate = Arc::clone(store.gate());
        let kept = set(&store, b"kept", b"v");
        gate.wait(kept, Durability::Always).unwrap();
        disk.hold_syncs();
        disk.fail_syncs(Some(ErrorKind::Other));
        let lost = set(&store, b"lost", b"v");
        gate.wait(lost, Durability::No).unwrap();
        thread::scope(|scope| {
            scope.spawn(|| {
                let waited = gate.wait(lost, Durability::Always);
                assert_eq!(waited, Err(StoreError::LogFailed));
            });
            disk.release_syncs();
        });
        disk.fail_syncs(None);
        assert_eq!((gate.written(), gate.durable()), (lost, kept));
        // Whatever the threads of the log still had to do.
        assert!(store.close().is_err());
        assert_eq!((gate.written(), gate.durable()), (lost, kept));
        let waited = gate.wait(lost, Durability::Always);
        assert_eq!(waited, Err(StoreError::LogFailed));
    }
}

#[test]
fn a_failed_write_is_final_whatever_the_policy() {
    for durability in Durability::ALL {
        let disk = MemFs::new();
        let store = open(&disk, durability);
        disk.fail_writes(Some(ErrorKind::Other));
        assert_eq!(store.set(b"k", b"v"), Err(StoreError::LogFailed));
        disk.fail_writes(None);
        assert_eq!(store.set(b"k", b"v"), Err(StoreError::LogFailed));
    }
}

#[test]
fn a_failed_sync_in_the_background_is_final_too() {
    let disk = MemFs::new();
    let store = open(&disk, Durability::EverySec);
    disk.fail_syncs(Some(ErrorKind::Other));
    let lsn = set(&store, b"k", b"v");
    let waited = store.gate().wait(lsn, Durability::Always);
    assert_eq!(waited, Err(StoreError::LogFailed));
    assert_eq!(store.set(b"k", b"v"), Err(StoreError::LogFailed));
}

#[test]
fn everysec_holds_up_writes_when_the_disk_is_too_slow() {
    let disk = MemFs::new();
    let store = open(&disk, Durability::EverySec);
    let (tell, told) = mpsc::channel();
    let subscription = store
        .gate()
        .subscribe(Box::new(move || tell.send(()).unwrap()));
    disk.hold_syncs();
    store.set(b"k", b"v").unwrap();
    let key: &[u8] = b"other";
    // Not by the store, which would wait.
    let write = || store.memory().write(AT, KeySet::One(key), &mut |_| ());
    while write().is_ok() {
        thread::yield_now();
    }
    assert_eq!(write(), Err(Refusal::Behind));
    subscription.arm_admission();
    assert_eq!(write(), Err(Refusal::Behind));
    thread::scope(|scope| {
        scope.spawn(|| store.set(b"k", b"w").unwrap());
        disk.release_syncs();
        told.recv().unwrap();
    });
    store.wait_until_caught_up();
    assert!(write().is_ok());
}

#[test]
fn a_full_disk_refuses_writes_until_there_is_room() {
    let disk = MemFs::new();
    let store = DurableStore::open("kv", options(&disk, Durability::Always)).unwrap();
    store.set(b"k", b"v").unwrap();
    disk.set_space(Space {
        total: 100 << 20,
        free: 1 << 20,
    });
    while !store.stats().disk_full {
        thread::yield_now();
    }
    assert_eq!(store.set(b"k", b"w"), Err(StoreError::DiskFull));
    assert_eq!(store.get(b"k").unwrap().as_deref(), Some(&b"v"[..]));
    disk.set_space(Space {
        total: 100 << 20,
        free: 50 << 20,
    });
    while store.stats().disk_full {
        thread::yield_now();
    }
    store.set(b"k", b"w").unwrap();
    store.close().unwrap();
}

#[test]
fn a_segment_that_finds_no_room_is_made_later() {
    let disk = MemFs::new();
    let store = open(&disk, Durability::Always);
    disk.fail_creates(Some(ErrorKind::StorageFull));
    // The first fills the live segment, the second the one that was made ahead.
    let big = vec![7; 200 << 10];
    store.set(b"1", &big).unwrap();
    store.set(b"2", &big).unwrap();
    while !store.stats().disk_full {
        thread::yield_now();
    }
    assert_eq!(store.set(b"3", &big), Err(StoreError::DiskFull));
    disk.fail_creates(None);
    while store.stats().disk_full {
        thread::yield_now();
    }
    store.set(b"3", &big).unwrap();
    store.close().unwrap();
    let store = DurableStore::open("kv", options(&disk, Durability::Always)).unwrap();
    assert_eq!(KeyValue::len(&store), Ok(3));
}

#[test]
fn rotation_seals_and_syncs_under_every_policy() {
    for durability in Durability::ALL {
        let disk = MemFs::new();
        let store = open(&disk, durability);
        let value = vec![1; 100 << 10];
        for key in 0..10_u8 {
            store.set(&[key], &value).unwrap();
        }
        let stats = store.stats();
        assert!(stats.segment >= 3, "{stats:?}");
        // All but what is in the live segment, at most two values.
        assert!(store.gate().durable() >= Lsn(8));
        drop(store);
        let store = DurableStore::open("kv", options(&disk, durability)).unwrap();
        assert_eq!(store.recovered().effects, 10);
        assert_eq!(store.recovered().segments, stats.segment);
    }
}

#[test]
fn a_transaction_larger_than_a_segment_gets_one_of_its_size() {
    let disk = MemFs::new();
    let store = open(&disk, Durability::Always);
    let value = vec![9; 5 << 20];
    store.set(b"big", &value).unwrap();
    store.set(b"small", b"v").unwrap();
    store.close().unwrap();
    let store = DurableStore::open("kv", options(&disk, Durability::Always)).unwrap();
    assert_eq!(store.get(b"big").unwrap().as_deref(), Some(&value[..]));
    assert_eq!(store.get(b"small").unwrap().as_deref(), Some(&b"v"[..]));
}

/// Refused before it changes anything, and the log goes on.
#[test]
fn a_transaction_larger_than_the_limit_is_refused() {
    const LIMIT: usize = 100_000;

    for encoding in [Encoding::Binary, Encoding::Json] {
        let disk = MemFs::new();
        let limited = || DurableOptions {
            encoding,
            transaction_bytes_max: LIMIT as u64,
            ..options(&disk, Durability::Always)
        };
        let store = DurableStore::open("kv", limited()).unwrap();
        let keys: [&[u8]; 2] = [b"a", b"b"];
        let value = vec![b'x'; LIMIT * 3 / 4];
        let size = Size::AtMost(2 * value.len());
        let both = store
            .memory()
            .write_sized(AT, KeySet::Many(&keys), size, |txn| {
                for key in keys {
                    txn.set_string(key, StringValue::new(&value), None);
                }
            });
        assert_eq!(both, Err(Refusal::TooLarge));
        let long = vec![b'x'; LIMIT];
        assert_eq!(store.set(b"a", &long), Err(StoreError::TransactionTooLarge));
        assert_eq!(Store::len(&store, Db::FIRST), 0);
        store.set(b"a", &value).unwrap();
        store.close().unwrap();
        let store = DurableStore::open("kv", limited()).unwrap();
        assert_eq!(store.recovered().last_lsn, Lsn(1));
        assert_eq!(store.get(b"a").unwrap().unwrap(), value);
    }
}

/// It used to end the log: memory had changed by the time its size was known.
#[test]
fn a_transaction_that_outgrows_the_log_was_never_there() {
    let small_disk = Space {
        free: 2 << 20,
        total: 8 << 20,
    };
    let large_disk = Space {
        free: 1 << 40,
        total: 1 << 40,
    };
    for (limit, space, piece, refusal) in [
        (100_000, large_disk, 75_000, Refusal::TooLarge),
        (u64::MAX, small_disk, 1 << 20, Refusal::DiskFull),
    ] {
        let disk = MemFs::new();
        disk.set_space(space);
        let limited = || DurableOptions {
            transaction_bytes_max: limit,
            ..options(&disk, Durability::Always)
        };
        let store = open_with(&disk, limited());
        store.set(b"a", b"before").unwrap();
        let value = vec![b'x'; piece];
        let keys: [&[u8]; 4] = [b"a", b"b", b"c", b"d"];
        let grown = store.memory().write_with(AT, KeySet::Many(&keys), |txn| {
            txn.append_string(b"a", b" and after");
            for key in &keys[1..] {
                txn.set_string(key, StringValue::new(&value), None);
            }
            txn.refusal()
        });
        assert_eq!(grown, Err(refusal));
        assert_eq!(Store::len(&store, Db::FIRST), 1);
        // Nothing has failed.
        store.set(b"later", b"v").unwrap();
        store.close().unwrap();
        let store = DurableStore::open("kv", limited()).unwrap();
        assert_eq!(store.recovered().last_lsn, Lsn(2));
        assert_eq!(store.get(b"a").unwrap().as_deref(), Some(&b"before"[..]));
        assert_eq!(store.get(b"b").unwrap(), None);
    }
}

/// A value for which there is no room any more is refused like any other, not admitted and then not written.
#[test]
fn what_does_not_fit_the_disk_is_refused_before_it_changes_anything() {
    let disk = MemFs::new();
    disk.set_space(Space {
        free: 2 << 20,
        total: 8 << 20,
    });
    let store = open(&disk, Durability::Always);
    assert_eq!(
        store.set(b"k", &vec![b'x'; 3 << 20]),
        Err(StoreError::DiskFull)
    );
    assert_eq!(store.get(b"k").unwrap(), None);
    store.set(b"k", &vec![b'x'; 1 << 20]).unwrap();
    store.close().unwrap();
}

#[test]
fn starting_and_stopping_leaves_no_trail() {
    let disk = MemFs::new();
    for round in 0..5 {
        let store = DurableStore::open("kv", options(&disk, Durability::Always)).unwrap();
        assert!(store.recovered().clean);
        store.close().unwrap();
        assert_eq!(
            disk.files().len(),
            2,
            "round {round}: {:?}",
            disk.files().keys()
        );
    }
}

#[test]
fn an_idle_log_notes_what_is_durable() {
    let disk = MemFs::new();
    let store = open(&disk, Durability::Always);
    store.set(b"k", b"v").unwrap();
    let writes = disk.writes();
    while disk.writes() == writes {
        thread::yield_now();
    }
    // The note is what makes damage to the write before it known as damage.
    let segment = disk
        .files()
        .into_keys()
        .find(|name| name.ends_with(".log"))
        .unwrap();
    drop(store);
    disk.change(&segment, |bytes| bytes[4096 + 41] ^= 1);
    let refused = DurableStore::open("kv", options(&disk, Durability::Always));
    let why = refused.err().unwrap().to_string();
    assert!(
        why.contains("offset 4096") && why.contains("first lost LSN is 1"),
        "{why}"
    );
}
