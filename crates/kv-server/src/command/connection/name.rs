//! What a client may call itself.

use crate::command::error::CommandError;

/// Whether `name` can stand in a line of `CLIENT LIST`: printable ASCII without blanks.
pub(super) fn is_plain(name: &[u8]) -> bool {
    name.iter().all(u8::is_ascii_graphic)
}

/// `name` as the name of a connection.
///
/// # Errors
///
/// It cannot stand in a line of `CLIENT LIST`.
pub(super) fn connection_name(name: &[u8]) -> Result<Vec<u8>, CommandError> {
    if is_plain(name) {
        Ok(name.to_vec())
    } else {
        Err(CommandError::err(
            "Client names cannot contain spaces, newlines or special characters.",
        ))
    }
}
