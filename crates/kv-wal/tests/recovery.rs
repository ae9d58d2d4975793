//! Torn or damaged: what recovery makes of each state that a directory can be in.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use std::collections::BTreeMap;
use std::sync::Arc;

use kv_core::{KeyValue, Lsn, ManualClock, MemoryOptions};
use kv_wal::fs::Fs;
use kv_wal::testing::MemFs;
use kv_wal::{DurableOptions, DurableStore, OpenError, Recovered};

const HEADER_BYTES: usize = 4096;
/// Every value fills its frame to this size: header, tag, db, key length, key, value length, value, padding.
const FRAME_BYTES: usize = 128;
const VALUE: [u8; 80] = [0xee; 80];
/// So many frames fit into one of the small segments of these tests, and a seal.
const FRAMES_PER_SEGMENT: usize = 4;

type Files = BTreeMap<String, Vec<u8>>;

fn options(disk: &MemFs) -> DurableOptions {
    DurableOptions {
        segment_bytes: (HEADER_BYTES + FRAMES_PER_SEGMENT * FRAME_BYTES + 48) as u64,
        fs: Arc::new(disk.clone()),
        // Time that stands still leaves no marks between the frames.
        memory: MemoryOptions {
            clock: Arc::new(ManualClock::default()),
            ..MemoryOptions::default()
        },
        ..DurableOptions::default()
    }
}

/// The files of a store that has written `writes` keys, one frame each, and was killed.
fn killed(writes: u32) -> Files {
    write_and_kill(&MemFs::new(), writes)
}

fn write_and_kill(disk: &MemFs, writes: u32) -> Files {
    let store = DurableStore::open("kv", options(disk)).unwrap();
    for number in 0..writes {
        store.set(&number.to_le_bytes(), &VALUE).unwrap();
        // The manifest follows a rotation in the background, with what is durable then.
        let named = format!("newest-segment {}\n", store.stats().segment);
        while !String::from_utf8_lossy(&disk.files()["MANIFEST"]).contains(&named) {
            std::thread::yield_now();
        }
    }
    let mut files = disk.files();
    files.retain(|name, _| !name.ends_with(".tmp"));
    files
}

fn closed(writes: u32) -> Files {
    let disk = MemFs::with_files(&killed(writes));
    DurableStore::open("kv", options(&disk))
        .unwrap()
        .close()
        .unwrap();
    disk.files()
}

fn segments(files: &Files) -> Vec<String> {
    files
        .keys()
        .filter(|name| name.ends_with(".log"))
        .cloned()
        .collect()
}

fn open(files: &Files) -> Result<Recovered, OpenError> {
    let disk = MemFs::with_files(files);
    let store = DurableStore::open("kv", options(&disk))?;
    let recovered = store.recovered().clone();
    assert_eq!(KeyValue::len(&store).unwrap(), recovered.effects);
    // What was found is there a second time, and the log goes on after it.
    store.set(b"more", b"v").unwrap();
    store.close().unwrap();
    let store = DurableStore::open("kv", options(&disk)).unwrap();
    assert_eq!(store.recovered().effects, recovered.effects + 1);
    assert!(store.recovered().clean);
    Ok(recovered)
}

fn frame(number: usize) -> usize {
    HEADER_BYTES + number * FRAME_BYTES
}

/// The files of `killed(writes)`, after `change` to the segment with this place.
fn changed(writes: u32, segment: usize, change: impl FnOnce(&mut Vec<u8>)) -> Files {
    let mut files = killed(writes);
    let name = segments(&files)[segment].clone();
    change(files.get_mut(&name).unwrap());
    files
}

#[track_caller]
fn assert_damaged(files: &Files, file: &str, offset: usize, first_lost: u64) {
    match open(files) {
        Err(OpenError::Damaged {
            file: found,
            offset: at,
            first_lost_lsn,
            why,
        }) => {
            let found = found.to_string_lossy().into_owned();
            assert!(found.contains(file), "{found}: {why}");
            assert_eq!(
                (at, first_lost_lsn),
                (offset as u64, Lsn(first_lost)),
                "{why}"
            );
        }
        other => panic!("not damaged: {other:?}"),
    }
}

#[track_caller]
fn assert_torn(files: &Files, offset: usize, effects: u64) {
    let recovered = open(files).unwrap();
    assert_eq!(recovered.effects, effects);
    let dropped = recovered.dropped.unwrap();
    assert_eq!(dropped.offset, offset as u64);
    assert!(dropped.bytes > 0 && dropped.file.to_string_lossy().ends_with(".log"));
}

#[test]
fn the_log_of_these_tests_has_the_shape_they_count_on() {
    let files = killed(10);
    assert_eq!(segments(&files).len(), 3);
    let recovered = open(&files).unwrap();
    assert_eq!((recovered.segments, recovered.effects), (3, 10));
    assert_eq!((recovered.clean, recovered.dropped), (false, None));
}

#[test]
fn a_closed_log_is_clean() {
    let recovered = open(&closed(10)).unwrap();
    assert_eq!((recovered.clean, recovered.effects), (true, 10));
}

