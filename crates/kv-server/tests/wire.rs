//! What goes over the wire, byte by byte: dialects, pipelining, wrong bytes, slow and silent clients.

mod process;

use std::path::Path;

use process::{Process, Wire, resp};

fn server(dir: &Path) -> Process {
    Process::start(dir, &["--threads", "2"])
}

/// Sends `bytes` on a new connection; everything that comes back until it is closed.
fn answer(server: &Process, bytes: impl AsRef<[u8]>) -> String {
    let mut wire = server.connect();
    wire.send(bytes).expect("the server listens");
    wire.rest()
}

#[test]
fn the_session_of_the_design_works_to_the_letter() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(dir.path());
    let mut wire = server.connect();
    wire.talk("SET mykey hello\n", "OK\n");
    wire.talk("GET mykey\n", "hello\n");
    wire.talk("TYPE mykey\n", "string\n");
    wire.talk("DEL mykey\n", "OK\n");
    wire.talk("GET mykey\n", "NULL\n");
}

#[test]
fn the_first_line_chooses_the_dialect_for_good() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(dir.path());

    let mut plain = server.connect();
    plain.talk("PING\n", "PONG\n");
    plain.talk(
        "SET greeting  hello   world\nGET greeting\n",
        "OK\nhello world\n",
    );
    plain.talk("SET k \"v\" EX 100\nTTL k\n", "OK\n(integer) 100\n");
    plain.talk("MGET k none\n", "1) v\n2) NULL\n");

    let mut inline = server.connect();
    inline.talk("PING\r\n", "+PONG\r\n");
    inline.talk("GET greeting\r\n", "$11\r\nhello world\r\n");
    inline.talk("GET none\n", "$-1\r\n");

    let mut arrays = server.connect();
    arrays.talk(resp(&["PING"]), "+PONG\r\n");
    arrays.talk(resp(&["GET", "none"]), "$-1\r\n");
}

#[test]
fn hello_3_changes_how_nothing_looks() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(dir.path());
    let mut wire = server.connect();
    wire.send(resp(&["HELLO", "3"])).unwrap();
    assert_eq!(wire.line().unwrap(), "%7\r\n");
    assert_eq!(wire.line().unwrap(), "$6\r\n");
    assert_eq!(wire.line().unwrap(), "server\r\n");
    let mut lines = 2;
    while wire.line().unwrap() != "*0\r\n" {
        lines += 1;
        assert!(lines < 40, "the modules end the map");
    }
    wire.talk(resp(&["GET", "none"]), "_\r\n");
    wire.talk(
        resp(&["CONFIG", "GET", "databases"]),
        "%1\r\n$9\r\ndatabases\r\n$2\r\n16\r\n",
    );
    wire.talk(resp(&["RESET"]), "+RESET\r\n");
    wire.talk(resp(&["GET", "none"]), "$-1\r\n");
}

#[test]
fn requests_can_be_sent_without_waiting_for_replies() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(dir.path());
    let numbers = 1..=3000;
    let plain: String = numbers.clone().map(|_| "INCR plain\n").collect();
    let replies: String = numbers
        .clone()
        .map(|n| format!("(integer) {n}\n"))
        .collect();
    server.connect().talk(plain, replies);

    let inline: String = numbers.clone().map(|_| "INCR inline\r\n").collect();
    let replies: String = numbers.clone().map(|n| format!(":{n}\r\n")).collect();
    server.connect().talk(inline, &replies);

    let arrays: Vec<u8> = numbers.flat_map(|_| resp(&["INCR", "array"])).collect();
    server.connect().talk(arrays, &replies);
}

#[test]
fn requests_may_come_byte_by_byte() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(dir.path());
    let mut wire = server.connect();
    for byte in [resp(&["SET", "k", "some value"]), resp(&["GET", "k"])].concat() {
        wire.send([byte]).unwrap();
    }
    wire.talk("", "+OK\r\n$10\r\nsome value\r\n");

    let mut plain = server.connect();
    for byte in b"GET k\n" {
        plain.send([*byte]).unwrap();
    }
    plain.talk("", "some value\n");
}

#[test]
fn values_of_many_megabytes_pass() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(dir.path());
    let value = "0123456789abcdef".repeat(1 << 20);
    let mut wire = server.connect();
    wire.talk(resp(&["SET", "big", &value]), "+OK\r\n");
    wire.talk(resp(&["STRLEN", "big"]), ":16777216\r\n");
    wire.talk(resp(&["GET", "big"]), format!("$16777216\r\n{value}\r\n"));
    wire.talk(resp(&["PING"]), "+PONG\r\n");
}

