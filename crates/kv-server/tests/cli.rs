//! The program as its caller meets it: command line, exit codes, messages, signals.

mod process;

use std::fs;
use std::net::TcpListener;

use process::{Process, program, resp, run};
use rustix::process::Signal;

/// Runs the program with its data in `data`; exit code and standard error.
fn refused(data: &std::path::Path, arguments: &[&str]) -> (Option<i32>, String) {
    let (code, _, said) = run(program().arg("--dir").arg(data).args(arguments));
    assert!(!said.contains("panicked"), "{said}");
    (code, said)
}

#[test]
fn the_version_names_the_commit() {
    let (code, said, _) = run(program().arg("--version"));
    assert_eq!(code, Some(0));
    assert!(said.starts_with("kv-server 0.1.0 ("), "{said}");
}

#[test]
fn help_documents_every_exit_code() {
    let (_, said, _) = run(program().arg("--help"));
    for code in 0..=4 {
        assert!(said.contains(&format!("\n  {code}  ")), "{said}");
    }
}

#[test]
fn a_wrong_command_line_exits_with_2() {
    for arguments in [
        &["--no-such-option"][..],
        &["--durability", "sometimes"],
        &["--port", "70000"],
        &["--bind", "nowhere"],
        &["no-such-task"],
    ] {
        let (code, _, said) = run(program().args(arguments));
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(arguments[arguments.len() - 1]), "{said}");
    }
}

#[test]
fn an_address_that_others_reach_needs_an_explicit_word() {
    let dir = tempfile::tempdir().unwrap();
    let (code, said) = refused(
        &dir.path().join("data"),
        &["--bind", "0.0.0.0", "--port", "0"],
    );
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("--unprotected"), "{said}");
    assert!(!dir.path().join("data").exists());
}

#[test]
fn a_taken_port_is_one_clear_line() {
    let dir = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let (code, said) = refused(&dir.path().join("data"), &["--port", &port]);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains(&format!("another program has port {port}")),
        "{said}"
    );
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(
        !dir.path().join("data").exists(),
        "nothing is made before the port is taken"
    );
}

#[test]
fn a_directory_that_cannot_be_is_one_clear_line() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "in the way").unwrap();
    for data in [file.clone(), file.join("below")] {
        let (code, said) = refused(&data, &["--port", "0"]);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(&file.display().to_string()), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "in the way");
}

#[test]
fn a_directory_in_use_names_the_process_that_has_it() {
    let dir = tempfile::tempdir().unwrap();
    let first = Process::start(dir.path(), &[]);
    let (code, said) = refused(&dir.path().join("data"), &["--port", "0"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains(&first.pid().to_string()), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    first.connect().talk("PING\n", "PONG\n");
}

#[test]
fn signals_end_it_in_order_and_the_next_start_is_clean() {
    let dir = tempfile::tempdir().unwrap();
    for (round, signal) in [Signal::TERM, Signal::INT].into_iter().enumerate() {
        let server = Process::start(dir.path(), &[]);
        let mut idle = server.connect();
        let mut wire = server.connect();
        wire.talk(format!("SET round{round} {round}\n"), "OK\n");
        server.signal(signal);
        assert_eq!(idle.rest(), "");
        assert_eq!(server.wait().code(), Some(0));

        let server = Process::start(dir.path(), &[]);
        assert!(
            server.greeting.contains("clean shutdown"),
            "{}",
            server.greeting
        );
        server
            .connect()
            .talk(format!("GET round{round}\n"), format!("{round}\n"));
        assert_eq!(server.terminate().code(), Some(0));
    }
}

#[test]
fn shutdown_ends_it_and_answers_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let server = Process::start(dir.path(), &[]);
    let mut wire = server.connect();
    wire.send(
        [
            resp(&["SET", "k", "v"]),
            resp(&["SHUTDOWN"]),
            resp(&["PING"]),
        ]
        .concat(),
    )
    .unwrap();
    assert_eq!(wire.rest(), "+OK\r\n");
    assert_eq!(server.wait().code(), Some(0));

    let server = Process::start(dir.path(), &[]);
    server.connect().talk("GET k\n", "v\n");
}

#[test]
fn after_a_crash_everything_acknowledged_is_there() {
    for format in ["binary", "json"] {
        let dir = tempfile::tempdir().unwrap();
        let server = Process::start(dir.path(), &["--wal-format", format]);
        server
            .connect()
            .talk("SET k \"v\" EX 1000\nINCR n\n", "OK\n(integer) 1\n");
        server.kill();
        let server = Process::start(dir.path(), &[]);
        assert!(
            !server.greeting.contains("clean shutdown"),
            "{}",
            server.greeting
        );
        server.connect().talk("GET k\nGET n\n", "v\n1\n");
    }
}

#[test]
fn without_durability_nothing_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let server = Process::start(dir.path(), &["--durability", "off"]);
    server.connect().talk("SET k v\nGET k\n", "OK\nv\n");
    assert_eq!(server.terminate().code(), Some(0));
    assert!(!dir.path().join("data").exists());
}

#[test]
fn docs_need_a_directory() {
    let (code, _, said) = run(program().args(["generate-docs", "/no/such/directory"]));
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("/no/such/directory/commands.md"), "{said}");
}
