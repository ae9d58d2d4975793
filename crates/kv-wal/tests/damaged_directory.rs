//! Damage to a whole directory, as somebody does it who knows nothing of its insides: any bit of any file, any
//! cut, files that are missing, doubled, swapped, emptied or foreign.
//!
//! The rule: a start is refused, with the file, or the data is what it was. Only the end of the last segment
//! that was never synced may be lost, and then the start says so.
//!
//! The directories are made by the store itself, with several segments, two snapshots and a manifest.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use std::collections::BTreeMap;
use std::sync::Arc;

use kv_core::testing::model::Model;
use kv_core::{KeyValue, MemoryOptions};
use kv_wal::testing::MemFs;
use kv_wal::{DurableOptions, DurableStore, Encoding, OpenError, Recovered, SnapshotRule};

type Files = BTreeMap<String, Vec<u8>>;

/// What the files of a test are called and hold, and the data that they mean.
struct Original {
    files: Files,
    model: Model,
    /// The data after each effect, the first being none.
    history: Vec<Model>,
    /// Whether the store was closed in order.
    closed: bool,
}

fn options(disk: &MemFs, encoding: Encoding) -> DurableOptions {
    DurableOptions {
        segment_bytes: 16 << 10,
        encoding,
        snapshots: SnapshotRule::NEVER,
        snapshot_bytes_per_second: 0,
        fs: Arc::new(disk.clone()),
        memory: MemoryOptions {
            // Each start makes them all.
            stripes: 16,
            ..MemoryOptions::default()
        },
        ..DurableOptions::default()
    }
}

/// A directory with log, a snapshot, log, a snapshot and log, each of several segments.
fn original(encoding: Encoding, closed: bool) -> Original {
    let disk = MemFs::new();
    let store = DurableStore::open("db", options(&disk, encoding)).unwrap();
    let mut history = vec![Model::of(&store)];
    for part in 0..3_u32 {
        for number in 0..40_u32 {
            let key = format!("key:{}", (number * 7 + part) % 60);
            store
                .set(key.as_bytes(), &value(part * 40 + number))
                .unwrap();
            history.push(Model::of(&store));
        }
        if part < 2 {
            store.snapshot().unwrap();
        }
    }
    let model = Model::of(&store);
    let files = if closed {
        store.close().unwrap();
        disk.files()
    } else {
        // As a crash would leave it: everything was acknowledged, so everything is on the disk. Some moments after
        // a segment is there the manifest names it; until then nothing proves that there was one.
        loop {
            let files = disk.files();
            let mut without_last = files.clone();
            let last = files.keys().rev().find(|name| name.ends_with(".log"));
            without_last.remove(last.unwrap());
            if matches!(start(&without_last), Start::Refused(_)) {
                break files;
            }
            std::thread::yield_now();
        }
    };
    let count = |ending: &str| files.keys().filter(|name| name.ends_with(ending)).count();
    assert_eq!((count(".kvs"), files.contains_key("MANIFEST")), (2, true));
    assert!(count(".log") >= 4, "{:?}", files.keys());
    Original {
        files,
        model,
        history,
        closed,
    }
}

fn value(number: u32) -> Vec<u8> {
    let length = 10 + number as usize * 13 % 700;
    let mut value = number.to_le_bytes().repeat(length / 4 + 1);
    value.truncate(length);
    value
}

fn originals() -> Vec<Original> {
    let both = [Encoding::Binary, Encoding::Json];
    both.into_iter()
        .flat_map(|encoding| [true, false].map(|closed| original(encoding, closed)))
        .collect()
}

impl Original {
    /// The name of the newest segment.
    fn last_segment(&self) -> String {
        let mut names = self.files.keys().rev();
        names.find(|name| name.ends_with(".log")).unwrap().clone()
    }
}

/// What came of a start.
enum Start {
    Refused(OpenError),
    Data(Model, Recovered),
}

