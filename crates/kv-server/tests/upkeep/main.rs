//! What operators do with a data directory: `wal verify`, `wal dump`, `wal repair`, `--repair`, `--recover-to` and
//! `backup`, as typed at a shell.

#![expect(
    clippy::unwrap_used,
    reason = "what fails while a test is prepared fails the test"
)]

mod copies;
mod faults;
#[path = "../process/mod.rs"]
mod process;
mod repair;

use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use process::{Process, program, resp, run};
use tempfile::TempDir;

/// Small enough that a few writes make several segments.
const SMALL_SEGMENTS: [&str; 2] = ["--segment-size", "64kb"];

/// Bytes of a value of which a small segment takes about twenty.
const VALUE_BYTES: usize = 3000;

/// The first frame of a segment begins here.
const HEADER_BYTES: u64 = 4096;

/// Runs the program to its end: exit code, standard output, standard error.
fn kv(arguments: &[&str]) -> (Option<i32>, String, String) {
    run(program().args(arguments))
}

fn text(path: &Path) -> &str {
    path.to_str().expect("temporary paths are UTF-8")
}

/// A directory with `count` keys in segments of their own, written by a server that has ended in order.
fn filled(count: usize) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let server = Process::start(dir.path(), &SMALL_SEGMENTS);
    fill(&server, count);
    assert_eq!(server.terminate().code(), Some(0));
    dir
}

/// Sets key:1 to key:`count`, each as one commit.
fn fill(server: &Process, count: usize) {
    let mut wire = server.connect();
    let value = "x".repeat(VALUE_BYTES);
    for number in 1..=count {
        wire.talk(resp(&["SET", &format!("key:{number}"), &value]), "+OK\r\n");
    }
}

fn segments(data: &Path) -> Vec<PathBuf> {
    let mut segments: Vec<PathBuf> = data
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "log"))
        .collect();
    segments.sort();
    segments
}

/// The contents of all files, the lock aside.
fn contents(data: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    data.read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file() && !path.ends_with("LOCK"))
        .map(|path| (path.clone(), std::fs::read(path).unwrap()))
        .collect()
}

/// Changes one byte of a frame in the middle of `segment`.
fn damage(segment: &Path) {
    let file = std::fs::File::options().write(true).open(segment).unwrap();
    let at = HEADER_BYTES + 10 * VALUE_BYTES as u64;
    file.write_all_at(b"\xff", at).unwrap();
}

/// The LSNs that a dump shows as changes.
fn dumped_lsns(dump: &str) -> Vec<u64> {
    dump.lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .filter(|entry| entry["op"] != "time")
        .map(|entry| entry["lsn"].as_u64().unwrap())
        .collect()
}

fn count_keys(server: &Process) -> usize {
    let mut wire = server.connect();
    wire.send(resp(&["DBSIZE"])).unwrap();
    let line = wire.line().unwrap();
    line.trim_start_matches(':').trim().parse().unwrap()
}

#[test]
fn a_clean_directory_is_verified_and_not_changed() {
    let dir = filled(50);
    let data = dir.path().join("data");
    let before = contents(&data);
    let (code, said, _) = kv(&["wal", "verify", text(&data)]);
    assert_eq!(code, Some(0));
    assert!(said.contains("clean, shut down in order"), "{said}");
    assert!(said.contains("last LSN 50"), "{said}");

    let (code, said, _) = kv(&["wal", "verify", text(&data), "--json"]);
    assert_eq!(code, Some(0));
    let report: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(report["verdict"], "clean");
    assert_eq!(report["last_lsn"], 50);
    let segments = report["segments"].as_array().unwrap();
    assert!(segments.len() >= 2);
    let effects: u64 = segments
        .iter()
        .map(|segment| segment["effects"].as_u64().unwrap())
        .sum();
    assert_eq!(effects, 50);
    assert_eq!(contents(&data), before);
}

#[test]
fn where_there_is_no_database_nothing_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("missing");
    for arguments in [
        &["wal", "verify", text(&missing)][..],
        &["wal", "dump", text(&missing)],
        &["wal", "repair", text(&missing), "--truncate"],
        &["backup", text(&missing), text(&dir.path().join("copy"))],
    ] {
        let (code, _, said) = kv(arguments);
        assert_eq!(code, Some(1), "{arguments:?}: {said}");
        assert!(said.contains("missing"), "{said}");
    }
    let (code, _, said) = kv(&["wal", "verify", text(dir.path())]);
    assert_eq!(code, Some(1));
    assert!(said.contains("there is no database in"), "{said}");
    assert_eq!(dir.path().read_dir().unwrap().count(), 0);
}

