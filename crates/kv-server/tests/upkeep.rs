//! What operators do with a data directory: `wal verify`, `wal dump`, `wal repair`, `--repair`, `--recover-to` and
//! `backup`, as typed at a shell.

#![expect(
    clippy::unwrap_used,
    reason = "what fails while a test is prepared fails the test"
)]

mod process;

use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use process::{Process, program, resp};
use tempfile::TempDir;

/// Small enough that a few writes make several segments.
const SMALL_SEGMENTS: [&str; 2] = ["--segment-size", "64kb"];

/// Bytes of a value of which a small segment takes about twenty.
const VALUE_BYTES: usize = 3000;

/// The first frame of a segment begins here.
const HEADER_BYTES: u64 = 4096;

/// Runs the program to its end: exit code, standard output, standard error.
fn kv(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = program().args(arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
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
fn repair_keeps_what_comes_before_the_damage_and_puts_the_rest_aside() {
    let dir = filled(50);
    let data = dir.path().join("data");
    let second = segments(&data)[1].clone();
    damage(&second);
    let before = contents(&data);

    // Nothing is cut off without the word for it.
    let (code, ..) = kv(&["wal", "repair", text(&data)]);
    assert_eq!(code, Some(2));
    assert_eq!(contents(&data), before);

    let (code, _, told) = kv(&["wal", "repair", text(&data), "--truncate"]);
    assert_eq!(code, Some(0), "{told}");
    let (_, kept) = told.split_once("kept: everything up to LSN ").unwrap();
    let kept: usize = kept.lines().next().unwrap().parse().unwrap();
    assert!((20..50).contains(&kept), "{told}");
    assert!(
        told.contains(&format!("lost: LSN {} to 50 or later", kept + 1)),
        "{told}"
    );

    let aside = data
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.is_dir())
        .unwrap();
    assert!(told.contains(text(&aside)), "{told}");
    for (path, bytes) in contents(&aside) {
        let original = data.join(path.file_name().unwrap());
        assert_eq!(before.get(&original), Some(&bytes), "{}", path.display());
    }
    assert!(aside.join("MANIFEST").exists());
    assert!(aside.join(second.file_name().unwrap()).exists());

    let (code, said, _) = kv(&["wal", "verify", text(&data)]);
    assert_eq!(code, Some(0), "{said}");
    let (code, _, told) = kv(&["wal", "repair", text(&data), "--truncate"]);
    assert_eq!(code, Some(0));
    assert!(
        told.contains("nothing is damaged, nothing was changed"),
        "{told}"
    );
    let server = Process::start(dir.path(), &SMALL_SEGMENTS);
    assert_eq!(count_keys(&server), kept);
}

#[test]
fn a_start_repairs_only_when_it_is_told_to() {
    let dir = filled(50);
    let data = dir.path().join("data");
    damage(&segments(&data)[0]);
    // The manifest too, all of it.
    std::fs::write(data.join("MANIFEST"), b"nothing of use").unwrap();
    let before = contents(&data);

    let (code, _, error) = kv(&["--port", "0", "--dir", text(&data)]);
    assert_eq!(code, Some(3));
    assert!(error.contains("--repair=truncate"), "{error}");
    assert_eq!(contents(&data), before);

    let server = Process::start(dir.path(), &["--repair=truncate"]);
    let kept = count_keys(&server);
    assert!(kept > 0 && kept < 20, "{kept}");
    assert!(server.stderr().contains("repaired by truncating"));
    fill(&server, 30);
    assert_eq!(server.terminate().code(), Some(0));

    let server = Process::start(dir.path(), &["--repair=truncate"]);
    assert!(server.stderr().contains("nothing is damaged"));
    assert_eq!(count_keys(&server), 30);
}

#[test]
fn a_missing_segment_is_cut_off_too() {
    let dir = filled(70);
    let data = dir.path().join("data");
    let all = segments(&data);
    assert!(all.len() >= 3);
    std::fs::remove_file(&all[1]).unwrap();
    let (code, ..) = kv(&["wal", "verify", text(&data)]);
    assert_eq!(code, Some(3));
    let (code, _, told) = kv(&["wal", "repair", text(&data), "--truncate"]);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("to 70 or later"), "{told}");
    assert_eq!(segments(&data), all[..1]);
    let (code, ..) = kv(&["wal", "verify", text(&data)]);
    assert_eq!(code, Some(0));

    // Without the first one nothing is left that could be proven.
    std::fs::remove_file(&all[0]).unwrap();
    let (code, _, told) = kv(&["wal", "repair", text(&data), "--truncate"]);
    assert_eq!(code, Some(3));
    assert!(told.contains("nothing before it is left"), "{told}");
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
    let (code, _, error) = kv(&["wal", "repair", text(&data), "--truncate"]);
    assert_eq!(code, Some(1));
    assert!(error.contains(&pid), "{error}");

    // Damage in the sealed part is found all the same.
    damage(&segments(&data)[0]);
    let (code, ..) = kv(&["wal", "verify", text(&data)]);
    assert_eq!(code, Some(3));
}

