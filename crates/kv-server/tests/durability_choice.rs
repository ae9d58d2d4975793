//! Durability chosen per connection (`CLIENT DURABILITY`) and per command (`WAITAOF`): who waits for the disk, and
//! who makes the log go there. The server counts its syncs; under `no` it makes none by itself.

#![expect(
    clippy::unwrap_used,
    reason = "what fails while a test is prepared fails the test"
)]

mod process;

use process::{Process, Wire, resp};

fn syncs(wire: &mut Wire) -> u64 {
    wire.send(resp(&["INFO", "persistence"])).unwrap();
    let header = wire.line().unwrap();
    let bytes: usize = header.trim_start_matches('$').trim().parse().unwrap();
    let text = String::from_utf8(wire.receive(bytes + 2).unwrap()).unwrap();
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix("log_syncs:"));
    value.unwrap().parse().unwrap()
}

fn started(policy: &str) -> (tempfile::TempDir, Process) {
    let dir = tempfile::tempdir().unwrap();
    let server = Process::start(dir.path(), &["--durability", policy]);
    (dir, server)
}

#[test]
fn a_strict_connection_makes_a_lazy_server_sync() {
    let (_dir, server) = started("no");
    let mut lazy = server.connect();
    lazy.talk(resp(&["SET", "cache", "1"]), "+OK\r\n");
    let before = syncs(&mut lazy);
    let mut strict = server.connect();
    // What is there already must be durable before the promise holds.
    strict.talk(resp(&["CLIENT", "DURABILITY", "always"]), "+OK\r\n");
    let chosen = syncs(&mut lazy);
    assert!(chosen > before);
    strict.talk(resp(&["SET", "payment", "1"]), "+OK\r\n");
    let written = syncs(&mut lazy);
    assert!(written > chosen);

    for _ in 0..20 {
        lazy.talk(resp(&["SET", "cache", "2"]), "+OK\r\n");
        lazy.talk(resp(&["GET", "cache"]), "$1\r\n2\r\n");
    }
    assert_eq!(syncs(&mut lazy), written);
    // What somebody else has written with less care is durable before a strict connection sees it.
    strict.talk(resp(&["GET", "cache"]), "$1\r\n2\r\n");
    let read = syncs(&mut lazy);
    assert!(read > written);
    // Once it is, reading it again costs nothing.
    strict.talk(resp(&["GET", "cache"]), "$1\r\n2\r\n");
    assert_eq!(syncs(&mut lazy), read);
    strict.talk(resp(&["GET", "payment"]), "$1\r\n1\r\n");
    assert_eq!(syncs(&mut lazy), read);
}

#[test]
fn a_command_can_wait_alone() {
    let (_dir, server) = started("no");
    let mut wire = server.connect();
    wire.talk(resp(&["SET", "k", "1"]), "+OK\r\n");
    let before = syncs(&mut wire);
    wire.talk(resp(&["WAITAOF", "0", "0", "0"]), "*2\r\n:0\r\n:0\r\n");
    assert_eq!(syncs(&mut wire), before);
    wire.talk(resp(&["WAITAOF", "1", "0", "0"]), "*2\r\n:1\r\n:0\r\n");
    assert!(syncs(&mut wire) > before);

    // In the middle of a pipeline every reply keeps its place.
    let requests = [
        resp(&["SET", "k", "2"]),
        resp(&["WAITAOF", "1", "1", "30"]),
        resp(&["GET", "k"]),
    ];
    wire.talk(requests.concat(), "+OK\r\n*2\r\n:1\r\n:0\r\n$1\r\n2\r\n");
}