#[test]
fn a_torn_tail_is_told_and_left() {
    let dir = tempfile::tempdir().unwrap();
    let server = Process::start(dir.path(), &SMALL_SEGMENTS);
    fill(&server, 5);
    server.kill();
    let data = dir.path().join("data");
    let last = segments(&data).pop().unwrap();
    // As if the machine had stopped in the middle of the next write.
    let (_, said, _) = kv(&["wal", "verify", text(&data), "--json"]);
    let report: serde_json::Value = serde_json::from_str(&said).unwrap();
    let end = report["segments"][0]["used_bytes"].as_u64().unwrap();
    let file = std::fs::File::options().write(true).open(&last).unwrap();
    file.write_all_at(&[7; 100], end).unwrap();

    let before = contents(&data);
    let (code, said, _) = kv(&["wal", "verify", text(&data)]);
    assert_eq!(code, Some(0), "{said}");
    let expected = format!("torn: a start drops an unfinished write of 100 bytes at offset {end}");
    assert!(said.contains(&expected), "{said}");
    assert_eq!(contents(&data), before);

    let server = Process::start(dir.path(), &SMALL_SEGMENTS);
    assert!(
        server
            .greeting
            .contains("dropped an unfinished write of 100 bytes")
    );
    assert_eq!(count_keys(&server), 5);
}

#[test]
fn damage_is_told_with_its_place_and_a_way_out() {
    let dir = filled(50);
    let data = dir.path().join("data");
    let second = segments(&data)[1].clone();
    damage(&second);
    let before = contents(&data);

    let (code, said, error) = kv(&["wal", "verify", text(&data)]);
    assert_eq!(code, Some(3), "{said}");
    assert!(
        error.contains(&format!("{} is damaged at offset", text(&second))),
        "{error}"
    );
    assert!(error.contains("the first lost LSN is "), "{error}");
    assert!(error.contains("wal repair"), "{error}");

    let (code, said, error) = kv(&["wal", "dump", text(&data)]);
    assert_eq!(code, Some(3));
    assert!(error.contains("is damaged at offset"), "{error}");
    let lsns = dumped_lsns(&said);
    assert!(lsns.len() > 20 && lsns.len() < 50, "{}", lsns.len());
    assert!(lsns.iter().copied().eq(1..=lsns.len() as u64));

    let copy = dir.path().join("copy");
    let (code, _, error) = kv(&["backup", text(&data), text(&copy)]);
    assert_eq!(code, Some(3));
    assert!(
        error.contains("what is damaged is not backed up"),
        "{error}"
    );
    assert_eq!(contents(&data), before);
}

#[test]
fn log_of_an_older_snapshot_is_verified_too() {
    let dir = tempfile::tempdir().unwrap();
    let server = Process::start(dir.path(), &SMALL_SEGMENTS);
    fill(&server, 30);
    let mut wire = server.connect();
    wire.talk(resp(&["SAVE"]), "+OK\r\n");
    fill(&server, 30);
    wire.talk(resp(&["SAVE"]), "+OK\r\n");
    assert_eq!(server.terminate().code(), Some(0));
    let data = dir.path().join("data");
    damage(&segments(&data)[0]);
    let (code, said, _) = kv(&["wal", "verify", text(&data)]);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("the log that only the older snapshot needs is of no use"),
        "{said}"
    );
    assert!(
        said.contains(&format!(
            "{} is damaged at offset",
            text(&segments(&data)[0])
        )),
        "{said}"
    );
}

#[test]
fn more_than_a_pipe_holds_is_read_to_its_end() {
    let (code, said, _) =
        run(Command::new("sh").args(["-c", "yes | head -c 300000; yes | head -c 300000 >&2"]));
    assert_eq!((code, said.len()), (Some(0), 300_000));
}