#[test]
fn recovering_to_an_lsn_makes_a_new_directory_and_leaves_the_old() {
    let dir = filled(50);
    let data = dir.path().join("data");
    let before = contents(&data);
    let then = dir.path().join("then");
    let arguments = ["--recover-to", "30", "--into", text(&then)];
    let server = Process::start(dir.path(), &arguments);
    assert!(
        server.stderr().contains("recovered to LSN 30"),
        "{}",
        server.stderr()
    );
    assert_eq!(count_keys(&server), 30);
    let mut wire = server.connect();
    wire.talk(resp(&["SET", "new", "life"]), "+OK\r\n");
    assert_eq!(server.terminate().code(), Some(0));
    assert_eq!(contents(&data), before);

    // A second time it would destroy the new life.
    let (code, _, error) = kv(&[
        "--port",
        "0",
        "--dir",
        text(&data),
        "--recover-to",
        "30",
        "--into",
        text(&then),
    ]);
    assert_eq!(code, Some(1));
    assert!(error.contains("is not empty"), "{error}");
    let (code, said, _) = kv(&["wal", "verify", text(&then)]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("last LSN 31"), "{said}");
}

#[test]
fn a_target_outside_the_log_is_refused() {
    let dir = filled(10);
    let data = dir.path().join("data");
    let then = dir.path().join("then");
    for (target, code, said) in [
        ("11", 1, "its last LSN is 10"),
        ("2999-01-01T00:00:00Z", 1, "its last LSN is 10"),
        (
            "1999-01-01T00:00:00Z",
            1,
            "before the first commit or time mark",
        ),
        ("0", 2, "expected an LSN such as"),
        ("yesterday", 2, "expected an LSN such as"),
    ] {
        let (found, _, error) = kv(&[
            "--port",
            "0",
            "--dir",
            text(&data),
            "--recover-to",
            target,
            "--into",
            text(&then),
        ]);
        assert_eq!(found, Some(code), "{target}: {error}");
        assert!(error.contains(said), "{target}: {error}");
        assert!(!then.exists());
    }
    for alone in [&["--recover-to", "5"][..], &["--into", text(&then)]] {
        let (code, ..) = kv(alone);
        assert_eq!(code, Some(2), "{alone:?}");
    }
}

