//! The ends of a list, as requests name them.

use kv_core::ListEnd;

use crate::command::args::Args;
use crate::command::error::CommandError;

/// Takes the word `LEFT` or `RIGHT`.
///
/// # Errors
///
/// The next word is neither.
pub(super) fn eat(args: &mut Args<'_>) -> Result<ListEnd, CommandError> {
    if args.eat(b"LEFT") {
        Ok(ListEnd::Front)
    } else if args.eat(b"RIGHT") {
        Ok(ListEnd::Back)
    } else {
        Err(CommandError::SYNTAX)
    }
}
