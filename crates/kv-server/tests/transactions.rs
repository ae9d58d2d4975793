//! Transactions and waiting over real connections: what a script cannot say, because it needs numbers of
//! connections, threads, another dialect or the end of a process.

mod process;

use std::path::Path;
use std::thread;

use process::{Process, Wire, resp};

fn server(dir: &Path) -> Process {
    Process::start(dir, &["--threads", "3"])
}

/// Waits until so many connections wait.
fn wait_for_blocked(wire: &mut Wire, count: usize) {
    let wanted = format!("blocked_clients:{count}\r");
    loop {
        wire.send(resp(&["INFO", "clients"]))
            .expect("the server listens");
        let head = wire.line().expect("a reply");
        let bytes: usize = head
            .trim()
            .trim_start_matches('$')
            .parse()
            .expect("a length");
        let text = wire.receive(bytes + 2).expect("a text");
        if String::from_utf8_lossy(&text).contains(&wanted) {
            return;
        }
    }
}

#[test]
fn transactions_are_readable_in_plain_lines() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(dir.path());
    let mut wire = server.connect();
    wire.talk("MULTI\n", "OK\n");
    wire.talk(
        "SET k hello world\nGET k\nINCR k\n",
        "QUEUED\nQUEUED\nQUEUED\n",
    );
    wire.talk("RPUSH l a b\nLRANGE l 0 -1\n", "QUEUED\nQUEUED\n");
    wire.talk(
        "EXEC\n",
        "1) OK\n2) hello world\n3) ERR value is not an integer or out of range\n4) (integer) 2\n\
         5) 1) a\n   2) b\n",
    );
    wire.talk("MULTI\nEXEC\n", "OK\n(empty)\n");
    wire.talk("WATCH k\nSET k x\nMULTI\nEXEC\n", "OK\nOK\nOK\nNULL\n");
    wire.talk("BLPOP l 0\nBLPOP none 0.01\n", "1) l\n2) a\nNULL\n");
}

#[test]
fn a_wait_can_be_ended_by_its_number() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(dir.path());
    let (mut one, mut other) = (server.connect(), server.connect());
    one.send(resp(&["CLIENT", "ID"]))
        .expect("the server listens");
    let id = one.line().expect("a number");
    let id = id.trim().trim_start_matches(':').to_owned();
    for (reason, answer) in [
        ("TIMEOUT", "*-1\r\n"),
        (
            "ERROR",
            "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n",
        ),
    ] {
        one.send(resp(&["BLMOVE", "a", "b", "LEFT", "LEFT", "0"]))
            .expect("the server listens");
        wait_for_blocked(&mut other, 1);
        other.talk(resp(&["CLIENT", "UNBLOCK", &id, reason]), ":1\r\n");
        one.talk("", answer);
        other.talk(resp(&["CLIENT", "UNBLOCK", &id]), ":0\r\n");
    }
}

#[test]
fn a_connection_that_is_gone_takes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(dir.path());
    let mut other = server.connect();
    let (mut gone, mut busy) = (server.connect(), server.connect());
    gone.send(resp(&["BLPOP", "k", "0"]))
        .expect("the server listens");
    // One with requests behind the one that waits.
    busy.send([resp(&["BLPOP", "k", "0"]), resp(&["PING"])].concat())
        .expect("the server listens");
    wait_for_blocked(&mut other, 2);
    drop((gone, busy));
    wait_for_blocked(&mut other, 0);
    other.talk(resp(&["RPUSH", "k", "a"]), ":1\r\n");
    other.talk(resp(&["LPOP", "k"]), "$1\r\na\r\n");
}

#[test]
fn an_optimistic_count_of_many_threads_adds_up() {
    const THREADS: usize = 4;
    const ROUNDS: usize = 60;
    let dir = tempfile::tempdir().unwrap();
    let server = server(dir.path());
    let count = |mut wire: Wire| {
        for _ in 0..ROUNDS {
            loop {
                wire.talk(resp(&["WATCH", "n"]), "+OK\r\n");
                wire.send(resp(&["STRLEN", "n"]))
                    .expect("the server listens");
                let length = wire.line().expect("a number");
                wire.talk(resp(&["MULTI"]), "+OK\r\n");
                wire.talk(resp(&["APPEND", "n", "x"]), "+QUEUED\r\n");
                wire.talk(resp(&["SELECT", "1"]), "+QUEUED\r\n");
                wire.talk(resp(&["APPEND", "n", "y"]), "+QUEUED\r\n");
                wire.talk(resp(&["SELECT", "0"]), "+QUEUED\r\n");
                wire.send(resp(&["EXEC"])).expect("the server listens");
                if wire.line().expect("a reply") == "*-1\r\n" {
                    continue;
                }
                let before: usize = length
                    .trim()
                    .trim_start_matches(':')
                    .parse()
                    .expect("a number");
                let after = format!(":{}\r\n+OK\r\n:{}\r\n+OK\r\n", before + 1, before + 1);
                wire.talk("", &after);
                break;
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..THREADS {
            let wire = server.connect();
            scope.spawn(move || count(wire));
        }
    });
    // What was answered is there after a crash, in both databases.
    server.kill();
    let server = self::server(dir.path());
    let mut wire = server.connect();
    let sum = format!(":{}\r\n", THREADS * ROUNDS);
    wire.talk(resp(&["STRLEN", "n"]), &sum);
    wire.talk(resp(&["SELECT", "1"]), "+OK\r\n");
    wire.talk(resp(&["STRLEN", "n"]), &sum);
}
