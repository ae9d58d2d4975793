//! Whole conversations at the level of the codecs, with a map in the place of a store.

use std::collections::HashMap;

use bytes::{Buf, BytesMut};
use kv_proto::{
    ClientCodec, CodecError, Format, Limits, ProtocolMode, Reply, ReplyBuffer, RequestRef,
    ServerCodec, Value,
};
use tokio_util::codec::{Decoder, Encoder};

/// Answers all that a peer sends, as a server does: one error and the end if it is wrong.
fn answers(mode: ProtocolMode, requests: &[u8]) -> String {
    let mut store = HashMap::new();
    let mut codec = ServerCodec::new(mode, Limits::default());
    let mut input = BytesMut::from(requests);
    let mut out = ReplyBuffer::new();
    loop {
        let decoded = codec.decode(&mut input);
        let mut reply = Reply::new(&mut out, codec.decoder().format());
        match decoded {
            Ok(Some(request)) => answer(&mut store, request.as_ref(), &mut reply),
            Ok(None) => break,
            Err(CodecError::Protocol(wrong)) => {
                reply.proto_error(&wrong);
                break;
            }
            Err(CodecError::Io(error)) => panic!("there is no socket: {error}"),
        }
    }
    let mut sent = BytesMut::new();
    codec.encode(out, &mut sent).expect("encoding cannot fail");
    String::from_utf8(sent.to_vec()).expect("replies here are ASCII")
}

fn answer(store: &mut HashMap<Vec<u8>, Vec<u8>>, request: RequestRef<'_>, reply: &mut Reply<'_>) {
    let words: Vec<&[u8]> = request.iter().collect();
    match (words[0].to_ascii_uppercase().as_slice(), &words[1..]) {
        (b"SET", [key, value]) => {
            store.insert(key.to_vec(), value.to_vec());
            reply.ok();
        }
        (b"GET", [key]) => match store.get(*key) {
            Some(value) => reply.bulk(value),
            None => reply.null(),
        },
        (b"DEL", [key]) => reply.removed(i64::from(store.remove(*key).is_some()), 1),
        (b"TYPE", [key]) => reply.kind(store.contains_key(*key).then_some("string")),
        (b"PING", []) => reply.simple("PONG"),
        _ => reply.error("ERR", "wrong number of arguments"),
    }
}

#[test]
fn a_person_with_netcat() {
    let typed = "SET mykey hello\nGET mykey\nTYPE mykey\nDEL mykey\nGET mykey\n";
    let expected = "OK\nhello\nstring\nOK\nNULL\n";
    assert_eq!(answers(ProtocolMode::Auto, typed.as_bytes()), expected);

    let typed = "set greeting hello   world\nget greeting\nTYPE none\nDEL none\nnonsense\n";
    let expected = "OK\nhello world\nNULL\nNULL\nERR wrong number of arguments\n";
    assert_eq!(answers(ProtocolMode::Auto, typed.as_bytes()), expected);
}

#[test]
fn a_health_check() {
    assert_eq!(answers(ProtocolMode::Auto, b"PING\r\n"), "+PONG\r\n");
    assert_eq!(answers(ProtocolMode::Auto, b"PING\n"), "PONG\n");
    assert_eq!(answers(ProtocolMode::Line, b"PING\r\n"), "PONG\n");
    assert_eq!(answers(ProtocolMode::Resp, b"PING\n"), "+PONG\r\n");
}

#[test]
fn wrong_bytes_get_one_error_in_the_dialect_of_the_connection() {
    let quotes = "ERR Protocol error: unbalanced quotes in request";
    let plain = answers(ProtocolMode::Auto, b"PING\nGET \"a\nPING\n");
    assert_eq!(plain, format!("PONG\n{quotes}\n"));
    let inline = answers(ProtocolMode::Auto, b"PING\r\nGET \"a\r\nPING\r\n");
    assert_eq!(inline, format!("+PONG\r\n-{quotes}\r\n"));
    let array = answers(ProtocolMode::Auto, b"*1\r\n:1\r\n");
    assert_eq!(array, "-ERR Protocol error: expected '$', got ':'\r\n");
}

#[test]
fn a_client_and_a_server_understand_one_another() {
    let mut client = ClientCodec::new();
    let mut sent = BytesMut::new();
    client
        .encode(&["SET", "key", "two\r\nlines"][..], &mut sent)
        .unwrap();
    client.encode(&["", ""][..0], &mut sent).unwrap();
    client.encode(&["GET", "key"][..], &mut sent).unwrap();
    client.encode(&["GET", "none"][..], &mut sent).unwrap();
    let mut received = BytesMut::from(answers(ProtocolMode::Auto, &sent).as_bytes());
    for expected in [
        Value::Simple("OK".into()),
        Value::Bulk("two\r\nlines".into()),
        Value::Null,
    ] {
        assert_eq!(client.decode(&mut received).unwrap(), Some(expected));
    }
    assert!(client.decode(&mut received).unwrap().is_none());
}

#[test]
fn hello_turns_replies_into_resp3() {
    let mut codec = ServerCodec::new(ProtocolMode::Auto, Limits::default());
    let mut input =
        BytesMut::from("*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n");
    let hello = codec.decode(&mut input).unwrap().unwrap();
    assert_eq!(hello.as_ref().get(1), Some(&b"3"[..]));
    codec.decoder_mut().set_resp3(true);
    let get = codec.decode(&mut input).unwrap().unwrap();
    assert_eq!(get.as_ref().arg(0), b"GET");
    assert_eq!(codec.decoder().format(), Format::Resp3);
    let mut out = ReplyBuffer::new();
    Reply::new(&mut out, codec.decoder().format()).null();
    assert_eq!(out.copy_to_bytes(out.len()), "_\r\n");
}
