//! The ends of a list, as requests and events name them.

use kv_core::{Event, ListEnd};

use crate::command::args::Args;
use crate::command::error::CommandError;
use crate::command::event;

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

/// The event that a list grew at `end`.
pub(super) fn pushed(end: ListEnd) -> Event {
    match end {
        ListEnd::Front => event::LPUSH,
        ListEnd::Back => event::RPUSH,
    }
}

/// The event that a list lost elements at `end`.
pub(super) fn popped(end: ListEnd) -> Event {
    match end {
        ListEnd::Front => event::LPOP,
        ListEnd::Back => event::RPOP,
    }
}