#[test]
fn wrong_bytes_get_one_error_and_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(dir.path());
    let resp_error = |text: &str| format!("-ERR Protocol error: {text}\r\n");
    for (bytes, text) in [
        (&b"*x\r\n"[..], "invalid multibulk length"),
        (b"*-99999999999999999999\r\n", "invalid multibulk length"),
        (b"*2000000\r\n", "invalid multibulk length"),
        (b"*1\r\n$-5\r\n", "invalid bulk length"),
        (b"*1\r\n$99999999999\r\n", "invalid bulk length"),
        (b"*1\r\n$x\r\n", "invalid bulk length"),
        (b"*1\r\nPING\r\n", "expected '$', got 'P'"),
        (b"*1\r\n*1\r\n", "expected '$', got '*'"),
        (b"*1\r\n$4\r\nPINGxx", "invalid CRLF in request"),
        (b"SET k \"v\r\n", "unbalanced quotes in request"),
    ] {
        let got = answer(&server, bytes);
        assert_eq!(got, resp_error(text), "{}", bytes.escape_ascii());
    }
    for (bytes, text) in [
        (&b"SET k \"v\n"[..], "unbalanced quotes in request"),
        (b"SET k a\0b\n", "NUL byte in line"),
    ] {
        let expected = format!("ERR Protocol error: {text}\n");
        assert_eq!(answer(&server, bytes), expected, "{}", bytes.escape_ascii());
    }
    server.connect().talk("PING\n", "PONG\n");
}

#[test]
fn what_came_before_wrong_bytes_is_answered() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(dir.path());
    let got = answer(
        &server,
        [resp(&["SET", "k", "v"]), b"*x\r\n".to_vec()].concat(),
    );
    assert_eq!(
        got,
        "+OK\r\n-ERR Protocol error: invalid multibulk length\r\n"
    );
    server.connect().talk("GET k\n", "v\n");
}

#[test]
fn a_line_without_end_is_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(dir.path());
    let mut wire = server.connect();
    // The rest of it cannot be sent any more once the server has answered and closed.
    let _ = wire.send(vec![b'x'; 4 << 20]);
    let got = wire.rest();
    assert!(
        got.contains("ERR Protocol error: line is longer than"),
        "{got}"
    );
    assert_eq!(got.matches("ERR").count(), 1);
}

#[test]
fn a_million_nested_arrays_are_one_error() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(dir.path());
    let mut wire = server.connect();
    let _ = wire.send(b"*1\r\n".repeat(1_000_000));
    assert_eq!(
        wire.rest(),
        "-ERR Protocol error: expected '$', got '*'\r\n"
    );
    server.connect().talk("PING\n", "PONG\n");
}

#[test]
fn browsers_are_sent_away() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(dir.path());
    for request in [
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nSET k v\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ] {
        let got = answer(&server, request);
        assert!(
            got.ends_with("HTTP is not spoken on this port\r\n"),
            "{got}"
        );
        assert_eq!(got.matches("ERR").count(), 1, "{got}");
    }
    server.connect().talk("GET k\n", "NULL\n");
}

#[test]
fn a_request_that_cannot_be_done_leaves_the_connection_open() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(dir.path());
    let mut wire = server.connect();
    wire.talk(
        resp(&["GET"]),
        "-ERR wrong number of arguments for 'get' command\r\n",
    );
    wire.talk(resp(&["SET", "k", "text"]), "+OK\r\n");
    wire.talk(
        resp(&["INCR", "k"]),
        "-ERR value is not an integer or out of range\r\n",
    );
    wire.talk(
        resp(&["no\r\nsuch"]),
        "-ERR unknown command 'no  such', with args beginning with: \r\n",
    );
    wire.talk(b"\r\n*0\r\nPING\r\n", "+PONG\r\n");
}

#[test]
fn announced_lengths_take_no_memory() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(dir.path());
    server.connect().talk("PING\n", "PONG\n");
    let before = server.resident_bytes();
    let mut silent: Vec<Wire> = (0..200).map(|_| server.connect()).collect();
    for (number, wire) in silent.iter_mut().enumerate() {
        let announced = if number % 2 == 0 {
            "*1048576\r\n$3\r\nSET\r\n"
        } else {
            "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$536870912\r\nx"
        };
        wire.send(announced).unwrap();
    }
    // Served after them on the same threads.
    for _ in 0..4 {
        server.connect().talk("PING\n", "PONG\n");
    }
    let grown = server.resident_bytes().saturating_sub(before);
    assert!(grown < 64 << 20, "{grown} bytes for 200 silent connections");
}

