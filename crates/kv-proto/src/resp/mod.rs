//! RESP: request arrays in, RESP2 and RESP3 replies out.

pub(crate) mod decode;
pub(crate) mod encode;

mod double;
mod length;

pub(crate) use double::DoubleText;
