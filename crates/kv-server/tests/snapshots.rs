//! Snapshots as a client asks for them, and a restart from one.

mod process;

use process::{Process, Wire, resp};

/// One reply of one line.
fn ask(wire: &mut Wire, words: &[&str]) -> String {
    wire.send(resp(words)).expect("the server listens");
    wire.line().expect("the server answers")
}

/// The value of `field` in `INFO persistence`.
fn info(wire: &mut Wire, field: &str) -> String {
    let head = ask(wire, &["INFO", "persistence"]);
    assert!(head.starts_with('$'), "{head}");
    let mut found = None;
    loop {
        let line = wire.line().expect("the server answers");
        if let Some((name, value)) = line.trim_end().split_once(':')
            && name == field
        {
            found = Some(value.to_owned());
        }
        // The text ends with a line end, and the reply with another.
        if line == "\r\n" {
            return found.expect("INFO has the field");
        }
    }
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
