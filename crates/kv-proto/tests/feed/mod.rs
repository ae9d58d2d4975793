//! Feeds bytes to a decoder as a session does: piece by piece, consumed bytes leave the buffer.

use kv_proto::{Decoder, Format, ProtoError, ProtocolMode, RequestArgs};

/// All that came out of one connection.
#[derive(Debug, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) requests: Vec<Vec<Vec<u8>>>,
    pub(crate) error: Option<ProtoError>,
    pub(crate) format: Format,
}

/// Decodes `bytes` arriving in one piece.
pub(crate) fn whole(mode: ProtocolMode, bytes: &[u8]) -> Outcome {
    pieces(Decoder::new(mode, Default::default()), [bytes])
}

/// Decodes what arrives in `pieces` until they end or are wrong.
pub(crate) fn pieces<'a>(
    mut decoder: Decoder,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Outcome {
    let mut args = RequestArgs::new();
    let mut buffer = Vec::new();
    let mut requests = Vec::new();
    let mut error = None;
    'connection: for piece in pieces {
        buffer.extend_from_slice(piece);
        loop {
            match decoder.decode(&buffer, &mut args) {
                Ok(Some(size)) => {
                    assert!(size > 0, "a request takes bytes");
                    let request = args.view(&buffer);
                    requests.push(request.iter().map(<[u8]>::to_vec).collect());
                    buffer.drain(..size);
                }
                Ok(None) => break,
                Err(wrong) => {
                    error = Some(wrong);
                    break 'connection;
                }
            }
        }
    }
    Outcome {
        requests,
        error,
        format: decoder.format(),
    }
}
