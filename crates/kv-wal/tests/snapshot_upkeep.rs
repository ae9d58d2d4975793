//! Looking after directories with snapshots: what is needed, what is passed over, what a repair keeps, and copies
//! beside a store that makes snapshots.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use kv_core::testing::model::Model;
use kv_core::{Db, Effect, KeyValue, Lsn, StringValue};
use kv_wal::fs::RealFs;
use kv_wal::{
    DurableOptions, DurableStore, Repaired, SnapshotRule, Target, Verdict, copy, first_lsn,
    inspect, read_log, repair_by_truncating,
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
    assert_eq!(found.older_log_damage, None);
    let effects: u64 = found.segments.iter().map(|segment| segment.effects).sum();
    assert_eq!(effects, 20, "the log of the older snapshot is read too");
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
    let into = dir.path().join("copy");
    copy(&path, &into, Target::End, &RealFs).unwrap();
    assert_eq!(files(&into, "kvs").len(), 1);
    assert_eq!(Model::of(&open(&into)), model);

    flip(&snapshots[0], 1);
    let found = inspect(&path, &RealFs).unwrap();
    assert!(matches!(found.verdict, Verdict::Damaged(_)), "{found:?}");
    let repaired = repair_by_truncating(&path, "aside", &RealFs);
    let told = repaired.unwrap_err().to_string();
    assert!(told.contains(&snapshots[1].display().to_string()), "{told}");
    assert!(told.contains("restore a backup"), "{told}");
    assert!(!path.join("aside").exists());
}

/// Repairs `path`, and checks that what was there lies aside and that the directory starts.
#[track_caller]
fn repaired(path: &Path) -> (Repaired, Model) {
    let before = contents(path);
    let repaired = repair_by_truncating(path, "aside", &RealFs)
        .unwrap()
        .unwrap();
    let after = contents(path);
    let aside = contents(&path.join("aside"));
    for (name, bytes) in &before {
        if name != "LOCK" && after.get(name) != Some(bytes) {
            assert_eq!(aside.get(name), Some(bytes), "{name} is not aside");
        }
    }
    let names: Vec<_> = aside.keys().cloned().collect();
    assert_eq!(names, repaired.files);
    assert!(
        repair_by_truncating(path, "again", &RealFs)
            .unwrap()
            .is_none(),
        "it is still damaged"
    );
    let found = inspect(path, &RealFs).unwrap();
    assert!(matches!(found.verdict, Verdict::Clean { .. }), "{found:?}");
    let into = path.with_extension("backup");
    let copied = copy(path, &into, Target::End, &RealFs).unwrap();
    assert_eq!(copied.last_lsn, repaired.last_lsn);
    let store = open(path);
    assert_eq!(store.recovered().last_lsn, repaired.last_lsn);
    assert_eq!(store.recovered().passed_over, None);
    let model = Model::of(&store);
    assert_eq!(Model::of(&open(&into)), model);
    // Life goes on behind what was kept, and comes back.
    store.set(b"after", b"repair").unwrap();
    store.close().unwrap();
    let store = open(path);
    assert_eq!(store.get(b"after").unwrap().unwrap(), "repair");
    assert_eq!(store.recovered().last_lsn, repaired.last_lsn.advanced_by(1));
    (repaired, model)
}

fn contents(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = path.read_dir().unwrap().map(|entry| entry.unwrap());
    entries
        .filter(|entry| entry.path().is_file())
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, std::fs::read(entry.path()).unwrap())
        })
        .collect()
}

#[test]
fn a_damaged_snapshot_that_a_start_can_do_without_is_put_aside() {
    for which in [0, 1] {
        let (_dir, path, model) = filled();
        let snapshot = files(&path, "kvs").swap_remove(which);
        flip(&snapshot, 1);
        let (repaired, kept) = repaired(&path);
        assert_eq!(kept, model);
        assert_eq!(
            (repaired.last_lsn, repaired.last_known_lsn),
            (Lsn(40), Lsn(40))
        );
        let name = snapshot.file_name().unwrap().to_str().unwrap();
        assert!(
            repaired.files.iter().any(|file| file == name),
            "{repaired:?}"
        );
        let other = Lsn(if which == 0 { 30 } else { 20 });
        assert_eq!(repaired.snapshot, Some(other));
    }
}

