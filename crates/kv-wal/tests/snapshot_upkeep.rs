//! Looking after directories with snapshots: what is needed, what is passed over, what a repair keeps, and copies
//! beside a store that makes snapshots.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use kv_core::testing::model::Model;
use kv_core::{KeyValue, Lsn};
use kv_wal::fs::RealFs;
use kv_wal::{
    DurableOptions, DurableStore, SnapshotRule, Target, Verdict, copy, first_lsn, inspect,
    repair_by_truncating,
};
use tempfile::TempDir;

fn open(path: &Path) -> DurableStore {
    let options = DurableOptions {
        segment_bytes: 16 << 10,
        snapshots: SnapshotRule::NEVER,
        snapshot_bytes_per_second: 0,
        ..DurableOptions::default()
    };
    DurableStore::open(path, options).unwrap()
}

fn fill(store: &DurableStore, keys: std::ops::Range<u32>) {
    for key in keys {
        store.set(&key.to_le_bytes(), b"value").unwrap();
    }
}

/// Snapshots as of LSN 20 and 30, the log from 21 to 40, shut down in order.
fn filled() -> (TempDir, PathBuf, Model) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let store = open(&path);
    for part in [0..10, 10..20, 20..30] {
        fill(&store, part);
        store.snapshot().unwrap();
    }
    fill(&store, 30..40);
    let model = Model::of(&store);
    store.close().unwrap();
    (dir, path, model)
}

fn files(path: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = path.read_dir().unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries
        .filter(|path| path.extension().is_some_and(|found| found == ending))
        .collect();
    files.sort();
    files
}

/// Changes the byte `back` before the end of `file`.
fn flip(file: &Path, back: usize) {
    let mut bytes = std::fs::read(file).unwrap();
    let at = bytes.len() - back;
    bytes[at] ^= 1;
    std::fs::write(file, bytes).unwrap();
}

#[test]
fn a_damaged_snapshot_is_passed_over_as_long_as_there_is_another() {
    let (dir, path, model) = filled();
    assert_eq!(first_lsn(&path, &RealFs).unwrap(), Lsn(21));
    let found = inspect(&path, &RealFs).unwrap();
    let used: Vec<_> = found
        .snapshots
        .iter()
        .map(|one| (one.lsn, one.is_used))
        .collect();
    assert_eq!(used, [(Lsn(30), true), (Lsn(20), false)]);
    assert_eq!(found.last_lsn, Lsn(40));

    let snapshots = files(&path, "kvs");
    flip(&snapshots[1], 1);
    let found = inspect(&path, &RealFs).unwrap();
    assert!(matches!(found.verdict, Verdict::Clean { .. }), "{found:?}");
    assert!(found.snapshots[0].damage.is_some() && found.snapshots[1].is_used);
    assert!(
        repair_by_truncating(&path, "aside", &RealFs)
            .unwrap()
            .is_none()
    );
    let into = dir.path().join("copy");
    copy(&path, &into, Target::End, &RealFs).unwrap();
    assert_eq!(files(&into, "kvs").len(), 1);
    assert_eq!(Model::of(&open(&into)), model);

    flip(&snapshots[0], 1);
    let found = inspect(&path, &RealFs).unwrap();
    assert!(matches!(found.verdict, Verdict::Damaged(_)), "{found:?}");
    assert!(repair_by_truncating(&path, "aside", &RealFs).is_err());
}

#[test]
fn log_that_only_an_older_snapshot_needs_may_be_damaged() {
    let (dir, path, model) = filled();
    flip(&files(&path, "log")[0], 40);
    let found = inspect(&path, &RealFs).unwrap();
    assert!(matches!(found.verdict, Verdict::Clean { .. }), "{found:?}");
    assert!(
        repair_by_truncating(&path, "aside", &RealFs)
            .unwrap()
            .is_none()
    );
    let into = dir.path().join("copy");
    copy(&path, &into, Target::End, &RealFs).unwrap();
    assert_eq!(Model::of(&open(&into)), model);
    assert_eq!(Model::of(&open(&path)), model);
}

#[test]
fn a_repair_cuts_after_the_snapshot() {
    let (_dir, path, _) = filled();
    let last = files(&path, "log").pop().unwrap();
    flip(&last, 200);
    let repaired = repair_by_truncating(&path, "aside", &RealFs)
        .unwrap()
        .unwrap();
    assert!(
        repaired.last_lsn >= Lsn(30) && repaired.last_lsn < Lsn(40),
        "{repaired:?}"
    );
    let store = open(&path);
    assert_eq!(store.len().unwrap(), repaired.last_lsn.0);
    assert_eq!(store.recovered().snapshot.unwrap().lsn, Lsn(30));
}

#[test]
fn a_lost_manifest_is_made_anew_with_the_snapshots() {
    let (_dir, path, model) = filled();
    std::fs::remove_file(path.join("MANIFEST")).unwrap();
    assert!(
        repair_by_truncating(&path, "aside", &RealFs)
            .unwrap()
            .is_some()
    );
    let store = open(&path);
    assert_eq!(Model::of(&store), model);
    assert_eq!(store.recovered().snapshot.unwrap().lsn, Lsn(30));
}

#[test]
fn copies_beside_a_store_that_makes_snapshots_are_whole() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let store = open(&path);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for turn in 0.. {
                if done.load(SeqCst) {
                    return;
                }
                fill(&store, turn * 5..turn * 5 + 5);
                store.snapshot().unwrap();
            }
        });
        for number in 0..10 {
            let keys = store.len().unwrap();
            let into = dir.path().join(format!("copy-{number}"));
            let copied = copy(&path, &into, Target::End, &RealFs);
            if copied.is_err() {
                done.store(true, SeqCst);
            }
            copied.unwrap();
            assert!(open(&into).len().unwrap() >= keys);
        }
        done.store(true, SeqCst);
    });
}
