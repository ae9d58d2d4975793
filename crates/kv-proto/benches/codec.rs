//! What requests and replies cost to read and to write, without a socket: a pipeline of 16 at a time.

use std::hint::black_box;

use bytes::BytesMut;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use kv_proto::{
    Decoder, Format, Limits, ProtocolMode, Reply, ReplyBuffer, ReplyDecoder, RequestArgs,
    encode_command,
};

/// How many requests or replies come together.
const PIPELINE: usize = 16;

const KEY: &[u8] = b"key:000000000001";
const VALUE: &[u8] = &[b'v'; 64];

fn requests(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("requests");
    group.throughput(Throughput::Elements(PIPELINE as u64));
    let line = b"SET key value with blanks\n".as_slice();
    let resp = |words: &[&[u8]]| {
        let mut bytes = BytesMut::new();
        encode_command(words, &mut bytes);
        bytes.to_vec()
    };
    for (name, one) in [
        ("decode GET", resp(&[b"GET", KEY])),
        ("decode SET", resp(&[b"SET", KEY, VALUE])),
        ("decode a line", line.to_vec()),
    ] {
        let batch = one.repeat(PIPELINE);
        let mut decoder = Decoder::new(ProtocolMode::Auto, Limits::default());
        let mut args = RequestArgs::new();
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let mut rest = black_box(batch.as_slice());
                while let Ok(Some(size)) = decoder.decode(rest, &mut args) {
                    black_box(args.view(rest).len());
                    rest = &rest[size..];
                }
                assert!(rest.is_empty(), "every request is whole");
            });
        });
    }
    group.bench_function("encode SET", |bencher| {
        let mut out = BytesMut::new();
        bencher.iter(|| {
            out.clear();
            for _ in 0..PIPELINE {
                encode_command(black_box(&[b"SET", KEY, VALUE]), &mut out);
            }
            out.len()
        });
    });
    group.finish();
}

fn replies(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("replies");
    group.throughput(Throughput::Elements(PIPELINE as u64));
    let mut encode = |name: &str, write: fn(&mut Reply<'_>)| {
        let mut out = ReplyBuffer::new();
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                out.clear();
                for _ in 0..PIPELINE {
                    write(&mut Reply::new(&mut out, Format::Resp2));
                }
                out.len()
            });
        });
    };
    encode("encode OK", |reply| reply.ok());
    encode("encode a number", |reply| reply.int(black_box(123_456)));
    encode("encode a value", |reply| reply.bulk(black_box(VALUE)));
    let one = [b"$64\r\n", VALUE, b"\r\n"].concat();
    let batch = BytesMut::from(one.repeat(PIPELINE).as_slice());
    group.bench_function("decode a value", |bencher| {
        bencher.iter_batched(
            || batch.clone(),
            |mut input| {
                let mut decoder = ReplyDecoder::new();
                while let Ok(Some(value)) = decoder.decode(&mut input) {
                    black_box(value);
                }
                assert!(input.is_empty(), "every reply is whole");
            },
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

criterion_group!(benches, requests, replies);
criterion_main!(benches);