#[test]
fn a_log_that_breaks_before_the_end_of_the_snapshot_leaves_the_snapshot() {
    // The segment that a start begins with, its header or all of it.
    for way in 0..3 {
        let (_dir, path, _) = filled();
        let log = files(&path, "log");
        let first = log
            .iter()
            .find(|file| name_of(file).contains("00031.log"))
            .unwrap();
        match way {
            0 => flip_at(first, 100),
            1 => std::fs::remove_file(first).unwrap(),
            _ => std::fs::write(first, b"").unwrap(),
        }
        let (repaired, kept) = repaired(&path);
        assert_eq!(
            (repaired.snapshot, repaired.last_lsn),
            (Some(Lsn(30)), Lsn(30))
        );
        assert_eq!(repaired.last_known_lsn, Lsn(40));
        let mut expected = Model::default();
        for key in 0..30_u32 {
            set(&mut expected, &key.to_le_bytes());
        }
        assert_eq!(kept, expected);
    }
}

#[test]
fn the_older_snapshot_and_the_log_up_to_the_break_are_left_when_the_newer_is_broken_too() {
    let (_dir, path, _) = filled();
    flip(&files(&path, "kvs")[1], 1);
    let log = files(&path, "log");
    let first = log
        .iter()
        .find(|file| name_of(file).contains("00021.log"))
        .unwrap();
    // In the payload of some frame behind the first.
    flip_at(first, 4096 + 200);
    let (repaired, _) = repaired(&path);
    assert_eq!(repaired.snapshot, Some(Lsn(20)));
    assert!(
        repaired.last_lsn >= Lsn(21) && repaired.last_lsn < Lsn(30),
        "{repaired:?}"
    );
    assert_eq!(repaired.last_known_lsn, Lsn(40));
}

#[test]
fn a_lost_manifest_is_made_anew_from_whatever_else_is_left() {
    // With everything, without the segments, with a broken newest snapshot.
    for way in 0..3 {
        let (_dir, path, model) = filled();
        if way == 0 {
            std::fs::write(path.join("MANIFEST"), b"nothing of use").unwrap();
        } else {
            std::fs::remove_file(path.join("MANIFEST")).unwrap();
        }
        if way == 1 {
            for file in files(&path, "log") {
                std::fs::remove_file(file).unwrap();
            }
        }
        if way == 2 {
            flip(&files(&path, "kvs")[1], 1);
        }
        let (repaired, kept) = repaired(&path);
        let last = Lsn(if way == 1 { 30 } else { 40 });
        assert_eq!(repaired.last_lsn, last);
        assert_eq!(kept == model, way != 1);
    }
}

fn name_of(file: &Path) -> &str {
    file.file_name().unwrap().to_str().unwrap()
}

fn set(model: &mut Model, key: &[u8]) {
    model.apply(&Effect::SetString {
        db: Db(0),
        key,
        value: StringValue::new(b"value"),
        expires: None,
    });
}

/// Changes the byte at `at` of `file`.
fn flip_at(file: &Path, at: usize) {
    let mut bytes = std::fs::read(file).unwrap();
    bytes[at] ^= 1;
    std::fs::write(file, bytes).unwrap();
}

#[test]
fn log_that_only_an_older_snapshot_needs_may_be_damaged() {
    let (dir, path, model) = filled();
    flip(&files(&path, "log")[0], 40);
    let found = inspect(&path, &RealFs).unwrap();
    assert!(matches!(found.verdict, Verdict::Clean { .. }), "{found:?}");
    // It is told all the same: the older snapshot is of no use without it.
    let damage = found.older_log_damage.unwrap();
    assert!(damage.contains("is damaged at offset"), "{damage}");
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
fn copies_and_looks_beside_a_store_that_makes_snapshots_are_whole() {
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
            let inspected = inspect(&path, &RealFs);
            let dumped = read_log(&path, &RealFs, &mut |_| true);
            if copied.is_err() || inspected.is_err() || dumped.is_err() {
                done.store(true, SeqCst);
            }
            dumped.unwrap();
            let verdict = inspected.unwrap().verdict;
            assert!(matches!(verdict, Verdict::InUse { .. }), "{verdict:?}");
            copied.unwrap();
            assert!(open(&into).len().unwrap() >= keys);
        }
        done.store(true, SeqCst);
    });
}
