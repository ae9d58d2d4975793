//! The script that runs: since when, whether it has written, whether somebody wants it to end.
//!
//! Invariant: a script that has written is not killed, and one that is killed does not write any more: which of the
//! two came first is decided by one exchange.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use tokio::sync::Notify;

use crate::command::error::CommandError;

/// What others may know of the script that runs.
#[derive(Debug, Default)]
pub(crate) struct Running {
    /// Whether it has run for so long that others are told.
    is_slow: AtomicBool,
    /// [`CLEAN`], [`WRITTEN`] or [`KILLED`].
    fate: AtomicU8,
    slow: Notify,
}

const CLEAN: u8 = 0;
const WRITTEN: u8 = 1;
const KILLED: u8 = 2;

/// There is no script that could be ended.
const NOT_BUSY: CommandError = CommandError::fixed("NOTBUSY", "No scripts in execution right now.");

/// The script has written: to end it would leave a part of what it does.
const UNKILLABLE: CommandError = CommandError::fixed(
    "UNKILLABLE",
    "Sorry the script already executed write commands against the dataset. You can either wait the script \
     termination or kill the server in a hard way using the SHUTDOWN NOSAVE command.",
);

/// What requests are answered while a script runs for too long.
pub(crate) const BUSY: CommandError = CommandError::fixed(
    "BUSY",
    "Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
);

impl Running {
    /// A script begins.
    pub(crate) fn begin(&self) {
        self.fate.store(CLEAN, Ordering::Release);
    }

    /// It has ended.
    pub(crate) fn end(&self) {
        self.is_slow.store(false, Ordering::Release);
    }

    /// Whether it has run for too long.
    pub(crate) fn is_slow(&self) -> bool {
        self.is_slow.load(Ordering::Acquire)
    }

    /// It has run for too long: all who wait are told.
    pub(crate) fn becomes_slow(&self) {
        if !self.is_slow.swap(true, Ordering::AcqRel) {
            self.slow.notify_waiters();
        }
    }

    /// Comes back when a script has run for too long and still runs.
    pub(crate) async fn slow(&self) {
        loop {
            let mut told = std::pin::pin!(self.slow.notified());
            told.as_mut().enable();
            if self.is_slow() {
                return;
            }
            told.await;
        }
    }

    /// The script is about to write; whether it may.
    pub(crate) fn may_write(&self) -> bool {
        let fate = self
            .fate
            .compare_exchange(CLEAN, WRITTEN, Ordering::AcqRel, Ordering::Acquire);
        fate != Err(KILLED)
    }

    /// Whether it was killed.
    pub(crate) fn is_killed(&self) -> bool {
        self.fate.load(Ordering::Acquire) == KILLED
    }

    /// Lets it end as soon as it can.
    ///
    /// # Errors
    ///
    /// None runs for too long, or it has written.
    pub(crate) fn kill(&self) -> Result<(), CommandError> {
        if !self.is_slow() {
            return Err(NOT_BUSY);
        }
        self.end_unless_written().map_err(|_| UNKILLABLE)
    }

    /// Lets it end as soon as it can, unless it has written.
    pub(crate) fn end_unless_written(&self) -> Result<(), Written> {
        let fate = self
            .fate
            .compare_exchange(CLEAN, KILLED, Ordering::AcqRel, Ordering::Acquire);
        match fate {
            Err(WRITTEN) => Err(Written),
            _ => Ok(()),
        }
    }
}

/// The script has written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Written;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_writes_or_is_killed() {
        let running = Running::default();
        running.begin();
        assert_eq!(running.kill(), Err(NOT_BUSY));
        running.becomes_slow();
        assert!(running.may_write() && running.may_write());
        assert_eq!(running.kill(), Err(UNKILLABLE));
        running.end();
        running.begin();
        running.becomes_slow();
        assert_eq!((running.kill(), running.kill()), (Ok(()), Ok(())));
        assert!(running.is_killed() && !running.may_write());
        running.end();
        running.begin();
        assert!(!running.is_killed() && !running.is_slow());
    }
}