#[test]
fn a_client_that_does_not_read_is_held_back() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(dir.path());
    let value = "x".repeat(1 << 20);
    server
        .connect()
        .talk(resp(&["SET", "big", &value]), "+OK\r\n");
    let before = server.resident_bytes();
    let mut deaf = server.connect();
    let asked = deaf.push(&resp(&["GET", "big"]).repeat(500_000));
    assert!(asked > 0);
    server.connect().talk(resp(&["PING"]), "+PONG\r\n");
    let grown = server.resident_bytes().saturating_sub(before);
    assert!(
        grown < 64 << 20,
        "{grown} bytes for a client that does not read"
    );
}

#[test]
fn one_request_cannot_ask_for_more_than_the_output_limit() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(dir.path());
    let mut wire = server.connect();
    let limit = [
        "CONFIG",
        "SET",
        "client-output-buffer-limit",
        "normal 16mb 0 0",
    ];
    wire.talk(resp(&limit), "+OK\r\n");
    wire.talk(resp(&["SET", "big", &"x".repeat(1 << 20)]), "+OK\r\n");
    let before = server.resident_bytes();
    let mut words = vec!["MGET"];
    words.resize(10_000, "big");
    assert_eq!(answer(&server, resp(&words)), "");
    let grown = server.resident_bytes().saturating_sub(before);
    assert!(
        grown < 64 << 20,
        "{grown} bytes for a reply of ten gigabytes"
    );
    wire.talk(resp(&["PING"]), "+PONG\r\n");
}

#[test]
fn half_a_request_is_given_up_after_a_while() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(dir.path());
    server
        .connect()
        .talk(resp(&["CONFIG", "SET", "request-timeout", "1"]), "+OK\r\n");
    let mut idle = server.connect();
    idle.talk(resp(&["PING"]), "+PONG\r\n");
    let got = answer(&server, "*2\r\n$3\r\nGET\r\n");
    assert_eq!(
        got,
        "-ERR Protocol error: the rest of the request did not come in time\r\n"
    );
    idle.talk(resp(&["PING"]), "+PONG\r\n");
}

#[test]
fn idle_connections_are_closed_when_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(dir.path());
    let mut idle = server.connect();
    idle.talk(resp(&["CONFIG", "SET", "timeout", "1"]), "+OK\r\n");
    assert_eq!(idle.rest(), "");
}

#[test]
fn too_many_clients_are_told_so() {
    let dir = tempfile::tempdir().unwrap();
    let server = Process::start(dir.path(), &["--maxclients", "2"]);
    let mut first = server.connect();
    let mut second = server.connect();
    first.talk("PING\n", "PONG\n");
    second.talk("PING\n", "PONG\n");
    assert_eq!(
        server.connect().rest(),
        "-ERR max number of clients reached\r\n"
    );
    second.talk("QUIT\n", "OK\n");
    assert_eq!(second.rest(), "");
    drop(second);
    first.talk("CONFIG SET maxclients 3\n", "OK\n");
    server.connect().talk("PING\n", "PONG\n");
}

#[test]
fn one_client_can_end_another() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(dir.path());
    let mut victim = server.connect();
    victim.send(resp(&["CLIENT", "ID"])).unwrap();
    let id = victim.line().unwrap();
    let id = id.trim_start_matches(':').trim_end();
    let mut killer = server.connect();
    killer.talk(resp(&["CLIENT", "KILL", "ID", id]), ":1\r\n");
    assert_eq!(victim.rest(), "");
    killer.talk(
        resp(&["CLIENT", "KILL", "ID", id, "SKIPME", "no"]),
        ":0\r\n",
    );
    killer.talk(
        resp(&["CLIENT", "KILL", "1.2.3.4:5"]),
        "-ERR No such client\r\n",
    );
}

#[test]
fn a_protocol_can_be_forced() {
    let dir = tempfile::tempdir().unwrap();
    let line = Process::start(&dir.path().join("."), &["--protocol", "line"]);
    line.connect().talk("PING\r\n", "PONG\n");
    assert_eq!(line.terminate().code(), Some(0));
    let resp_only = Process::start(dir.path(), &["--protocol", "resp"]);
    resp_only.connect().talk("PING\n", "+PONG\r\n");
}