#[test]
fn both_encodings_are_dumped_as_json_lines() {
    for format in ["binary", "json"] {
        let dir = tempfile::tempdir().unwrap();
        let server = Process::start(dir.path(), &["--wal-format", format]);
        let mut wire = server.connect();
        wire.talk(resp(&["SET", "user:1", "Ada"]), "+OK\r\n");
        wire.talk(
            resp(&["MSET", "User:2", "\u{e9}\n", "user:3", "7"]),
            "+OK\r\n",
        );
        wire.talk(resp(&["DEL", "user:1"]), ":1\r\n");
        let data = dir.path().join("data");

        // Beside the running server.
        let (code, said, error) = kv(&["wal", "dump", text(&data)]);
        assert_eq!(code, Some(0), "{error}");
        assert_eq!(dumped_lsns(&said), [1, 2, 3, 4]);
        let line = said.lines().find(|line| line.contains("Ada")).unwrap();
        let set: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(set["op"], "set");
        assert_eq!(set["key"], "user:1");
        assert_eq!(set["value"], "Ada");

        for (arguments, lsns) in [
            (&["--from-lsn", "3"][..], &[3, 4][..]),
            (&["--key", "user:*"], &[1, 3, 4]),
            (&["--key", "User:?"], &[2]),
            (
                &["--key", "user:*", "--from-lsn", "2", "--limit", "1"],
                &[3],
            ),
            (&["--key", "user:*", "--limit", "0"], &[]),
        ] {
            let all = [&["wal", "dump", text(&data)], arguments].concat();
            let (code, said, _) = kv(&all);
            assert_eq!(code, Some(0));
            assert_eq!(dumped_lsns(&said), lsns, "{arguments:?}");
        }

        // The time is noted at the end at the latest.
        assert_eq!(server.terminate().code(), Some(0));
        let (_, said, _) = kv(&["wal", "dump", text(&data)]);
        let last: serde_json::Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
        assert_eq!((&last["op"], &last["lsn"]), (&"time".into(), &4.into()));
        assert!(last["time"].as_i64().unwrap() > 1_700_000_000_000);
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let dir = filled(100);
    let data = dir.path().join("data");
    let mut child = program()
        .args(["wal", "dump", text(&data)])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // 300 kB are more than a pipe takes.
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn a_directory_in_use_says_by_whom() {
    let dir = tempfile::tempdir().unwrap();
    let server = Process::start(dir.path(), &SMALL_SEGMENTS);
    fill(&server, 50);
    let data = dir.path().join("data");
    let pid = format!("in use by the process with pid {}", server.pid());
    let (code, said, error) = kv(&["wal", "verify", text(&data)]);
    assert_eq!(code, Some(1));
    assert!(error.contains(&pid), "{error}");
    assert!(said.contains("last LSN 50"), "{said}");
    let import = dir.path().join("import.log");
    std::fs::write(&import, b"{\"operation\":\"DEL\",\"key\":\"key:1\"}\n").unwrap();
    for arguments in [
        &["wal", "repair", text(&data), "--truncate"][..],
        &["--port", "0", "--dir", text(&data)],
        &["--port", "0", "--dir", text(&data), "--repair=truncate"],
        &["import", "pykeydb", text(&import), "--dir", text(&data)],
    ] {
        let (code, _, error) = kv(arguments);
        assert_eq!(code, Some(1), "{arguments:?}: {error}");
        assert!(error.contains(&pid), "{arguments:?}: {error}");
    }
    assert_eq!(count_keys(&server), 50);
    // A backup goes beside it, and is made by nobody else's leave.
    let (code, _, error) = kv(&["backup", text(&data), text(&dir.path().join("copy"))]);
    assert_eq!(code, Some(0), "{error}");

    // Damage in the sealed part is found all the same.
    damage(&segments(&data)[0]);
    let (code, ..) = kv(&["wal", "verify", text(&data)]);
    assert_eq!(code, Some(3));
}

#[test]
fn without_a_log_there_is_nothing_to_look_after() {
    for option in [&["--repair=truncate"][..], &["--backup-dir", "/nowhere"]] {
        let arguments = [&["--port", "0", "--durability", "off"], option].concat();
        let (code, _, error) = kv(&arguments);
        assert_eq!(code, Some(2), "{error}");
        assert!(
            error.contains("no meaning with --durability off"),
            "{error}"
        );
    }
}
