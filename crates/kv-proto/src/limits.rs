//! The sizes that bound what a peer can make this crate hold.
//!
//! Invariant: a span of a request fits in 32 bits, because a whole request does.

/// Arguments in one request array.
pub const ARGS_MAX: usize = 1024 * 1024;

/// Bytes in one bulk string.
pub const BULK_BYTES_MAX: usize = 512 * 1024 * 1024;

/// Bytes in one request array, framing included.
pub const REQUEST_BYTES_MAX: usize = 1024 * 1024 * 1024;

/// Bytes in one inline command, its line end not counted.
pub const INLINE_BYTES_MAX: usize = 64 * 1024;

/// Bytes in one line of the plain protocol, its line end not counted.
pub const LINE_BYTES_MAX: usize = 1024 * 1024;

/// Bytes from which a value travels to the socket by reference instead of being copied.
pub const LARGE_BYTES_MIN: usize = 16 * 1024;

/// Bytes that a connection's reply buffer keeps for the next batch.
pub(crate) const REPLY_BYTES_KEPT: usize = 64 * 1024;

/// Arguments and scratch bytes that a connection keeps for the next request.
pub(crate) const ARGS_KEPT: usize = 1024;
pub(crate) const SCRATCH_BYTES_KEPT: usize = 16 * 1024;

/// The smallest and largest step in which a session is advised to make room for a bulk string.
pub(crate) const HINT_BYTES_MIN: usize = 16 * 1024;
pub(crate) const HINT_BYTES_MAX: usize = 8 * 1024 * 1024;

const _: () = assert!(REQUEST_BYTES_MAX <= u32::MAX as usize);
const _: () = assert!(BULK_BYTES_MAX < REQUEST_BYTES_MAX);
const _: () = assert!(LINE_BYTES_MAX < REQUEST_BYTES_MAX);
const _: () = assert!(INLINE_BYTES_MAX <= LINE_BYTES_MAX);
const _: () = assert!(LARGE_BYTES_MIN < REPLY_BYTES_KEPT);
const _: () = assert!(HINT_BYTES_MIN <= HINT_BYTES_MAX);

/// What one connection may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Arguments in one request array.
    pub args_max: usize,
    /// Bytes in one bulk string.
    pub bulk_bytes_max: usize,
    /// Bytes in one request array, framing included.
    pub request_bytes_max: usize,
    /// Bytes in one inline command.
    pub inline_bytes_max: usize,
    /// Bytes in one line of the plain protocol.
    pub line_bytes_max: usize,
    /// Whether the peer has logged in (or need not); decides only what an error says.
    pub authenticated: bool,
}

impl Limits {
    /// For a peer that has still to log in: enough for `AUTH` and `HELLO`, too little to fill
    /// memory.
    pub const UNAUTHENTICATED: Self = Self {
        args_max: 10,
        bulk_bytes_max: 16 * 1024,
        request_bytes_max: 256 * 1024,
        inline_bytes_max: 16 * 1024,
        line_bytes_max: 16 * 1024,
        authenticated: false,
    };

    /// These limits, none above the crate's own.
    pub(crate) fn clamped(self) -> Self {
        Self {
            args_max: self.args_max.min(ARGS_MAX),
            bulk_bytes_max: self.bulk_bytes_max.min(BULK_BYTES_MAX),
            request_bytes_max: self.request_bytes_max.min(REQUEST_BYTES_MAX),
            inline_bytes_max: self.inline_bytes_max.min(INLINE_BYTES_MAX),
            line_bytes_max: self.line_bytes_max.min(LINE_BYTES_MAX),
            authenticated: self.authenticated,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            args_max: ARGS_MAX,
            bulk_bytes_max: BULK_BYTES_MAX,
            request_bytes_max: REQUEST_BYTES_MAX,
            inline_bytes_max: INLINE_BYTES_MAX,
            line_bytes_max: LINE_BYTES_MAX,
            authenticated: true,
        }
    }
}
