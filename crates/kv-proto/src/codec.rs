//! The decoders and encoders as tokio-util codecs.
//!
//! Owns nothing but the adaption: the only file here that knows of tokio-util.

use std::io;

use bytes::{Buf, BufMut, BytesMut};
use tokio_util::codec;

use crate::decoder::{Decoder, ProtocolMode};
use crate::error::ProtoError;
use crate::limits::Limits;
use crate::reply_buffer::ReplyBuffer;
use crate::request::{Request, RequestArgs};
use crate::resp::command::encode_command;
use crate::resp::reply_decode::{ReplyDecoder, ReplyError};
use crate::value::Value;

/// Why a framed connection failed.
#[derive(Debug, thiserror::Error)]
pub enum CodecError<E> {
    /// The socket failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The peer's bytes are wrong.
    #[error("{0}")]
    Protocol(E),
}

/// The server's side: requests in, replies out.
#[derive(Debug)]
pub struct ServerCodec {
    decoder: Decoder,
    args: RequestArgs,
}

impl ServerCodec {
    /// A codec for a new connection.
    #[must_use]
    pub fn new(mode: ProtocolMode, limits: Limits) -> Self {
        Self {
            decoder: Decoder::new(mode, limits),
            args: RequestArgs::new(),
        }
    }

    /// The decoder, which knows the format that replies must have.
    #[must_use]
    pub fn decoder(&self) -> &Decoder {
        &self.decoder
    }

    /// The decoder, to change its limits or the version of RESP.
    pub fn decoder_mut(&mut self) -> &mut Decoder {
        &mut self.decoder
    }
}

impl codec::Decoder for ServerCodec {
    type Item = Request;
    type Error = CodecError<ProtoError>;

    /// Empty requests, which get no reply, are skipped.
    fn decode(&mut self, src: &mut BytesMut) -> Result<Option<Request>, Self::Error> {
        while let Some(size) = self
            .decoder
            .decode(src, &mut self.args)
            .map_err(CodecError::Protocol)?
        {
            let frame = src.split_to(size).freeze();
            let request = Request::from_frame(frame, &self.args);
            if !request.as_ref().is_empty() {
                return Ok(Some(request));
            }
        }
        src.reserve(self.decoder.needed_hint());
        Ok(None)
    }
}

impl codec::Encoder<ReplyBuffer> for ServerCodec {
    type Error = CodecError<ProtoError>;

    fn encode(&mut self, mut item: ReplyBuffer, dst: &mut BytesMut) -> Result<(), Self::Error> {
        dst.reserve(item.remaining());
        dst.put(&mut item);
        Ok(())
    }
}

/// The client's side: commands out, replies in.
#[derive(Debug, Default)]
pub struct ClientCodec {
    decoder: ReplyDecoder,
}

impl ClientCodec {
    /// A codec for a new connection.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl codec::Decoder for ClientCodec {
    type Item = Value;
    type Error = CodecError<ReplyError>;

    fn decode(&mut self, src: &mut BytesMut) -> Result<Option<Value>, Self::Error> {
        self.decoder.decode(src).map_err(CodecError::Protocol)
    }
}

impl<A: AsRef<[u8]>> codec::Encoder<&[A]> for ClientCodec {
    type Error = CodecError<ReplyError>;

    fn encode(&mut self, args: &[A], dst: &mut BytesMut) -> Result<(), Self::Error> {
        encode_command(args, dst);
        Ok(())
    }
}