fn start(files: &Files) -> Start {
    let disk = MemFs::with_files(files);
    match DurableStore::open("db", options(&disk, Encoding::Binary)) {
        Err(error) => {
            assert_eq!(
                &disk.files(),
                files,
                "a start that is refused has changed files"
            );
            Start::Refused(error)
        }
        Ok(store) => Start::Data(Model::of(&store), store.recovered().clone()),
    }
}

/// Starts from `files`; whether it was refused. `what` was done to them.
///
/// # Panics
///
/// When the data is neither refused nor the same.
#[track_caller]
fn refused_or_same(original: &Original, files: &Files, what: &str) -> bool {
    match start(files) {
        Start::Refused(OpenError::Damaged { file, why, .. }) => {
            assert!(file.starts_with("db") && !why.is_empty(), "{what}");
            true
        }
        Start::Refused(OpenError::Unsupported { .. }) => true,
        Start::Refused(error) => panic!("{what}: {error}"),
        Start::Data(model, recovered) => {
            let lsn = usize::try_from(recovered.last_lsn.0).unwrap();
            let all = original.history.len() - 1;
            // Nothing proves yet that the last commit of a log that was killed had been synced.
            let is_unproven = !original.closed && lsn + 1 == all && recovered.dropped.is_some();
            assert!(
                model == original.history[lsn] && (lsn == all || is_unproven),
                "{what}: it started with other data, as of LSN {lsn}"
            );
            false
        }
    }
}

/// Numbers that look random and are the same in every run (`xorshift`).
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap() % end
    }
}

fn cases(ordinary: usize) -> usize {
    if std::env::var_os("KV_TEST_LONG").is_some() {
        ordinary * 50
    } else {
        ordinary
    }
}

#[test]
fn any_flipped_bit_is_refused_or_changes_nothing() {
    for original in originals() {
        let mut chance = Chance(0x5eed);
        let total: usize = original.files.values().map(Vec::len).sum();
        let (mut refused, tried) = (0, cases(600));
        for _ in 0..tried {
            let mut at = chance.below(total);
            let (name, _) = original
                .files
                .iter()
                .find(|(_, bytes)| {
                    let here = at < bytes.len();
                    at -= if here { 0 } else { bytes.len() };
                    here
                })
                .unwrap();
            let bit = chance.below(8);
            let mut files = original.files.clone();
            files.get_mut(name).unwrap()[at] ^= 1 << bit;
            let what = format!("bit {bit} at {at} of {name}");
            refused += usize::from(refused_or_same(&original, &files, &what));
        }
        // Most bytes are zeros behind the log, or in snapshots of which one is enough.
        assert!(refused > tried / 20 && refused < tried, "{refused}");
    }
}

#[test]
fn every_flipped_bit_of_the_manifest_and_of_headers_is_refused_or_changes_nothing() {
    let original = original(Encoding::Json, true);
    for (name, bytes) in &original.files {
        // All fields of a header, and for a snapshot its first block's too.
        let part = if name == "MANIFEST" { bytes.len() } else { 96 };
        for bit in 0..part.min(bytes.len()) * 8 {
            let mut files = original.files.clone();
            files.get_mut(name).unwrap()[bit / 8] ^= 1 << (bit % 8);
            let what = format!("bit {bit} of {name}");
            let refused = refused_or_same(&original, &files, &what);
            assert!(refused || name != "MANIFEST", "{what}");
        }
    }
}

