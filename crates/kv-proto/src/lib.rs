//! Bytes on the wire, without IO: requests in, replies out.
//!
//! Three dialects share one port and become one [`RequestRef`]: RESP arrays, Redis' inline lines
//! (both answered in RESP), and the plain line protocol that people type into `nc`. The first bytes
//! of a connection choose; see [`Decoder`].
//!
//! ```text
//! socket bytes -> Decoder -> RequestArgs -> RequestRef        (server, in)
//! Reply verbs  -> ReplyBuffer (Resp2 | Resp3 | Plain) -> socket (server, out)
//! encode_command -> socket -> ReplyDecoder -> Value           (client)
//! ```
//!
//! ```
//! use bytes::Buf;
//! use kv_proto::{Decoder, Limits, ProtocolMode, Reply, ReplyBuffer, RequestArgs};
//!
//! let input = b"GET \"my key\"\n";
//! let mut decoder = Decoder::new(ProtocolMode::Auto, Limits::default());
//! let mut args = RequestArgs::new();
//! let size = decoder.decode(input, &mut args)?;
//! assert_eq!(size, Some(input.len()));
//! assert_eq!(args.view(input).arg(1), b"my key");
//!
//! let mut out = ReplyBuffer::new();
//! Reply::new(&mut out, decoder.format()).null();
//! assert_eq!(out.chunk(), b"NULL\n");
//! # Ok::<(), kv_proto::ProtoError>(())
//! ```
//!
//! Invariant: nothing here reads a socket, a clock or a store.
//! Invariant: memory grows with bytes that have arrived, never with a length that a peer declares.
//! Invariant: no function recurses on what a peer sends.

// What every part agrees on.
mod error;
mod limits;

// Requests, from bytes to arguments.
#[warn(clippy::indexing_slicing)]
mod decoder;
mod request;

// Replies, from typed verbs to bytes.
mod reply;
mod reply_buffer;
mod value;

// The dialects.
mod line;
mod resp;

// The same as tokio-util codecs.
mod codec;

pub use codec::{ClientCodec, CodecError, ServerCodec};
pub use decoder::{Decoder, Dialect, ProtocolMode};
pub use error::ProtoError;
pub use limits::{
    ARGS_MAX, BULK_BYTES_MAX, INLINE_BYTES_MAX, LARGE_BYTES_MIN, LINE_BYTES_MAX, Limits,
    REQUEST_BYTES_MAX,
};
pub use reply::{Format, Reply};
pub use reply_buffer::{Mark, ReplyBuffer};
pub use request::{Request, RequestArgs, RequestRef};
pub use resp::command::encode_command;
pub use resp::reply_decode::{REPLY_DEPTH_MAX, ReplyDecoder, ReplyError};
pub use value::Value;