#[test]
fn the_last_frame_may_be_unfinished() {
    let last = frame(1);
    for (from, to) in [(0, 40), (0, 1), (39, 40), (40, 128), (100, 101), (8, 128)] {
        let torn = changed(10, 2, |bytes| bytes[last + from..last + to].fill(0x55));
        assert_torn(&torn, last, 9);
    }
    let half = changed(10, 2, |bytes| bytes.truncate(last + 50));
    assert_torn(&half, last, 9);
}

/// Once told as dropped: nothing behind the last frame said that it was durable.
#[test]
fn one_flipped_bit_in_the_last_frame_is_damage() {
    let last = frame(1);
    for bit in 0..FRAME_BYTES * 8 {
        let at = last + bit / 8;
        let flipped = changed(10, 2, |bytes| bytes[at] ^= 1 << (bit % 8));
        let name = segments(&flipped)[2].clone();
        assert_damaged(&flipped, &name, last, 10);
        let Err(error) = open(&flipped) else { continue };
        let told = format!("only bit {} of the byte at offset {at} is wrong", bit % 8);
        assert!(error.to_string().contains(&told), "{error}");
    }
}

/// The frame is such that what an unfinished write leaves is often the whole frame but for one bit.
#[test]
fn what_an_unfinished_write_leaves_is_never_called_a_flip() {
    let mut value = vec![0; 3000];
    for (at, byte) in [(0, 1), (700, 4), (1500, 0x80), (1501, 1), (2990, 2)] {
        value[at] = byte;
    }
    let disk = MemFs::new();
    let roomy = || DurableOptions {
        segment_bytes: 16 << 10,
        ..options(&disk)
    };
    let store = DurableStore::open("kv", roomy()).unwrap();
    store.set(&0_u32.to_le_bytes(), &VALUE).unwrap();
    store.set(b"sparse", &value).unwrap();
    let mut files = disk.files();
    files.retain(|name, _| !name.ends_with(".tmp"));
    let name = segments(&files)[0].clone();
    let end = files[&name].iter().rposition(|&byte| byte != 0).unwrap() + 1;
    let from = frame(1);
    assert!(end > from + value.len());
    let check = |told: String, change: &dyn Fn(&mut [u8])| {
        let mut changed = files.clone();
        change(changed.get_mut(&name).unwrap());
        let options = options(&MemFs::with_files(&changed));
        let (_, recovered) = DurableStore::recover_and_stop("kv", options).expect(&told);
        let expected = if changed == files { 2 } else { 1 };
        assert_eq!(recovered.effects, expected, "{told}");
    };
    for cut in from..=end {
        check(format!("cut at {cut}"), &|bytes| bytes[cut..].fill(0));
    }
    let sectors = from / 512..end.div_ceil(512);
    for lost in 1_u32..1 << sectors.len() {
        check(format!("lost sectors {lost:b}"), &|bytes| {
            for (number, sector) in sectors.clone().enumerate() {
                if (lost >> number) & 1 == 1 {
                    bytes[from.max(sector * 512)..end.min((sector + 1) * 512)].fill(0);
                }
            }
        });
    }
}

#[test]
fn zeros_end_the_log() {
    let lost = changed(10, 2, |bytes| bytes[frame(1)..].fill(0));
    let recovered = open(&lost).unwrap();
    assert_eq!((recovered.effects, recovered.dropped), (9, None));
}

#[test]
fn a_later_frame_proves_that_an_earlier_one_was_durable() {
    let mut files = changed(12, 2, |bytes| bytes[frame(1) + 60] ^= 1);
    let last = segments(&files)[2].clone();
    assert_damaged(&files, &last, frame(1), 10);
    // Zeros are no excuse either.
    files = changed(12, 2, |bytes| bytes[frame(1)..frame(2)].fill(0));
    assert_damaged(&files, &last, frame(1), 10);
    // Nor is a wrong length.
    files = changed(12, 2, |bytes| bytes[frame(1) + 4] ^= 0x80);
    assert_damaged(&files, &last, frame(1), 10);
}

#[test]
fn a_sealed_segment_ends_where_its_successor_says() {
    let names = segments(&killed(10));
    assert_damaged(
        &changed(10, 0, |bytes| bytes[frame(3) + 50] ^= 1),
        &names[0],
        frame(3),
        4,
    );
    assert_damaged(
        &changed(10, 1, |bytes| bytes.truncate(frame(2))),
        &names[1],
        frame(2),
        7,
    );
    assert_damaged(
        &changed(10, 1, |bytes| bytes[frame(4)..].fill(0)),
        &names[1],
        frame(4),
        9,
    );
    // What lies behind the end is dead.
    let dead = changed(10, 1, |bytes| *bytes.last_mut().unwrap() = 1);
    assert_eq!(open(&dead).unwrap().effects, 10);
}

