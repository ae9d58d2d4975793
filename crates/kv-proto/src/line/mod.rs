//! Lines: inline commands and the plain protocol in, plain text out.

pub(crate) mod decode;
pub(crate) mod encode;

mod words;
