//! Properties of replies: clients read what was written, and a plain element is one line.

use bytes::{Buf, Bytes, BytesMut};
use kv_proto::{
    Decoder, Format, Limits, ProtocolMode, REPLY_DEPTH_MAX, Reply, ReplyBuffer, ReplyDecoder,
    RequestArgs, Value,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

fn text() -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..40).prop_map(Bytes::from)
}

fn word() -> impl Strategy<Value = Bytes> {
    "[ -~]{0,12}".prop_map(Bytes::from)
}

fn values() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        word().prop_map(Value::Simple),
        word().prop_map(|word| Value::Error(
            [b"ERR ", &word[..]]
                .concat()
                .trim_ascii_end()
                .to_vec()
                .into()
        )),
        any::<i64>().prop_map(Value::Integer),
        text().prop_map(Value::Bulk),
        (16_000..17_000_usize).prop_map(|bytes| Value::Bulk(vec![b'x'; bytes].into())),
        Just(Value::Null),
        any::<bool>().prop_map(Value::Boolean),
        any::<f64>().prop_map(Value::Double),
        "-?[1-9][0-9]{0,40}".prop_map(|digits| Value::BigNumber(digits.into())),
        (select(vec![*b"txt", *b"mkd"]), text())
            .prop_map(|(kind, text)| Value::Verbatim { kind, text }),
    ];
    scalar.prop_recursive(5, 40, 5, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::Array),
            vec(inner.clone(), 0..5).prop_map(Value::Set),
            vec(inner.clone(), 0..5).prop_map(Value::Push),
            vec((inner.clone(), inner), 0..3).prop_map(Value::Map),
        ]
    })
}

fn as_str(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("text is ASCII")
}

fn write(reply: &mut Reply<'_>, value: &Value) {
    match value {
        Value::Simple(text) => reply.simple(as_str(text)),
        Value::Error(text) => reply.error("ERR", as_str(text.get(4..).unwrap_or_default())),
        Value::Integer(value) => reply.int(*value),
        Value::Bulk(bytes) => reply.bulk_shared(bytes.clone()),
        Value::Null => reply.null(),
        Value::Boolean(value) => reply.boolean(*value),
        Value::Double(value) => reply.double(*value),
        Value::BigNumber(digits) => reply.big_number(as_str(digits)),
        Value::Verbatim { kind, text } => reply.verbatim(as_str(kind), text),
        Value::Array(values) => {
            reply.array(values.len());
            values.iter().for_each(|value| write(reply, value));
        }
        Value::Set(values) => {
            reply.set(values.len());
            values.iter().for_each(|value| write(reply, value));
        }
        Value::Push(values) => {
            reply.push(values.len());
            values.iter().for_each(|value| write(reply, value));
        }
        Value::Map(pairs) => {
            reply.map(pairs.len());
            for (key, value) in pairs {
                write(reply, key);
                write(reply, value);
            }
        }
    }
}

/// The value as a RESP2 client sees it.
fn in_resp2(value: &Value) -> Value {
    let all = |values: &[Value]| Value::Array(values.iter().map(in_resp2).collect());
    match value {
        Value::Boolean(value) => Value::Integer(i64::from(*value)),
        Value::Double(value) => Value::Bulk(resp3_text(*value)),
        Value::BigNumber(text) | Value::Verbatim { text, .. } => Value::Bulk(text.clone()),
        Value::Array(values) | Value::Set(values) | Value::Push(values) => all(values),
        Value::Map(pairs) => {
            let flat = pairs
                .iter()
                .flat_map(|(key, value)| [in_resp2(key), in_resp2(value)]);
            Value::Array(flat.collect())
        }
        other => other.clone(),
    }
}

/// A number as RESP3 writes it, without its marker and line end.
fn resp3_text(value: f64) -> Bytes {
    let bytes = written(&Value::Double(value), Format::Resp3);
    bytes.slice(1..bytes.len() - 2)
}

fn written(value: &Value, format: Format) -> Bytes {
    let mut out = ReplyBuffer::new();
    write(&mut Reply::new(&mut out, format), value);
    out.copy_to_bytes(out.len())
}

fn read_in_pieces(bytes: &[u8], cuts: &[Index]) -> Vec<Value> {
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    ends.extend([0, bytes.len()]);
    ends.sort_unstable();
    let mut decoder = ReplyDecoder::new();
    let mut input = BytesMut::new();
    let mut values = Vec::new();
    for piece in ends.windows(2) {
        input.extend_from_slice(&bytes[piece[0]..piece[1]]);
        while let Some(value) = decoder.decode(&mut input).expect("a valid reply") {
            values.push(value);
        }
    }
    assert!(input.is_empty(), "nothing is left over");
    values
}