#[test]
fn a_header_is_never_guessed() {
    let names = segments(&killed(10));
    for (place, first_lost) in [(0, 1), (1, 5), (2, 9)] {
        let flipped = changed(10, place, |bytes| bytes[100] ^= 4);
        assert_damaged(&flipped, &names[place], 0, first_lost);
        let empty = changed(10, place, Vec::clear);
        assert_damaged(&empty, &names[place], 0, first_lost);
    }
}

#[test]
fn a_missing_file_is_noticed_whichever_it_is() {
    let files = killed(10);
    let names = segments(&files);
    for (place, first_lost) in [(0, 1), (1, 5), (2, 9)] {
        let mut missing = files.clone();
        missing.remove(&names[place]);
        assert_damaged(&missing, &names[place], 0, first_lost);
    }
    let mut missing = files.clone();
    missing.remove("MANIFEST");
    assert_damaged(&missing, "MANIFEST", 0, 1);
    let mut missing = closed(10);
    let last = segments(&missing)[2].clone();
    missing.get_mut(&last).unwrap().truncate(frame(1));
    assert_damaged(&missing, &last, frame(1), 10);
}

#[test]
fn a_foreign_file_is_noticed() {
    let files = killed(10);
    let names = segments(&files);
    // A segment of another database with the same name.
    let mut foreign = files.clone();
    let disk = MemFs::new();
    disk.random();
    foreign.insert(
        names[1].clone(),
        write_and_kill(&disk, 10)[&names[1]].clone(),
    );
    assert_damaged(&foreign, &names[1], 0, 5);
    // One of this database with the name of another.
    let mut swapped = files.clone();
    swapped.insert(names[1].clone(), files[&names[0]].clone());
    assert_damaged(&swapped, &names[1], 0, 5);
    // One number twice.
    let mut twice = files.clone();
    twice.insert(names[1].replace("5.log", "6.log"), files[&names[1]].clone());
    assert!(matches!(open(&twice), Err(OpenError::Damaged { .. })));
    // What has no name of ours is none of ours.
    let mut stray = files.clone();
    stray.insert("notes.txt".into(), vec![1]);
    stray.insert("segment-9.tmp".into(), vec![2; 5000]);
    assert_eq!(open(&stray).unwrap().effects, 10);
}

#[test]
fn a_torn_tail_is_not_overwritten() {
    let torn = changed(10, 2, |bytes| bytes[frame(1) + 90] ^= 3);
    let last = segments(&torn)[2].clone();
    let disk = MemFs::with_files(&torn);
    for effects in [9, 9, 9] {
        let store = DurableStore::open("kv", options(&disk)).unwrap();
        assert_eq!(store.recovered().effects, effects);
    }
    assert_eq!(disk.files()[&last], torn[&last]);
    // The tail was reported once; now the next segment says where this one ends.
    assert_eq!(open(&disk.files()).unwrap().dropped, None);
}

#[test]
fn refusing_changes_nothing() {
    let damaged = changed(10, 1, |bytes| bytes[frame(1) + 50] ^= 1);
    let disk = MemFs::with_files(&damaged);
    let refused = DurableStore::open("kv", options(&disk));
    assert!(matches!(refused, Err(OpenError::Damaged { .. })));
    assert_eq!((disk.files(), disk.writes()), (damaged, 0));
}

#[test]
fn a_log_with_more_databases_than_configured_is_refused() {
    use kv_core::{At, Db, KeySet, Store, StringValue, UnixMillis};
    let disk = MemFs::new();
    let store = DurableStore::open("kv", options(&disk)).unwrap();
    let at = At {
        db: Db(9),
        now: UnixMillis(0),
    };
    let lsn = store
        .write(at, KeySet::One(b"k"), &mut |txn| {
            txn.set_string(b"k", StringValue::new(b"v"), None);
        })
        .unwrap();
    store.wait(lsn).unwrap();
    store.close().unwrap();
    let mut options = options(&disk);
    options.memory.databases = 4;
    let refused = DurableStore::open("kv", options);
    assert!(matches!(
        refused,
        Err(OpenError::TooFewDatabases {
            found: Db(9),
            databases: 4
        })
    ));
}

#[test]
fn progress_is_told() {
    use std::sync::Mutex;
    let disk = MemFs::new();
    let big = || DurableOptions {
        segment_bytes: 8 << 20,
        ..options(&disk)
    };
    let store = DurableStore::open("kv", big()).unwrap();
    for number in 0..20_u8 {
        store.set(&[number], &vec![number; 1 << 20]).unwrap();
    }
    store.close().unwrap();
    let told = Arc::new(Mutex::new(Vec::new()));
    let telling = Arc::clone(&told);
    let store = DurableStore::open(
        "kv",
        DurableOptions {
            on_progress: Some(Arc::new(move |progress| {
                telling.lock().unwrap().push(*progress)
            })),
            ..big()
        },
    )
    .unwrap();
    let told = told.lock().unwrap();
    assert!(told.len() >= 4, "{told:?}");
    assert!(told.is_sorted_by_key(|progress| (progress.segment, progress.bytes_done)));
    assert!(
        told.iter()
            .all(|progress| progress.bytes_done <= progress.bytes_total)
    );
    assert!(store.recovered().bytes > 20 << 20);
}