#[test]
fn recovering_to_a_time_undoes_what_came_later() {
    let dir = tempfile::tempdir().unwrap();
    let server = Process::start(dir.path(), &SMALL_SEGMENTS);
    fill(&server, 40);
    let data = dir.path().join("data");
    // An idle log gets a time mark behind its last change, soon.
    let last = loop {
        let (_, said, _) = kv(&["wal", "dump", text(&data), "--from-lsn", "40"]);
        let newest = said.lines().last().unwrap();
        let newest: serde_json::Value = serde_json::from_str(newest).unwrap();
        if newest["op"] == "time" {
            break newest["time"].as_i64().unwrap();
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    // Later than the mark and earlier than the mistake.
    std::thread::sleep(Duration::from_millis(1100));
    server.connect().talk(resp(&["FLUSHALL"]), "+OK\r\n");
    assert_eq!(server.terminate().code(), Some(0));

    // What is damaged after that time does not matter.
    let end = std::fs::metadata(segments(&data).last().unwrap())
        .unwrap()
        .len();
    let file = std::fs::File::options()
        .write(true)
        .open(segments(&data).last().unwrap())
        .unwrap();
    // A byte of the FLUSHALL, which has a time mark and the end mark behind it.
    file.write_all_at(b"\xff", end - 100).unwrap();
    assert_eq!(kv(&["wal", "verify", text(&data)]).0, Some(3));
    let output = Command::new("date")
        .args([
            "-u",
            "-d",
            &format!("@{}", (last + 1000) / 1000),
            "+%Y-%m-%dT%H:%M:%SZ",
        ])
        .output()
        .unwrap();
    let time = String::from_utf8(output.stdout).unwrap().trim().to_owned();
    let then = dir.path().join("then");
    let server = Process::start(dir.path(), &["--recover-to", &time, "--into", text(&then)]);
    assert_eq!(count_keys(&server), 40);
}

/// Ends the load, also when a check fails.
struct Stop<'s>(&'s AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[test]
fn a_backup_under_load_has_everything_acknowledged_before_it() {
    let dir = tempfile::tempdir().unwrap();
    let backups = dir.path().join("backups");
    std::fs::create_dir(&backups).unwrap();
    let arguments = [&SMALL_SEGMENTS[..], &["--backup-dir", text(&backups)]].concat();
    let server = Process::start(dir.path(), &arguments);
    let data = dir.path().join("data");
    let acknowledged = AtomicU64::new(0);
    let stopping = AtomicBool::new(false);
    let mut taken = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut wire = server.connect();
            let value = "x".repeat(500);
            for number in 1.. {
                // Both or neither.
                let (one, other) = (format!("one:{number}"), format!("other:{number}"));
                wire.talk(resp(&["MSET", &one, &value, &other, &value]), "+OK\r\n");
                acknowledged.store(number, Ordering::SeqCst);
                if stopping.load(Ordering::SeqCst) {
                    return;
                }
            }
        });
        let _stop = Stop(&stopping);
        let mut wire = server.connect();
        for number in 0..4 {
            while acknowledged.load(Ordering::SeqCst) < 100 * (number + 1) {
                std::thread::sleep(Duration::from_millis(1));
            }
            let name = format!("b{number}");
            let before = acknowledged.load(Ordering::SeqCst);
            if number % 2 == 0 {
                wire.send(resp(&["BACKUP", &name])).unwrap();
                let reply: Vec<String> = (0..10).map(|_| wire.line().unwrap()).collect();
                assert_eq!(reply[..3], ["*6\r\n", "$8\r\n", "last-lsn\r\n"]);
            } else {
                let (code, said, error) = kv(&["backup", text(&data), text(&backups.join(&name))]);
                assert_eq!(code, Some(0), "{error}");
                assert!(said.contains("verified"), "{said}");
            }
            taken.push((name, before));
        }
        wire.send(resp(&["BACKUP", "b0"])).unwrap();
        let refused = wire.line().unwrap();
        assert!(refused.starts_with("-ERR backup failed: ") && refused.contains("not empty"));
    });
    server.kill();

    for (name, before) in taken {
        let copy = backups.join(&name);
        let (code, said, error) = kv(&["wal", "verify", text(&copy)]);
        assert_eq!(code, Some(0), "{said}{error}");
        // The data of a `Process` is in `data` below its directory.
        let home = tempfile::tempdir().unwrap();
        std::fs::rename(&copy, home.path().join("data")).unwrap();
        let restored = Process::start(home.path(), &SMALL_SEGMENTS);
        let keys = count_keys(&restored) as u64;
        assert!(
            keys >= 2 * before && keys.is_multiple_of(2),
            "{name}: {keys} keys, {before} before"
        );
        let mut wire = restored.connect();
        wire.talk(resp(&["EXISTS", &format!("other:{}", keys / 2)]), ":1\r\n");
    }
}

#[test]
fn a_backup_does_not_go_where_something_is() {
    let dir = filled(5);
    let data = dir.path().join("data");
    let there = dir.path().join("there");
    std::fs::create_dir(&there).unwrap();
    std::fs::File::create(there.join("precious"))
        .unwrap()
        .write_all(b"!")
        .unwrap();
    let (code, _, error) = kv(&["backup", text(&data), text(&there)]);
    assert_eq!(code, Some(1));
    assert!(error.contains("is not empty"), "{error}");
    assert_eq!(there.read_dir().unwrap().count(), 1);
    let (code, _, error) = kv(&["backup", text(&data), text(&data)]);
    assert_eq!(code, Some(1), "{error}");
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