#[test]
fn waiting_for_ever_ends_with_the_connection() {
    let (_dir, server) = started("always");
    let mut forever = server.connect();
    forever.send(resp(&["WAITAOF", "0", "1", "0"])).unwrap();
    forever.finish();
    assert_eq!(forever.rest(), "*2\r\n:1\r\n:0\r\n");

    let mut forever = server.connect();
    // The first reply leaves when the second begins to wait.
    let requests = [resp(&["PING"]), resp(&["WAITAOF", "0", "1", "0"])];
    forever.talk(requests.concat(), "+PONG\r\n");
    assert_eq!(server.terminate().code(), Some(0));
    assert_eq!(forever.rest(), "*2\r\n:1\r\n:0\r\n");
}

#[test]
fn a_strict_server_has_lazy_connections() {
    let (dir, server) = started("always");
    let mut lazy = server.connect();
    lazy.talk(resp(&["CLIENT", "DURABILITY", "no"]), "+OK\r\n");
    lazy.talk(resp(&["SET", "cache", "1"]), "+OK\r\n");
    // A process crash takes nothing that was acknowledged, whatever was chosen.
    server.kill();
    let server = Process::start(dir.path(), &[]);
    server
        .connect()
        .talk(resp(&["GET", "cache"]), "$1\r\n1\r\n");
}

#[test]
fn the_server_s_own_choice_can_change() {
    let (_dir, server) = started("no");
    let (mut admin, mut other, mut lazy) = (server.connect(), server.connect(), server.connect());
    lazy.talk(resp(&["CLIENT", "DURABILITY", "no"]), "+OK\r\n");
    other.talk(resp(&["SET", "k", "1"]), "+OK\r\n");
    let before = syncs(&mut lazy);
    admin.talk(resp(&["CONFIG", "SET", "appendfsync", "always"]), "+OK\r\n");
    let changed = syncs(&mut lazy);
    assert!(changed > before);
    other.talk(resp(&["CLIENT", "DURABILITY"]), "$6\r\nalways\r\n");
    other.talk(resp(&["SET", "k", "2"]), "+OK\r\n");
    let written = syncs(&mut lazy);
    assert!(written > changed);
    // Who has chosen keeps the choice, and others wait for what it wrote before they see it.
    lazy.talk(resp(&["SET", "k", "3"]), "+OK\r\n");
    assert_eq!(syncs(&mut lazy), written);
    other.talk(resp(&["GET", "k"]), "$1\r\n3\r\n");
    let read = syncs(&mut lazy);
    assert!(read > written);

    admin.talk(resp(&["CONFIG", "SET", "durability", "no"]), "+OK\r\n");
    other.talk(resp(&["SET", "k", "4"]), "+OK\r\n");
    other.talk(resp(&["GET", "k"]), "$1\r\n4\r\n");
    assert_eq!(syncs(&mut lazy), read);
}

#[test]
fn what_cannot_be_promised_is_refused() {
    let (_dir, server) = started("no");
    let mut wire = server.connect();
    wire.send(resp(&["CLIENT", "DURABILITY", "everysec"]))
        .unwrap();
    assert!(
        wire.line()
            .unwrap()
            .starts_with("-ERR the server runs with durability no")
    );
    wire.talk(resp(&["CLIENT", "DURABILITY"]), "$2\r\nno\r\n");
    wire.send(resp(&["CONFIG", "SET", "durability", "everysec"]))
        .unwrap();
    let refused = wire.line().unwrap();
    assert!(refused.contains("does not sync every second"), "{refused}");

    let (_dir, server) = started("off");
    let mut wire = server.connect();
    wire.talk(resp(&["CLIENT", "DURABILITY"]), "$3\r\noff\r\n");
    wire.send(resp(&["CLIENT", "DURABILITY", "always"]))
        .unwrap();
    assert!(
        wire.line()
            .unwrap()
            .starts_with("-ERR the server keeps its data in memory only")
    );
    let refused =
        "-ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.\r\n";
    wire.talk(resp(&["WAITAOF", "1", "0", "0"]), refused);
    wire.talk(resp(&["WAITAOF", "0", "0", "0"]), "*2\r\n:0\r\n:0\r\n");
}
