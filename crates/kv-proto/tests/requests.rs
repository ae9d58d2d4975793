//! Requests of every dialect, good and bad, as literal bytes.

mod feed;

use ProtocolMode::{Auto, Line, Resp};
use feed::{Outcome, whole};
use kv_proto::{Decoder, Dialect, Format, Limits, ProtoError, ProtocolMode, RequestArgs};

#[track_caller]
fn accepts(mode: ProtocolMode, bytes: &[u8], format: Format, requests: &[&[&str]]) {
    let requests = requests
        .iter()
        .map(|words| words.iter().map(|w| w.as_bytes().to_vec()).collect())
        .collect();
    assert_eq!(
        whole(mode, bytes),
        Outcome {
            requests,
            error: None,
            format
        }
    );
}

#[track_caller]
fn refuses(mode: ProtocolMode, bytes: &[u8], message: &str) {
    let error = whole(mode, bytes).error.map(|error| error.to_string());
    assert_eq!(
        error.as_deref(),
        Some(message),
        "{}",
        bytes[..bytes.len().min(80)].escape_ascii()
    );
}

#[test]
fn an_array_makes_the_connection_resp() {
    accepts(Auto, b"*1\r\n$4\r\nPING\r\n", Format::Resp2, &[&["PING"]]);
    accepts(
        Auto,
        b"*2\r\n$3\r\nGET\r\n$0\r\n\r\n",
        Format::Resp2,
        &[&["GET", ""]],
    );
    accepts(
        Auto,
        b"*1\r\n$4\r\na\r\nb\r\n",
        Format::Resp2,
        &[&["a\r\nb"]],
    );
}

#[test]
fn a_resp_connection_stays_resp() {
    let mixed = b"*1\r\n$4\r\nPING\r\nECHO a\r\nECHO b\n*1\r\n$4\r\nQUIT\r\n";
    let requests: &[&[&str]] = &[&["PING"], &["ECHO", "a"], &["ECHO", "b"], &["QUIT"]];
    accepts(Auto, mixed, Format::Resp2, requests);
    // Inline commands are split as Redis splits them: no rest of the line for SET.
    accepts(
        Auto,
        b"SET k a  b\r\n",
        Format::Resp2,
        &[&["SET", "k", "a", "b"]],
    );
    accepts(
        Auto,
        b"PING\r\nSET k a  b\n",
        Format::Resp2,
        &[&["PING"], &["SET", "k", "a", "b"]],
    );
}

#[test]
fn a_bare_line_feed_makes_the_connection_plain() {
    accepts(Auto, b"PING\n", Format::Plain, &[&["PING"]]);
    accepts(
        Auto,
        b"PING\nGET a\r\n*1\n",
        Format::Plain,
        &[&["PING"], &["GET", "a"], &["*1"]],
    );
}

#[test]
fn the_mode_forces_a_dialect() {
    accepts(
        Line,
        b"PING\r\nPING\n",
        Format::Plain,
        &[&["PING"], &["PING"]],
    );
    accepts(Line, b"*1\r\n$4\r\n", Format::Plain, &[&["*1"], &["$4"]]);
    accepts(
        Resp,
        b"SET k a b\n",
        Format::Resp2,
        &[&["SET", "k", "a", "b"]],
    );
    accepts(Resp, b"*1\r\n$4\r\nPING\r\n", Format::Resp2, &[&["PING"]]);
}

#[test]
fn nothing_is_decided_before_the_first_line_ends() {
    let mut decoder = Decoder::new(Auto, Limits::default());
    let mut args = RequestArgs::new();
    for (input, dialect) in [
        (&b""[..], Dialect::Undecided),
        (b"PIN", Dialect::Undecided),
        (b"PING\r", Dialect::Undecided),
        (b"PING\r\n", Dialect::Resp),
    ] {
        decoder.decode(input, &mut args).unwrap();
        assert_eq!(decoder.dialect(), dialect);
    }
}

#[test]
fn hello_chooses_between_the_versions_of_resp_only() {
    let mut args = RequestArgs::new();
    let mut decoder = Decoder::new(Auto, Limits::default());
    decoder.decode(b"*0\r\n", &mut args).unwrap();
    decoder.set_resp3(true);
    assert_eq!(decoder.format(), Format::Resp3);
    decoder.set_resp3(false);
    assert_eq!(decoder.format(), Format::Resp2);

    let mut decoder = Decoder::new(Auto, Limits::default());
    decoder.decode(b"\n", &mut args).unwrap();
    decoder.set_resp3(true);
    assert_eq!(decoder.format(), Format::Plain);
}

/// An empty request once left its state behind for the next one in another server
/// (CVE-2026-27623).
#[test]
fn empty_requests_are_reported_and_leave_nothing_behind() {
    let ping: &[&str] = &["PING"];
    let bytes = b"*0\r\n*-1\r\n*-10\r\n\r\n  \n*1\r\n$4\r\nPING\r\n";
    accepts(Auto, bytes, Format::Resp2, &[&[], &[], &[], &[], &[], ping]);
    accepts(
        Auto,
        b"\n\r\n \t\nPING\n",
        Format::Plain,
        &[&[], &[], &[], ping],
    );
    accepts(Auto, b"\r\nPING\r\n", Format::Resp2, &[&[], ping]);
}

