//! Properties of request decoding: pieces do not matter, nothing panics, clients are understood.

mod feed;

use bytes::BytesMut;
use kv_proto::{Decoder, Limits, ProtocolMode, RequestArgs, encode_command};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

type Words = Vec<Vec<u8>>;

/// Limits small enough that random bytes meet them.
const SMALL: Limits = Limits {
    args_max: 4,
    bulk_bytes_max: 20,
    request_bytes_max: 60,
    inline_bytes_max: 24,
    line_bytes_max: 32,
    authenticated: true,
};

fn words(bytes: impl Strategy<Value = u8>) -> impl Strategy<Value = Words> {
    vec(vec(bytes, 0..12), 1..6)
}

fn array(words: &Words) -> Vec<u8> {
    let mut out = BytesMut::new();
    encode_command(words, &mut out);
    out.to_vec()
}

/// The words as a line, each one quoted with its bytes escaped.
fn line(words: &Words, end: &str) -> Vec<u8> {
    let quoted = |word: &Vec<u8>| {
        let escaped: String = word.iter().map(|byte| format!("\\x{byte:02X}")).collect();
        format!("\"{escaped}\"")
    };
    let quoted: Vec<String> = words.iter().map(quoted).collect();
    format!("{}{end}", quoted.join(" ")).into_bytes()
}

/// Bytes that look like requests, so that random input gets past the first byte.
fn lookalike() -> impl Strategy<Value = Vec<u8>> {
    let parts: Vec<&[u8]> = vec![
        b"*",
        b"$",
        b"\r\n",
        b"\n",
        b"\r",
        b"*1\r\n",
        b"*2\r\n",
        b"*0\r\n",
        b"$1\r\nx\r\n",
        b"$3\r\n",
        b"GET",
        b" ",
        b"-1",
        b"1",
        b"99",
        b"\"",
        b"'",
        b"\\",
        b"\\x4",
        b"\0",
        b"SET k ",
        b"x",
        b"HTTP/1.1",
    ];
    let part = prop_oneof![
        8 => select(parts).prop_map(<[u8]>::to_vec),
        1 => vec(any::<u8>(), 0..40),
    ];
    vec(part, 0..24).prop_map(|parts| parts.concat())
}

fn cut<'a>(bytes: &'a [u8], cuts: &[Index]) -> Vec<&'a [u8]> {
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    ends.sort_unstable();
    ends.push(bytes.len());
    let mut start = 0;
    let mut pieces = Vec::new();
    for end in ends {
        pieces.push(&bytes[start..end]);
        start = end;
    }
    pieces
}

fn modes() -> impl Strategy<Value = ProtocolMode> {
    select(vec![
        ProtocolMode::Auto,
        ProtocolMode::Line,
        ProtocolMode::Resp,
    ])
}

proptest! {
    #[test]
    fn arrays_mean_the_same_in_any_pieces(
        requests in vec(words(any::<u8>()), 1..4),
        cuts in vec(any::<Index>(), 0..8),
    ) {
        let bytes: Vec<u8> = requests.iter().flat_map(array).collect();
        let decoder = Decoder::new(ProtocolMode::Auto, Limits::default());
        let outcome = feed::pieces(decoder, cut(&bytes, &cuts));
        prop_assert_eq!(outcome.requests, requests);
        prop_assert_eq!(outcome.error, None);
    }

    #[test]
    fn lines_mean_the_same_in_any_pieces(
        requests in vec(words(any::<u8>()), 1..4),
        end in select(vec!["\n", "\r\n"]),
        cuts in vec(any::<Index>(), 0..8),
        mode in modes(),
    ) {
        let bytes: Vec<u8> = requests.iter().flat_map(|words| line(words, end)).collect();
        let outcome = feed::pieces(Decoder::new(mode, Limits::default()), cut(&bytes, &cuts));
        prop_assert_eq!(outcome.requests, requests);
        prop_assert_eq!(outcome.error, None);
    }

    #[test]
    fn byte_by_byte_is_no_different(request in words(any::<u8>())) {
        for bytes in [array(&request), line(&request, "\n"), line(&request, "\r\n")] {
            let decoder = Decoder::new(ProtocolMode::Auto, Limits::default());
            let outcome = feed::pieces(decoder, bytes.chunks(1));
            prop_assert_eq!(outcome, feed::whole(ProtocolMode::Auto, &bytes));
        }
    }

    /// Errors too come at the same request whatever the pieces.
    #[test]
    fn anything_means_the_same_in_any_pieces(
        bytes in lookalike(),
        cuts in vec(any::<Index>(), 0..6),
        mode in modes(),
        limits in select(vec![SMALL, Limits::default(), Limits::UNAUTHENTICATED]),
    ) {
        let whole = feed::pieces(Decoder::new(mode, limits), [&bytes[..]]);
        let pieces = feed::pieces(Decoder::new(mode, limits), cut(&bytes, &cuts));
        prop_assert_eq!(&whole.requests, &pieces.requests);
        prop_assert_eq!(whole.error, pieces.error);
        if whole.error.is_none() {
            prop_assert_eq!(whole.format, pieces.format);
        }
    }

    #[test]
    fn random_bytes_never_panic(bytes in vec(any::<u8>(), 0..400), mode in modes()) {
        let outcome = feed::whole(mode, &bytes);
        let arguments: usize = outcome.requests.iter().flatten().map(Vec::len).sum();
        prop_assert!(arguments <= bytes.len(), "arguments are made of what arrived");
    }

    #[test]
    fn a_reused_list_shows_only_the_last_request(requests in vec(words(any::<u8>()), 1..6)) {
        let mut decoder = Decoder::new(ProtocolMode::Resp, Limits::default());
        let mut args = RequestArgs::new();
        for (index, request) in requests.iter().enumerate() {
            let bytes = if index % 2 == 0 { array(request) } else { line(request, "\n") };
            prop_assert_eq!(decoder.decode(&bytes, &mut args), Ok(Some(bytes.len())));
            prop_assert!(args.view(&bytes).iter().eq(request.iter().map(Vec::as_slice)));
        }
    }
}
