//! What a program did to a disk, to be walked through again.

use super::operation::{Change, Operation};
use super::state::DiskState;

/// A disk and the calls that changed it, in their order.
#[derive(Clone, Default)]
pub struct Trace {
    /// The disk before the first call.
    pub start: DiskState,
    /// The calls.
    pub operations: Vec<Operation>,
}

impl Trace {
    /// The disk after `position` calls, for each position from 0 to the number of calls.
    pub fn states(&self) -> impl Iterator<Item = (usize, DiskState)> {
        let mut state = self.start.clone();
        (0..=self.operations.len()).map(move |position| {
            if let Some(last) = position.checked_sub(1) {
                state.apply(&self.operations[last]);
            }
            (position, state.clone())
        })
    }

    /// The disk after `position` calls.
    #[must_use]
    pub fn state(&self, position: usize) -> DiskState {
        let mut state = self.start.clone();
        for operation in &self.operations[..position.min(self.operations.len())] {
            state.apply(operation);
        }
        state
    }

    /// The disk, which is in `state` after `position` calls, if the process is killed inside the next call,
    /// a write, after `length` bytes of it. `None` when that call is no write or writes no more than that.
    #[must_use]
    pub fn killed_inside(
        &self,
        state: &DiskState,
        position: usize,
        length: usize,
    ) -> Option<DiskState> {
        match self.operations.get(position)? {
            Operation::Change(file, Change::Write { offset, bytes }) if length < bytes.len() => {
                let mut state = state.clone();
                let begun = Change::Write {
                    offset: *offset,
                    bytes: bytes[..length].into(),
                };
                state.apply(&Operation::Change(*file, begun));
                Some(state)
            }
            _ => None,
        }
    }
}