#[test]
fn plain_words_are_split_at_blanks_and_quoted() {
    accepts(Auto, b"  get\t a \n", Format::Plain, &[&["get", "a"]]);
    accepts(
        Auto,
        b"ECHO \"a \\x41\\n\" 'it\\'s'\n",
        Format::Plain,
        &[&["ECHO", "a A\n", "it's"]],
    );
}

#[test]
fn plain_set_takes_the_rest_of_the_line() {
    let set = |line: &[u8], words: &[&str]| accepts(Auto, line, Format::Plain, &[words]);
    set(
        b"SET greeting hello world\n",
        &["SET", "greeting", "hello world"],
    );
    set(b" set  k \t a \t b  c  \n", &["set", "k", "a b c"]);
    set(
        b"SET k it's \"so\" 'called\n",
        &["SET", "k", "it's \"so\" 'called"],
    );
    set(b"SET k v EX 10\n", &["SET", "k", "v EX 10"]);
    set(b"SET k \"v\" EX 10\n", &["SET", "k", "v", "EX", "10"]);
    set(b"SET k 'a  b' NX\n", &["SET", "k", "a  b", "NX"]);
    set(b"SET \"my key\" a  b\n", &["SET", "my key", "a b"]);
    set(b"SET k \"\"\n", &["SET", "k", ""]);
}

#[test]
fn plain_set_without_a_value_is_left_to_the_command() {
    accepts(
        Auto,
        b"SET\nSET k\nSET k  \n",
        Format::Plain,
        &[&["SET"], &["SET", "k"], &["SET", "k"]],
    );
    accepts(
        Auto,
        b"SETEX k 10 v\n",
        Format::Plain,
        &[&["SETEX", "k", "10", "v"]],
    );
}

#[test]
fn wrong_arrays_are_refused_in_the_words_of_redis() {
    let multibulk = "Protocol error: invalid multibulk length";
    for bytes in [
        &b"*3000000000\r\n"[..],
        b"*1048577\r\n",
        b"*99999999999999999999999\r\n",
        b"*x\r\n",
        b"*\r\n",
        b"*1\n",
        b"*\0",
    ] {
        refuses(Auto, bytes, multibulk);
    }
    refuses(Auto, b"*1\rx", "Protocol error: invalid CRLF in request");
    let bulk = "Protocol error: invalid bulk length";
    for length in [
        "-1",
        "-10",
        "2000000000",
        "536870913",
        "blabla",
        "",
        "1\n",
        "+1",
    ] {
        refuses(Auto, format!("*1\r\n${length}\r\n").as_bytes(), bulk);
    }
    refuses(
        Auto,
        b"*1\r\nfoo\r\n",
        "Protocol error: expected '$', got 'f'",
    );
    refuses(
        Auto,
        b"*1\r\n\r\n",
        "Protocol error: expected '$', got '\\r'",
    );
    refuses(
        Auto,
        b"*1\r\n$1\r\nabc",
        "Protocol error: invalid CRLF in request",
    );
}

#[test]
fn a_million_nested_arrays_are_one_error() {
    let outcome = whole(Auto, &b"*1\r\n".repeat(1_000_000));
    assert_eq!(outcome.error, Some(ProtoError::ExpectedBulk { got: b'*' }));
    assert!(outcome.requests.is_empty());
}

#[test]
fn wrong_lines_are_refused() {
    for mode in [Auto, Line, Resp] {
        refuses(
            mode,
            b"GET \"a\n",
            "Protocol error: unbalanced quotes in request",
        );
        refuses(
            mode,
            b"GET 'a'b'\r\n",
            "Protocol error: unbalanced quotes in request",
        );
        refuses(mode, b"GET a\0b\n", "Protocol error: NUL byte in line");
        refuses(mode, b"\x16\x03\x01\0", "Protocol error: NUL byte in line");
    }
    refuses(Auto, b"SET k a\0b\n", "Protocol error: NUL byte in line");
}

#[test]
fn http_is_refused() {
    let message = "Protocol error: HTTP is not spoken on this port";
    for line in [
        "GET / HTTP/1.1",
        "get / HTTP/1.0",
        "POST / HTTP/1.1",
        "Host: localhost",
        "host: x",
    ] {
        for mode in [Auto, Line, Resp] {
            refuses(mode, format!("{line}\r\n").as_bytes(), message);
            refuses(mode, format!("{line}\n").as_bytes(), message);
        }
    }
    accepts(
        Auto,
        b"SET k HTTP/1.1\n",
        Format::Plain,
        &[&["SET", "k", "HTTP/1.1"]],
    );
}
