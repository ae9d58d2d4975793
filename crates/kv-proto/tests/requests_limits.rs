//! How much a peer may send, and that what arrives in pieces is read once.

mod feed;

use ProtocolMode::{Auto, Line, Resp};
use feed::whole;
use kv_proto::{
    ARGS_MAX, Decoder, INLINE_BYTES_MAX, LINE_BYTES_MAX, Limits, ProtoError, ProtocolMode,
    RequestArgs,
};

#[track_caller]
fn refuses(mode: ProtocolMode, bytes: &[u8], message: &str) {
    let error = whole(mode, bytes).error.map(|error| error.to_string());
    assert_eq!(error.as_deref(), Some(message));
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
