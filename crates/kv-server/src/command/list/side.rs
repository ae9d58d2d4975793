//! The ends of a list: how requests and events name them, and lists as they are seen from there.

use kv_core::{Event, List, ListEnd};
use smallvec::SmallVec;

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

/// The element at `end`.
pub(super) fn outermost(list: &List, end: ListEnd) -> Option<&[u8]> {
    match end {
        ListEnd::Front => list.get(0),
        ListEnd::Back => list.get(list.len().checked_sub(1)?),
    }
}

/// The elements, the one at `end` first.
pub(super) fn seen_from(list: &List, end: ListEnd) -> Box<dyn Iterator<Item = &[u8]> + '_> {
    /// Lists are walked forwards; so many elements at a time are turned round.
    const RUN: usize = 64;

    let len = list.len();
    match end {
        ListEnd::Front => Box::new(list.iter()),
        ListEnd::Back => Box::new((0..len.div_ceil(RUN)).flat_map(move |run| {
            let end = len - run * RUN;
            let run = list.range(end.saturating_sub(RUN)..end);
            run.collect::<SmallVec<[&[u8]; RUN]>>().into_iter().rev()
        })),
    }
}
