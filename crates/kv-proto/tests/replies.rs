//! Replies of every verb in every format, as literal bytes.

use bytes::{Buf, Bytes};
use kv_proto::{Format, ProtoError, Reply, ReplyBuffer};

/// What `write` puts on the wire in RESP2, RESP3 and the plain format.
fn written(write: impl Fn(&mut Reply<'_>)) -> [String; 3] {
    [Format::Resp2, Format::Resp3, Format::Plain].map(|format| {
        let mut out = ReplyBuffer::new();
        write(&mut Reply::new(&mut out, format));
        let bytes = out.copy_to_bytes(out.len());
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

#[track_caller]
fn writes(write: impl Fn(&mut Reply<'_>), expected: [&str; 3]) {
    assert_eq!(written(write), expected);
}

#[test]
fn scalars() {
    writes(|r| r.ok(), ["+OK\r\n", "+OK\r\n", "OK\n"]);
    writes(|r| r.simple("PONG"), ["+PONG\r\n", "+PONG\r\n", "PONG\n"]);
    writes(|r| r.bulk(b"hi"), ["$2\r\nhi\r\n", "$2\r\nhi\r\n", "hi\n"]);
    writes(|r| r.bulk(b""), ["$0\r\n\r\n", "$0\r\n\r\n", "\n"]);
    writes(
        |r| r.bulk_int(-12),
        ["$3\r\n-12\r\n", "$3\r\n-12\r\n", "-12\n"],
    );
    writes(|r| r.int(3), [":3\r\n", ":3\r\n", "(integer) 3\n"]);
    writes(|r| r.int(-1), [":-1\r\n", ":-1\r\n", "(integer) -1\n"]);
    let least = ":-9223372036854775808\r\n";
    writes(
        |r| r.int(i64::MIN),
        [least, least, "(integer) -9223372036854775808\n"],
    );
    writes(|r| r.double(1.5), ["$3\r\n1.5\r\n", ",1.5\r\n", "1.5\n"]);
    writes(|r| r.double(2.0), ["$1\r\n2\r\n", ",2\r\n", "2\n"]);
    writes(
        |r| r.double(f64::NEG_INFINITY),
        ["$4\r\n-inf\r\n", ",-inf\r\n", "-inf\n"],
    );
    writes(|r| r.boolean(true), [":1\r\n", "#t\r\n", "(integer) 1\n"]);
    writes(|r| r.boolean(false), [":0\r\n", "#f\r\n", "(integer) 0\n"]);
    writes(|r| r.null(), ["$-1\r\n", "_\r\n", "NULL\n"]);
    writes(|r| r.null_array(), ["*-1\r\n", "_\r\n", "NULL\n"]);
    writes(
        |r| r.big_number("123"),
        ["$3\r\n123\r\n", "(123\r\n", "123\n"],
    );
    writes(
        |r| r.bulk(&[b'x'; 10]),
        [
            "$10\r\nxxxxxxxxxx\r\n",
            "$10\r\nxxxxxxxxxx\r\n",
            "xxxxxxxxxx\n",
        ],
    );
}

#[test]
fn errors() {
    let expected = ["-ERR no\r\n", "-ERR no\r\n", "ERR no\n"];
    writes(|r| r.error("ERR", "no"), expected);
    let quotes = "ERR Protocol error: unbalanced quotes in request";
    let resp = format!("-{quotes}\r\n");
    let plain = format!("{quotes}\n");
    writes(
        |r| r.proto_error(&ProtoError::UnbalancedQuotes),
        [&resp, &resp, &plain],
    );
}

/// Another server let a request's own bytes forge a reply through an error's text
/// (CVE-2025-67733).
#[test]
fn text_cannot_break_out_of_its_line() {
    let resp = "-ERR unknown 'a  +OK'\r\n";
    writes(
        |r| r.error("ERR", "unknown 'a\r\n+OK'"),
        [resp, resp, "ERR unknown 'a  +OK'\n"],
    );
    writes(
        |r| r.error("E\nR", "\x1b"),
        ["-E R  \r\n", "-E R  \r\n", "E R  \n"],
    );
    writes(|r| r.simple("a\nb"), ["+a b\r\n", "+a b\r\n", "a b\n"]);
}

#[test]
fn the_verbs_that_the_plain_format_says_differently() {
    writes(|r| r.removed(1, 1), [":1\r\n", ":1\r\n", "OK\n"]);
    writes(|r| r.removed(0, 1), [":0\r\n", ":0\r\n", "NULL\n"]);
    writes(|r| r.removed(1, 2), [":1\r\n", ":1\r\n", "(integer) 1\n"]);
    writes(|r| r.removed(0, 2), [":0\r\n", ":0\r\n", "(integer) 0\n"]);
    writes(
        |r| r.kind(Some("list")),
        ["+list\r\n", "+list\r\n", "list\n"],
    );
    writes(|r| r.kind(None), ["+none\r\n", "+none\r\n", "NULL\n"]);
}

#[test]
fn aggregates() {
    writes(|r| r.array(0), ["*0\r\n", "*0\r\n", "(empty)\n"]);
    writes(|r| r.map(0), ["*0\r\n", "%0\r\n", "(empty)\n"]);
    writes(
        |r| {
            r.set(2);
            r.bulk(b"a");
            r.null();
        },
        [
            "*2\r\n$1\r\na\r\n$-1\r\n",
            "~2\r\n$1\r\na\r\n_\r\n",
            "1) a\n2) NULL\n",
        ],
    );
    writes(
        |r| {
            r.map(1);
            r.bulk(b"k");
            r.int(1);
        },
        [
            "*2\r\n$1\r\nk\r\n:1\r\n",
            "%1\r\n$1\r\nk\r\n:1\r\n",
            "1) k\n2) (integer) 1\n",
        ],
    );
    writes(
        |r| {
            r.push(1);
            r.ok();
            r.ok();
        },
        [
            "*1\r\n+OK\r\n+OK\r\n",
            ">1\r\n+OK\r\n+OK\r\n",
            "1) OK\nOK\n",
        ],
    );
}

#[test]
fn nested_lists_are_indented() {
    let [.., plain] = written(|r| {
        r.array(3);
        r.bulk(b"first");
        r.array(2);
        r.array(2);
        r.bulk(b"a");
        r.bulk(b"b");
        r.array(0);
        r.error("ERR", "third");
        r.bulk(b"next reply");
    });
    let expected = "\
1) first
2) 1) 1) a
      2) b
   2) (empty)
3) ERR third
next reply
";
    assert_eq!(plain, expected);
}

