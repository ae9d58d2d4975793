//! What only a real process on a real disk can show: being killed at any moment, and two at one directory.
//!
//! The child is this program again, told by the environment what to do.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{env, thread};

use kv_core::KeyValue;
use kv_wal::{Durability, DurableOptions, DurableStore, Encoding, OpenError};

const CHILD_DIR: &str = "KV_WAL_TEST_CHILD_DIR";
const CHILD_POLICY: &str = "KV_WAL_TEST_CHILD_POLICY";

const KILLS: u64 = 6;
const WRITERS: u64 = 4;
const KEYS: u64 = 50;

/// Small segments, so that kills hit rotations too.
fn options(durability: Durability, encoding: Encoding) -> DurableOptions {
    DurableOptions {
        durability,
        encoding,
        segment_bytes: 128 << 10,
        ..DurableOptions::default()
    }
}

/// Not a test of its own: what the child does when this program is started as one.
#[test]
fn child() {
    let Ok(dir) = env::var(CHILD_DIR) else {
        return;
    };
    let durability = env::var(CHILD_POLICY).unwrap().parse().unwrap();
    let store = DurableStore::open(&dir, options(durability, Encoding::Binary)).unwrap();
    println!("\nopen");
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let store = &store;
            scope.spawn(move || write_for_ever(store, writer));
        }
    });
}

/// Counts each of the writer's keys up, and says after each acknowledgement which value is there.
fn write_for_ever(store: &DurableStore, writer: u64) {
    let mut round: u64 = 0;
    loop {
        for number in 0..KEYS {
            let key = format!("{writer}:{number}");
            let before = store.get(key.as_bytes()).unwrap();
            let before = before.map_or(0, |value| String::from_utf8_lossy(&value).parse().unwrap());
            let value: u64 = before + 1;
            store
                .set(key.as_bytes(), value.to_string().as_bytes())
                .unwrap();
            // One write per line: a kill cannot leave half of one.
            let line = format!("{key} {value}\n");
            std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
        }
        round += 1;
        let pad = format!("pad:{writer}:{}", round % 8);
        store.set(pad.as_bytes(), &[b'x'; 3000]).unwrap();
    }
}

fn start_child(
    dir: &Path,
    durability: Durability,
) -> (Child, BufReader<std::process::ChildStdout>) {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["child", "--exact", "--nocapture", "--test-threads=1"])
        .env(CHILD_DIR, dir)
        .env(CHILD_POLICY, durability.name())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while line != "open\n" {
        line.clear();
        assert!(
            output.read_line(&mut line).unwrap() > 0,
            "the child has not opened"
        );
    }
    (child, output)
}

fn killed_writers_lose_nothing(durability: Durability) {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("kv");
    let mut acknowledged: HashMap<String, u64> = HashMap::new();
    for kill in 0..KILLS {
        let (mut child, output) = start_child(&dir, durability);
        let killer = thread::spawn(move || {
            thread::sleep(Duration::from_millis(50 + 37 * kill));
            child.kill().unwrap();
            child.wait().unwrap();
        });
        for line in output.lines() {
            let line = line.unwrap();
            let (key, value) = line.split_once(' ').unwrap();
            acknowledged.insert(key.into(), value.parse().unwrap());
        }
        killer.join().unwrap();
        // In the other encoding than the child's, so that the two take turns in one directory.
        let store = DurableStore::open(&dir, options(durability, Encoding::Json)).unwrap();
        assert!(!store.recovered().clean);
        let mut keys: Vec<_> = acknowledged.iter().collect();
        keys.sort_unstable();
        for (key, &told) in keys {
            let found = store.get(key.as_bytes()).unwrap().unwrap();
            let found: u64 = String::from_utf8_lossy(&found).parse().unwrap();
            assert!(
                found == told || found == told + 1,
                "{key}: told {told}, found {found}"
            );
        }
        store.set(b"checked", kill.to_string().as_bytes()).unwrap();
    }
    assert!(acknowledged.len() > 10, "{}", acknowledged.len());
}

#[test]
fn killed_writers_lose_nothing_under_always() {
    killed_writers_lose_nothing(Durability::Always);
}

#[test]
fn killed_writers_lose_nothing_under_everysec() {
    killed_writers_lose_nothing(Durability::EverySec);
}

#[test]
fn killed_writers_lose_nothing_under_no() {
    killed_writers_lose_nothing(Durability::No);
}

#[test]
fn a_second_process_is_told_who_has_the_directory() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("kv");
    let (mut child, _output) = start_child(&dir, Durability::No);
    let refused = DurableStore::open(&dir, options(Durability::No, Encoding::Binary));
    let Err(OpenError::Locked { pid, .. }) = refused else {
        panic!("not locked");
    };
    assert_eq!(pid, Some(child.id()));
    child.kill().unwrap();
    child.wait().unwrap();
    DurableStore::open(&dir, options(Durability::No, Encoding::Binary)).unwrap();
}

#[test]
fn files_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("kv");
    let store = DurableStore::open(&dir, DurableOptions::default()).unwrap();
    store.set(b"k", b"v").unwrap();
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&dir), 0o700);
    for entry in dir.read_dir().unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }
    store.close().unwrap();
}
