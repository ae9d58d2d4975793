//! The sticky failure of a log.
//!
//! After a failed sync the kernel has dropped what it could not write and marked it clean: a later success
//! proves nothing. So the first failure is final. It is never retried and never cleared; nothing more is
//! written, and whoever waits gets an error.

use std::sync::OnceLock;

use crate::{LogFailure, OnFailure};

/// The log has failed, and everybody has been told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failed;

/// Whether and how a log has failed.
pub(crate) struct Poison {
    first: OnceLock<LogFailure>,
    on_failure: Option<OnFailure>,
}

impl Poison {
    pub(crate) fn new(on_failure: Option<OnFailure>) -> Self {
        Self {
            first: OnceLock::new(),
            on_failure,
        }
    }

    /// The failure, if there was one.
    pub(crate) fn failure(&self) -> Option<&LogFailure> {
        self.first.get()
    }

    /// An error once the log has failed: asked before anything is written.
    pub(crate) fn check(&self) -> Result<(), Failed> {
        self.first.get().map_or(Ok(()), |_| Err(Failed))
    }

    /// Remembers the first failure; `tell` then releases whoever waits, before the owner is told.
    pub(crate) fn fail(&self, failure: LogFailure, tell: impl FnOnce()) -> Failed {
        if self.first.set(failure).is_ok() {
            tell();
            if let (Some(on_failure), Some(failure)) = (&self.on_failure, self.first.get()) {
                on_failure(failure);
            }
        }
        Failed
    }
}
