//! Databases, as requests number them.

use kv_core::{Db, View};

use crate::command::error::CommandError;

/// The database of this number.
///
/// # Errors
///
/// There is none.
pub(super) fn numbered(view: &View<'_>, number: i64) -> Result<Db, CommandError> {
    u16::try_from(number)
        .ok()
        .filter(|number| *number < view.databases())
        .map(Db)
        .ok_or(CommandError::err("DB index is out of range"))
}

/// The error that a key cannot be put where it is.
pub(super) fn same_place() -> CommandError {
    CommandError::err("source and destination objects are the same")
}
