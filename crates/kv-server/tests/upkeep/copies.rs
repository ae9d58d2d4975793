//! Copies of a directory: as of an earlier moment, and backups.

use super::*;

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
            "the earliest LSN is 1, the earliest time is 20",
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