#[test]
fn elements_are_numbered_without_padding() {
    let [.., plain] = written(|r| {
        r.array(10);
        for _ in 0..9 {
            r.ok();
        }
        r.array(2);
        r.ok();
        r.ok();
    });
    assert!(plain.starts_with("1) OK\n2) OK\n"));
    assert!(plain.ends_with("9) OK\n10) 1) OK\n    2) OK\n"));
}

#[test]
fn plain_strings_are_quoted_where_a_line_would_not_hold_them() {
    let plain = |bytes: &[u8]| {
        let [.., plain] = written(|r| r.bulk(bytes));
        plain
    };
    assert_eq!(plain(b" as it \\ is, \"so\" "), " as it \\ is, \"so\" \n");
    assert_eq!(plain("gr\u{fc}n".as_bytes()), "gr\u{fc}n\n");
    assert_eq!(plain(b"two\nlines"), "\"two\\nlines\"\n");
    assert_eq!(
        plain(b"\r\t\x07\x08\0\x7f\\\""),
        "\"\\r\\t\\a\\b\\x00\\x7f\\\\\\\"\"\n"
    );
    assert_eq!(plain(b"\"quoted\""), "\"\\\"quoted\\\"\"\n");
}

#[test]
fn plain_text_of_several_lines_is_a_list() {
    let text = b"# Server\r\nversion:1\r\n\r\nlast\r\n";
    let resp2 =
        "$31\r\n# Server\r\nversion:1\r\n\r\nlast\r\n\r\n".replace("31", &text.len().to_string());
    let resp3 = format!("={}\r\ntxt:", text.len() + 4) + &String::from_utf8_lossy(text) + "\r\n";
    let plain = "1) # Server\n2) version:1\n3) \n4) last\n";
    writes(|r| r.verbatim("txt", text), [&resp2, &resp3, plain]);
    writes(
        |r| r.verbatim("txt", b"one\n"),
        ["$4\r\none\n\r\n", "=8\r\ntxt:one\n\r\n", "one\n"],
    );
    writes(
        |r| r.verbatim("txt", b""),
        ["$0\r\n\r\n", "=4\r\ntxt:\r\n", "\n"],
    );
}

#[test]
fn large_values_are_sent_by_reference() {
    let value = Bytes::from(vec![b'x'; 100_000]);
    for (format, head) in [
        (Format::Resp2, "+OK\r\n$100000\r\n"),
        (Format::Plain, "OK\n"),
    ] {
        let mut out = ReplyBuffer::new();
        let mut reply = Reply::new(&mut out, format);
        reply.ok();
        reply.bulk_shared(value.clone());
        assert_eq!(out.chunk(), head.as_bytes());
        out.advance(head.len());
        assert_eq!(out.chunk().as_ptr(), value.as_ptr());
    }
}

#[test]
fn a_half_written_reply_can_be_replaced() {
    for (format, expected) in [
        (Format::Resp2, "*3\r\n+OK\r\n-ERR no\r\n+OK\r\n"),
        (Format::Plain, "1) OK\n2) ERR no\n3) OK\n"),
    ] {
        let mut out = ReplyBuffer::new();
        let mut reply = Reply::new(&mut out, format);
        reply.array(3);
        reply.ok();
        let mark = reply.buffer().mark();
        reply.array(2);
        reply.array(2);
        reply.bulk_shared(vec![b'x'; 100_000].into());
        reply.ok();
        reply.ok();
        reply.buffer().truncate(mark);
        reply.error("ERR", "no");
        reply.ok();
        assert_eq!(out.copy_to_bytes(out.len()), expected);
    }
}
