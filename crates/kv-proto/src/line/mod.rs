//! Lines: inline commands and the plain protocol in, plain text out.

#[warn(clippy::indexing_slicing)]
pub(crate) mod decode;
pub(crate) mod encode;

#[warn(clippy::indexing_slicing)]
mod words;
