//! Requests of every dialect, good and bad, as literal bytes.

mod feed;

use ProtocolMode::{Auto, Line, Resp};
use feed::{Outcome, whole};
use kv_proto::{
    ARGS_MAX, Decoder, Dialect, Format, INLINE_BYTES_MAX, LINE_BYTES_MAX, Limits, ProtoError,
    ProtocolMode, RequestArgs,
};

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
        b"*1\rx",
        b"*\0",
    ] {
        refuses(Auto, bytes, multibulk);
    }
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
        "Protocol error: expected CR LF after bulk string",
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
            b"GET 'a'b\r\n",
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

#[test]
fn lines_have_a_longest_length() {
    let line = |bytes: usize, end: &str| ["x".repeat(bytes), end.to_owned()].concat().into_bytes();
    for end in ["\n", "\r\n"] {
        assert_eq!(whole(Line, &line(LINE_BYTES_MAX, end)).error, None);
        assert_eq!(whole(Resp, &line(INLINE_BYTES_MAX, end)).error, None);
    }
    for end in ["", "\n", "\r\n"] {
        let plain = "Protocol error: line is longer than 1048576 bytes";
        refuses(Line, &line(LINE_BYTES_MAX + 2, end), plain);
        refuses(Auto, &line(LINE_BYTES_MAX + 2, end), plain);
        refuses(
            Resp,
            &line(INLINE_BYTES_MAX + 2, end),
            "Protocol error: too big inline request",
        );
    }
    refuses(
        Auto,
        &line(INLINE_BYTES_MAX + 1, "\r\n"),
        "Protocol error: too big inline request",
    );
    refuses(
        Line,
        &line(LINE_BYTES_MAX + 1, "\n"),
        "Protocol error: line is longer than 1048576 bytes",
    );
}

#[test]
fn a_peer_that_has_not_logged_in_may_send_little() {
    let error = |bytes: &[u8]| {
        feed::pieces(Decoder::new(Auto, Limits::UNAUTHENTICATED), [bytes])
            .error
            .map(|e| e.to_string())
    };
    assert_eq!(error(b"*10\r\n$16384\r\n"), None);
    let text = |text: &str| Some(format!("Protocol error: unauthenticated {text} length"));
    assert_eq!(error(b"*11\r\n"), text("multibulk"));
    assert_eq!(error(b"*1\r\n$16385\r\n"), text("bulk"));
}

#[test]
fn limits_never_exceed_those_of_the_crate() {
    let limits = Limits {
        args_max: usize::MAX,
        bulk_bytes_max: usize::MAX,
        ..Limits::default()
    };
    let error = |bytes: &[u8]| feed::pieces(Decoder::new(Auto, limits), [bytes]).error;
    assert_eq!(
        error(b"*1048577\r\n"),
        Some(ProtoError::InvalidMultibulkLength)
    );
    assert_eq!(
        error(b"*1\r\n$536870913\r\n"),
        Some(ProtoError::InvalidBulkLength)
    );
}

#[test]
fn a_whole_request_has_a_longest_length() {
    let limits = Limits {
        request_bytes_max: 30,
        ..Limits::default()
    };
    let outcome = |bytes: &[u8]| feed::pieces(Decoder::new(Auto, limits), [bytes]);
    assert_eq!(
        outcome(b"*2\r\n$3\r\nGET\r\n$10\r\n0123456789\r\n").error,
        None
    );
    let error = Some(ProtoError::RequestTooLong { bytes_max: 30 });
    assert_eq!(outcome(b"*2\r\n$3\r\nGET\r\n$11\r\n").error, error);
}

/// What has been read is not read again: garbage put in its place is not noticed.
#[test]
fn a_request_of_a_million_arguments_in_pieces_is_read_once() {
    let mut bytes = format!("*{ARGS_MAX}\r\n").into_bytes();
    bytes.extend(b"$1\r\nx\r\n".repeat(ARGS_MAX));
    let mut decoder = Decoder::new(Auto, Limits::default());
    let mut args = RequestArgs::new();
    let mut buffer = Vec::new();
    for piece in bytes.chunks(16 * 1024) {
        buffer.extend_from_slice(piece);
        let done = decoder.decode(&buffer, &mut args).unwrap();
        assert_eq!(done, (buffer.len() == bytes.len()).then_some(bytes.len()));
        if done.is_none() {
            // The argument at hand, 7 bytes at most, may be looked at again, and so may the `*`.
            let read = buffer.len() - 7;
            buffer[1..read].fill(b'?');
        }
    }
    assert_eq!(args.view(&bytes).len(), ARGS_MAX);
    assert!(args.view(&bytes).iter().all(|arg| arg == b"x"));
}

#[test]
fn a_line_in_pieces_is_searched_once() {
    let mut decoder = Decoder::new(Line, Limits::default());
    let mut args = RequestArgs::new();
    let mut buffer = b"ECHO ".to_vec();
    while buffer.len() < LINE_BYTES_MAX - 1000 {
        buffer.extend_from_slice(&[b'x'; 1000]);
        assert_eq!(decoder.decode(&buffer, &mut args), Ok(None));
        buffer.fill(b'\n');
    }
    buffer.push(b'\n');
    assert_eq!(decoder.decode(&buffer, &mut args), Ok(Some(buffer.len())));
}

#[test]
fn room_is_asked_for_in_proportion_to_what_has_arrived() {
    let mut decoder = Decoder::new(Auto, Limits::default());
    let mut args = RequestArgs::new();
    let mut input = b"*1\r\n$536870912\r\n".to_vec();
    decoder.decode(&input, &mut args).unwrap();
    assert_eq!(decoder.needed_hint(), 16 * 1024);
    input.resize(1 << 20, b'x');
    decoder.decode(&input, &mut args).unwrap();
    assert_eq!(decoder.needed_hint(), 1 << 20);
    input.resize(20 << 20, b'x');
    decoder.decode(&input, &mut args).unwrap();
    assert_eq!(decoder.needed_hint(), 8 << 20);

    let mut decoder = Decoder::new(Auto, Limits::default());
    decoder.decode(b"*1\r\n$5\r\nabc", &mut args).unwrap();
    assert_eq!(decoder.needed_hint(), 4);
    decoder.decode(b"*1\r\n$5\r\nabcde\r\n", &mut args).unwrap();
    assert_eq!(decoder.needed_hint(), 0);
}

#[test]
fn the_arguments_of_an_unfinished_request_are_kept_by_the_decoder() {
    let mut decoder = Decoder::new(Auto, Limits::default());
    let mut first = RequestArgs::new();
    assert_eq!(
        decoder.decode(b"*2\r\n$4\r\nECHO\r\n$1\r\n", &mut first),
        Ok(None)
    );
    assert!(first.view(b"").is_empty());
    let mut second = RequestArgs::new();
    let input = b"*2\r\n$4\r\nECHO\r\n$1\r\nx\r\n";
    assert_eq!(decoder.decode(input, &mut second), Ok(Some(input.len())));
    assert_eq!(
        second.view(input).iter().collect::<Vec<_>>(),
        [&b"ECHO"[..], b"x"]
    );
}
