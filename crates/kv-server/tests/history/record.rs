//! A whole history: what all clients saw, judged and told.

use std::fmt::Write as _;

use super::checker::{Violation, check};
use super::draw::GROUPS;
use super::operation::Operation;

/// What the clients of one history saw of all lives.
pub(crate) struct Record {
    operations: Vec<Operation>,
}

/// What the checker says about a record.
#[derive(Debug)]
pub(crate) enum Verdict {
    Possible,
    Undecided,
    /// The story of the keys that cannot have been so.
    Impossible(String),
}

impl Record {
    /// Puts together what the clients saw; `deaths` are the moments at which each life was over.
    ///
    /// A reply that was read later had been sent before, and what was sent later met nobody.
    pub(crate) fn new(mut operations: Vec<Operation>, deaths: &[u64]) -> Self {
        operations.retain(|operation| operation.call < deaths[operation.life]);
        for operation in &mut operations {
            operation.end = operation.end.min(deaths[operation.life]);
        }
        operations.sort_by_key(|operation| operation.call);
        Self { operations }
    }

    pub(crate) fn operations(&self) -> usize {
        self.operations.len()
    }

    /// How many operations were lost in crashes.
    pub(crate) fn lost(&self) -> usize {
        let lost = |operation: &&Operation| operation.reply.is_none();
        self.operations.iter().filter(lost).count()
    }

    /// Judges the history of each group of keys.
    pub(crate) fn verdict(&self) -> Verdict {
        let mut verdict = Verdict::Possible;
        for (group, keys) in GROUPS.into_iter().enumerate() {
            let of_group = |operation: &&Operation| operation.command.group() == group;
            let operations: Vec<_> = self.operations.iter().filter(of_group).cloned().collect();
            match check(&operations, keys) {
                Ok(()) => {}
                Err(Violation::Undecided) => verdict = Verdict::Undecided,
                Err(violation @ Violation::Impossible { operation, .. }) => {
                    return Verdict::Impossible(story(&operations, operation, &violation));
                }
            }
        }
        verdict
    }
}

/// Everything that began before the operation that cannot be explained had ended, a line each.
fn story(operations: &[Operation], impossible: usize, violation: &Violation) -> String {
    let end = operations[impossible].end;
    let mut story = String::new();
    for (place, operation) in operations.iter().enumerate() {
        if operation.call < end {
            let mark = if place == impossible { ">>" } else { "  " };
            // Writing to a string cannot fail.
            let _written = writeln!(story, "{mark} {operation}");
        }
    }
    story + &violation.to_string()
}
