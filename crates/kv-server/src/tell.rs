//! What people are told on standard error, beside the log of the server.
//!
//! Invariant: a standard error that cannot be written to, because the disk behind it is full or nobody reads it,
//! changes nothing of what the program does.

use std::fmt::Display;
use std::io::{self, Write as _};

/// Writes one line to standard error, if that can be.
pub(crate) fn tell(line: impl Display) {
    // Whoever cannot be told this cannot be told that either.
    let _ = writeln!(io::stderr(), "{line}");
}