#[test]
fn any_cut_is_refused_or_changes_nothing_but_an_unproven_end() {
    for original in originals() {
        let last = original.last_segment();
        let mut chance = Chance(0xc07);
        for (name, bytes) in original.files.iter().filter(|(name, _)| **name != last) {
            for turn in 0..cases(40) {
                let length = if turn == 0 {
                    0
                } else {
                    chance.below(bytes.len())
                };
                let mut files = original.files.clone();
                files.get_mut(name).unwrap().truncate(length);
                refused_or_same(&original, &files, &format!("{name} cut to {length}"));
            }
        }
        // From its last byte to before its header.
        let bytes = &original.files[&last];
        let used = bytes.iter().rposition(|&byte| byte != 0).unwrap();
        let (mut lost, mut told) = (0, 0);
        for turn in 0..cases(200) {
            let length = if turn < 60 {
                used - turn
            } else {
                chance.below(used)
            };
            let mut files = original.files.clone();
            files.get_mut(&last).unwrap().truncate(length);
            let what = format!("{last} cut to {length}");
            match start(&files) {
                Start::Refused(OpenError::Damaged { .. }) => {}
                Start::Refused(error) => panic!("{what}: {error}"),
                Start::Data(model, recovered) => {
                    let lsn = usize::try_from(recovered.last_lsn.0).unwrap();
                    assert!(
                        model == original.history[lsn],
                        "{what}: not the data of LSN {lsn}"
                    );
                    lost += usize::from(lsn + 1 < original.history.len());
                    told += usize::from(recovered.dropped.is_some());
                }
            }
        }
        // A cut between two frames leaves no trace; there are few such places.
        assert!(told * 2 >= lost, "{lost} ends were lost, {told} were told");
    }
}

#[test]
fn files_that_are_missing_doubled_swapped_or_empty_are_refused_or_change_nothing() {
    for original in originals() {
        let names: Vec<&String> = original.files.keys().collect();
        for name in &names {
            let mut files = original.files.clone();
            let bytes = files.remove(*name).unwrap();
            refused_or_same(&original, &files, &format!("{name} missing"));
            files.insert((*name).clone(), Vec::new());
            refused_or_same(&original, &files, &format!("{name} empty"));
            files.insert((*name).clone(), vec![0; bytes.len()]);
            refused_or_same(&original, &files, &format!("{name} all zeros"));

            for other in &names {
                let mut files = original.files.clone();
                files.insert((*other).clone(), bytes.clone());
                if name != other {
                    let what = format!("{other} replaced by {name}");
                    refused_or_same(&original, &files, &what);
                    let replaced = original.files[*other].clone();
                    files.insert((*name).clone(), replaced);
                    let what = format!("{name} and {other} swapped");
                    refused_or_same(&original, &files, &what);
                }
            }
        }
    }
}

#[test]
fn files_of_others_are_left_alone() {
    let original = original(Encoding::Binary, true);
    let mut files = original.files.clone();
    let foreign = [
        "README",
        "notes.log",
        "wal-1-1.log",
        "snap-1.kvs",
        "wal-0000000001.log.gz",
        "core",
        "MANIFEST.bak",
        ".hidden",
    ];
    for name in foreign {
        files.insert(name.to_owned(), b"not ours".to_vec());
    }
    let disk = MemFs::with_files(&files);
    let store = DurableStore::open("db", options(&disk, Encoding::Binary)).unwrap();
    assert!(Model::of(&store) == original.model);
    store.close().unwrap();
    for name in foreign {
        assert_eq!(disk.files()[name], b"not ours", "{name}");
    }
}

#[test]
fn a_copy_of_a_file_under_another_name_of_ours_is_refused_or_changes_nothing() {
    let original = original(Encoding::Binary, true);
    let names: Vec<&String> = original.files.keys().collect();
    for name in names {
        let Some((kind, _)) = name.split_once('-') else {
            continue;
        };
        for number in [0_u64, 1, 2, 7, 99, u64::MAX] {
            let copy = match kind {
                "wal" => format!("wal-{number:010}-{number:020}.log"),
                _ => format!("snap-{number:020}.kvs"),
            };
            let mut files = original.files.clone();
            files.insert(copy.clone(), original.files[name].clone());
            refused_or_same(&original, &files, &format!("{name} also as {copy}"));
        }
    }
}
