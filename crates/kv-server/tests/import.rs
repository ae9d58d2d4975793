//! `kv-server import` as its caller meets it: what is imported is served, what is wrong is said.

mod process;

use std::fs;
use std::path::Path;

use process::{Process, program, run};

const FIXTURES: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../kv-wal/tests/fixtures/pykeydb"
);

/// Imports a fixture into `dir`/data; exit code, standard output and standard error.
fn import(dir: &Path, fixture: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
    let outcome = run(program()
        .args(["import", "pykeydb"])
        .arg(Path::new(FIXTURES).join(fixture))
        .arg("--dir")
        .arg(dir.join("data"))
        .args(arguments));
    assert!(!outcome.2.contains("panicked"), "{}", outcome.2);
    outcome
}

#[test]
fn what_was_imported_is_served() {
    let dir = tempfile::tempdir().unwrap();
    for (fixture, lines, there) in [("older.log", 10, ""), ("newer.log", 16, "has 6 keys")] {
        let (code, said, told) = import(dir.path(), fixture, &[]);
        assert_eq!(code, Some(0), "{told}");
        assert!(
            said.starts_with(&format!("imported {lines} lines in ")),
            "{said}"
        );
        assert!(told.contains(there), "{told}");
    }
    let server = Process::start(dir.path(), &[]);
    let mut wire = server.connect();
    for (ask, answer) in [
        ("GET greeting", "hello world"),
        ("GET ratio", "1.5"),
        ("GET mykey", "NULL"),
        ("TYPE jobs", "list"),
        ("TYPE user", "hash"),
        ("TYPE tags", "set"),
        ("TYPE empty", "NULL"),
        ("DBSIZE", "(integer) 12"),
    ] {
        wire.talk(format!("{ask}\n"), format!("{answer}\n"));
    }
    let (code, _, told) = import(dir.path(), "older.log", &[]);
    assert_eq!(code, Some(1));
    let pid = format!("in use by the process with pid {}", server.pid());
    assert!(told.contains(&pid), "{told}");
}

#[test]
fn bad_lines_fail_unless_they_are_accepted() {
    let dir = tempfile::tempdir().unwrap();
    let (code, said, told) = import(dir.path(), "broken.log", &["--db", "20", "--show-bad", "2"]);
    assert_eq!(code, Some(1), "{told}");
    assert!(
        said.contains(": 2 set, 0 deleted, 5 bad, 1 blank\n"),
        "{said}"
    );
    let first = "line 2: not an operation as JSON";
    assert!(told.contains(first), "{told}");
    assert!(!told.contains("line 5"), "only two are shown: {told}");
    assert!(told.contains("5 of 8 lines were not imported"), "{told}");

    let (code, _, told) = import(dir.path(), "broken.log", &["--db", "20", "--skip-bad"]);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("line 8: cut off"), "{told}");
    assert!(told.contains("has 2 keys in database 20"), "{told}");

    let (code, _, told) = import(dir.path(), "broken.log", &["--strict"]);
    assert_eq!(code, Some(1));
    assert!(told.contains(first), "{told}");
}

#[test]
fn a_log_that_is_not_there_makes_no_directory() {
    let dir = tempfile::tempdir().unwrap();
    let (code, _, told) = import(dir.path(), "none.log", &[]);
    assert_eq!(code, Some(1));
    assert!(told.contains("cannot read "), "{told}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}