/// How many lines the plain format may use: one for each scalar and each empty list.
fn plain_lines(value: &Value) -> usize {
    let sum = |lines: usize| lines.max(1);
    match value {
        Value::Array(values) | Value::Set(values) | Value::Push(values) => {
            sum(values.iter().map(plain_lines).sum())
        }
        Value::Map(pairs) => sum(pairs
            .iter()
            .map(|(key, value)| plain_lines(key) + plain_lines(value))
            .sum()),
        Value::Verbatim { text, .. } => {
            let text = text.strip_suffix(b"\n").unwrap_or(text);
            text.split(|byte| *byte == b'\n').count()
        }
        _ => 1,
    }
}

proptest! {
    #[test]
    fn resp3_is_read_back(value in values(), cuts in vec(any::<Index>(), 0..6)) {
        let bytes = written(&value, Format::Resp3);
        prop_assert_eq!(read_in_pieces(&bytes, &cuts), [value]);
    }

    #[test]
    fn resp2_is_read_back(value in values(), cuts in vec(any::<Index>(), 0..6)) {
        let bytes = written(&value, Format::Resp2);
        prop_assert_eq!(read_in_pieces(&bytes, &cuts), [in_resp2(&value)]);
    }

    #[test]
    fn a_plain_element_is_one_line(value in values()) {
        let bytes = written(&value, Format::Plain);
        prop_assert_eq!(bytes.last(), Some(&b'\n'));
        let lines = bytes.iter().filter(|byte| **byte == b'\n').count();
        prop_assert_eq!(lines, plain_lines(&value), "{}", bytes.escape_ascii());
        prop_assert!(bytes.iter().all(|byte| *byte == b'\n' || !byte.is_ascii_control()));
    }

    /// A quoted reply can be pasted into a request.
    #[test]
    fn quoted_strings_are_understood_by_requests(text in text()) {
        let line = written(&Value::Bulk(text.clone()), Format::Plain);
        prop_assume!(line.starts_with(b"\""));
        let mut args = RequestArgs::new();
        let request = [b"ECHO ", &line[..]].concat();
        let mut decoder = Decoder::new(ProtocolMode::Line, Limits::default());
        decoder.decode(&request, &mut args).unwrap();
        prop_assert_eq!(args.view(&request).get(1), Some(&text[..]));
    }

    #[test]
    fn random_replies_never_panic(
        bytes in vec(
            prop_oneof![select(&b"*$%~>|+-:_#,(=!\r\n0123456789"[..]), any::<u8>()],
            0..200,
        ),
    ) {
        let mut input = BytesMut::from(&bytes[..]);
        let mut decoder = ReplyDecoder::new();
        while let Ok(Some(value)) = decoder.decode(&mut input) {
            prop_assert!(depth(&value) <= REPLY_DEPTH_MAX);
        }
        prop_assert!(input.len() <= bytes.len());
    }

    /// Whatever is consumed in whatever portions, the same bytes come out.
    #[test]
    fn a_buffer_gives_its_bytes_in_any_portions(
        sizes in vec(prop_oneof![0..50_usize, 16_000..100_000_usize], 1..8),
        portions in vec(1..70_000_usize, 1..8),
    ) {
        let mut out = ReplyBuffer::new();
        let mut expected = Vec::new();
        let mut read = Vec::new();
        for (index, size) in sizes.into_iter().enumerate() {
            let value = vec![b'a' + u8::try_from(index).unwrap(); size];
            expected.extend_from_slice(format!("${size}\r\n").as_bytes());
            expected.extend_from_slice(&value);
            expected.extend_from_slice(b"\r\n");
            Reply::new(&mut out, Format::Resp3).bulk_shared(value.into());
            let portion = portions[index % portions.len()].min(out.len());
            read.extend_from_slice(&out.copy_to_bytes(portion));
            prop_assert_eq!(read.len() + out.len(), expected.len());
        }
        let mut slices = [std::io::IoSlice::new(b""); 32];
        let filled = out.chunks_vectored(&mut slices);
        let vectored: Vec<u8> = slices[..filled].iter().flat_map(|slice| slice.to_vec()).collect();
        read.extend_from_slice(&vectored);
        prop_assert!(read == expected);
        out.advance(vectored.len());
        prop_assert!(out.is_empty());
    }
}

fn depth(value: &Value) -> usize {
    let deepest = |depths: &mut dyn Iterator<Item = usize>| 1 + depths.max().unwrap_or(0);
    match value {
        Value::Array(values) | Value::Set(values) | Value::Push(values) => {
            deepest(&mut values.iter().map(depth))
        }
        Value::Map(pairs) => deepest(&mut pairs.iter().map(|(k, v)| depth(k).max(depth(v)))),
        _ => 0,
    }
}
