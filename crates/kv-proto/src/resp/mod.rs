//! RESP: request arrays in, RESP2 and RESP3 replies out, and the client's side of both.

#[warn(clippy::indexing_slicing)]
pub(crate) mod decode;
pub(crate) mod encode;

// The client's side.
pub(crate) mod command;
#[warn(clippy::indexing_slicing)]
pub(crate) mod reply_decode;

mod double;
#[warn(clippy::indexing_slicing)]
mod length;

pub(crate) use double::DoubleText;
