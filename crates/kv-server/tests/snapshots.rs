//! Snapshots as a client asks for them, and a restart from one.

mod process;

use process::{Process, Wire, program, resp};

/// One reply of one line.
fn ask(wire: &mut Wire, words: &[&str]) -> String {
    wire.ask(words)
}

/// The value of `field` in `INFO persistence`.
fn info(wire: &mut Wire, field: &str) -> String {
    wire.info("persistence", field)
}

/// Waits until no snapshot is under way.
fn wait(wire: &mut Wire) {
    while info(wire, "rdb_bgsave_in_progress") == "1" || info(wire, "aof_rewrite_scheduled") == "1"
    {
        std::thread::yield_now();
    }
}

#[test]
fn snapshots_are_made_in_the_background_and_a_restart_begins_with_one() {
    let dir = tempfile::tempdir().unwrap();
    let server = Process::start(dir.path(), &[]);
    let mut wire = server.connect();
    for round in 0..4 {
        for key in 0..100 {
            let (key, value) = (format!("{round}:{key}"), key.to_string());
            assert_eq!(ask(&mut wire, &["SET", &key, &value]), "+OK\r\n");
        }
        let (words, expected): (&[&str], _) = match round {
            0 => (&["SAVE"], "+OK\r\n"),
            1 => (&["BGSAVE"], "+Background saving started\r\n"),
            2 => (&["BGSAVE", "SCHEDULE"], "+Background saving started\r\n"),
            _ => (
                &["BGREWRITEAOF"],
                "+Background append only file rewriting started\r\n",
            ),
        };
        assert_eq!(ask(&mut wire, words), expected);
        wait(&mut wire);
        assert_eq!(info(&mut wire, "rdb_changes_since_last_save"), "0");
        assert_eq!(info(&mut wire, "rdb_last_bgsave_status"), "ok");
        assert_eq!(info(&mut wire, "rdb_saves"), (round + 1).to_string());
        let keys = (100 * (round + 1)).to_string();
        assert_eq!(info(&mut wire, "snapshot_last_keys"), keys);
    }
    assert_eq!(ask(&mut wire, &["SET", "last", "1"]), "+OK\r\n");
    server.kill();

    let server = Process::start(dir.path(), &[]);
    assert!(
        server.greeting.contains("a snapshot of 400 keys"),
        "{}",
        server.greeting
    );
    let mut wire = server.connect();
    assert_eq!(ask(&mut wire, &["DBSIZE"]), ":401\r\n");
    assert_eq!(info(&mut wire, "recovered_effects"), "1");
    wire.send(resp(&["SHUTDOWN", "SAVE"])).expect("it listens");
    assert_eq!(server.wait().code(), Some(0));

    let server = Process::start(dir.path(), &[]);
    assert!(
        server.greeting.contains("a snapshot of 401 keys"),
        "{}",
        server.greeting
    );
    assert_eq!(server.terminate().code(), Some(0));
}

/// Runs the program to its end: exit code, standard output, standard error.
fn kv(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = program().args(arguments).output().expect("it runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, error) = (text(&output.stdout), text(&output.stderr));
    (output.status.code(), out, error)
}

#[test]
fn the_tools_know_snapshots() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let (data, copy, then) = (path("data"), path("copy"), path("then"));
    let server = Process::start(dir.path(), &[]);
    let mut wire = server.connect();
    for key in 1..=40 {
        assert_eq!(ask(&mut wire, &["SET", &key.to_string(), "v"]), "+OK\r\n");
        if key % 10 == 0 && key < 40 {
            assert_eq!(ask(&mut wire, &["SAVE"]), "+OK\r\n");
        }
    }
    // Beside the server, and then without it.
    let (code, _, error) = kv(&["backup", &data, &copy]);
    assert_eq!(code, Some(0), "{error}");
    let (code, said, error) = kv(&["wal", "verify", &copy]);
    assert_eq!(code, Some(0), "{error}");
    assert!(
        said.contains("LSN 30, whole, a start begins with it"),
        "{said}"
    );
    assert!(said.contains("last LSN 40"), "{said}");
    assert_eq!(server.terminate().code(), Some(0));

    let (code, said, error) = kv(&["wal", "dump", &data]);
    assert_eq!(code, Some(0));
    assert!(error.contains("the log begins with LSN 21"), "{error}");
    assert!(!said.contains("\"lsn\":20,\"op") && said.contains("\"lsn\":40"));
    let (_, _, error) = kv(&["wal", "dump", &data, "--from-lsn", "21"]);
    assert_eq!(error, "");

    let recover = [
        "--port",
        "0",
        "--dir",
        &data,
        "--into",
        &then,
        "--recover-to",
    ];
    let (code, _, error) = kv(&[&recover[..], &["15"]].concat());
    assert_eq!(code, Some(1), "{error}");
    assert!(
        error.contains("before the oldest snapshot that is left"),
        "{error}"
    );
    let server = Process::start(dir.path(), &["--recover-to", "25", "--into", &then]);
    assert_eq!(ask(&mut server.connect(), &["DBSIZE"]), ":25\r\n");
    drop(server);

    // The newest snapshot is of no use any more: a start does without it.
    let newest = dir.path().join("data/snap-00000000000000000030.kvs");
    std::fs::write(newest, b"nothing").unwrap();
    let (code, said, _) = kv(&["wal", "verify", &data]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("a start passes it over"), "{said}");
    let server = Process::start(dir.path(), &[]);
    assert_eq!(ask(&mut server.connect(), &["DBSIZE"]), ":40\r\n");
}

/// The fields that Valkey 9.1 has in this section and that redis_exporter, redis-cli and their like read.
#[test]
fn info_has_what_tools_read_of_persistence() {
    let dir = tempfile::tempdir().unwrap();
    for arguments in [&[][..], &["--durability", "everysec"]] {
        let server = Process::start(dir.path(), arguments);
        let mut wire = server.connect();
        for name in [
            "loading",
            "async_loading",
            "current_cow_peak",
            "current_cow_size",
            "current_cow_size_age",
            "current_fork_perc",
            "current_save_keys_processed",
            "current_save_keys_total",
            "rdb_changes_since_last_save",
            "rdb_bgsave_in_progress",
            "rdb_last_save_time",
            "rdb_last_bgsave_status",
            "rdb_last_bgsave_time_sec",
            "rdb_current_bgsave_time_sec",
            "rdb_saves",
            "rdb_last_cow_size",
            "rdb_last_load_keys_expired",
            "rdb_last_load_keys_loaded",
            "aof_enabled",
            "aof_rewrite_in_progress",
            "aof_rewrite_scheduled",
            "aof_last_rewrite_time_sec",
            "aof_current_rewrite_time_sec",
            "aof_last_bgrewrite_status",
            "aof_rewrites",
            "aof_last_write_status",
            "aof_last_cow_size",
            "module_fork_in_progress",
            "module_fork_last_cow_size",
            "aof_current_size",
            "aof_base_size",
            "aof_pending_rewrite",
            "aof_buffer_length",
            "aof_pending_bio_fsync",
            "aof_delayed_fsync",
        ] {
            let value = info(&mut wire, name);
            let is_word = value == "ok" || value == "err";
            assert!(is_word || value.parse::<f64>().is_ok(), "{name}: {value:?}");
        }
    }
}
