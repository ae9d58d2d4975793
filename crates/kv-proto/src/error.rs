//! What can be wrong with the bytes of a peer.
//!
//! Invariant: every message is one line of printable ASCII, so that it can be sent back to the peer
//! that caused it.

/// The peer's bytes are not a request: answer with one error, then close the connection.
///
/// The texts are Redis' where Redis has one, because client libraries match on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProtoError {
    /// The number after `*` is not a number, or more arguments than
    /// [`Limits::args_max`](crate::Limits).
    #[error("Protocol error: invalid multibulk length")]
    InvalidMultibulkLength,
    /// The number after `$` is not a number, is negative, or exceeds
    /// [`Limits::bulk_bytes_max`](crate::Limits).
    #[error("Protocol error: invalid bulk length")]
    InvalidBulkLength,
    /// More arguments than a connection may send before it has logged in.
    #[error("Protocol error: unauthenticated multibulk length")]
    UnauthenticatedMultibulkLength,
    /// A longer argument than a connection may send before it has logged in.
    #[error("Protocol error: unauthenticated bulk length")]
    UnauthenticatedBulkLength,
    /// An element of a request array is not a bulk string.
    #[error("Protocol error: expected '$', got '{}'", .got.escape_ascii())]
    ExpectedBulk {
        /// The byte that stood in the place of `$`.
        got: u8,
    },
    /// A CR is not followed by LF, or the announced length of a bulk string does not lead to its CR LF.
    #[error("Protocol error: invalid CRLF in request")]
    InvalidCrLf,
    /// The whole request exceeds [`Limits::request_bytes_max`](crate::Limits).
    #[error("Protocol error: request is longer than {bytes_max} bytes")]
    RequestTooLong {
        /// The limit that applied.
        bytes_max: usize,
    },
    /// An inline command exceeds [`Limits::inline_bytes_max`](crate::Limits).
    #[error("Protocol error: too big inline request")]
    InlineTooLong,
    /// A line of the plain protocol exceeds [`Limits::line_bytes_max`](crate::Limits).
    #[error("Protocol error: line is longer than {bytes_max} bytes")]
    LineTooLong {
        /// The limit that applied.
        bytes_max: usize,
    },
    /// A quote is not closed.
    #[error("Protocol error: unbalanced quotes in request")]
    UnbalancedQuotes,
    /// A line contains a NUL byte.
    #[error("Protocol error: NUL byte in line")]
    NulInLine,
    /// A web browser, or a page that makes one attack this port, is talking.
    #[error("Protocol error: HTTP is not spoken on this port")]
    Http,
}
