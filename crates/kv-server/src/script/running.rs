//! The script that runs: since when, whether it has written, whether somebody wants it to end.
//!
//! Invariant: a script that has written is not killed, and one that is killed does not write any more: which of the
//! two came first is decided by one exchange.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use kv_proto::Request;
use tokio::sync::Notify;

use crate::command::error::CommandError;

/// Which of two kinds of program something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A script that came with `EVAL`, or was named by its digest.
    Script,
    /// A function of a library.
    Function,
}

impl Kind {
    /// The command that ends one.
    pub(crate) fn kill_command(self) -> &'static str {
        match self {
            Self::Script => "SCRIPT KILL",
            Self::Function => "FUNCTION KILL",
        }
    }

    /// What requests are answered while one runs for too long.
    fn busy(self) -> CommandError {
        CommandError::fixed(
            "BUSY",
            match self {
                Self::Script => {
                    "Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE."
                }
                Self::Function => {
                    "Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE."
                }
            },
        )
    }
}

/// What is told of a program that runs.
#[derive(Clone, Debug)]
pub(crate) struct Title {
    pub(crate) kind: Kind,
    /// The digest of a script, the name of a function.
    pub(crate) name: String,
    /// What asked for it.
    pub(crate) request: Request,
    pub(crate) begun: Instant,
}

/// What others may know of the script that runs.
#[derive(Debug, Default)]
pub(crate) struct Running {
    /// Whether it has run for so long that others are told.
    is_slow: AtomicBool,
    /// [`CLEAN`], [`WRITTEN`] or [`KILLED`].
    fate: AtomicU8,
    slow: Notify,
    /// `None` while nothing runs.
    title: Mutex<Option<Title>>,
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

impl Running {
    /// A program begins.
    pub(crate) fn begin(&self, title: Title) {
        *self.title_mut() = Some(title);
        self.fate.store(CLEAN, Ordering::Release);
    }

    /// What runs.
    pub(crate) fn title(&self) -> Option<Title> {
        self.title_mut().clone()
    }

    /// Whether a program runs. The interpreter also works for itself, which is nobody's to end or to wait for.
    pub(crate) fn is_on(&self) -> bool {
        self.title_mut().is_some()
    }

    /// Of which kind it is that runs; a script where nothing does.
    pub(crate) fn kind(&self) -> Kind {
        self.title_mut()
            .as_ref()
            .map_or(Kind::Script, |title| title.kind)
    }

    /// What requests are answered while it runs for too long.
    pub(crate) fn busy(&self) -> CommandError {
        self.kind().busy()
    }

    fn title_mut(&self) -> MutexGuard<'_, Option<Title>> {
        self.title.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It has ended.
    pub(crate) fn end(&self) {
        self.is_slow.store(false, Ordering::Release);
        *self.title_mut() = None;
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
    /// None runs for too long, or one of the other kind does, or it has written.
    pub(crate) fn kill(&self, kind: Kind) -> Result<(), CommandError> {
        if !self.is_slow() {
            return Err(NOT_BUSY);
        }
        if self.kind() != kind {
            return Err(self.busy());
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
    use kv_proto::RequestArgs;

    use super::*;

    fn title(kind: Kind) -> Title {
        Title {
            kind,
            name: "name".to_owned(),
            request: Request::from_ref(RequestArgs::new().view(b"")),
            begun: Instant::now(),
        }
    }

    #[test]
    fn a_script_writes_or_is_killed() {
        let running = Running::default();
        let kill = || running.kill(Kind::Script);
        running.begin(title(Kind::Script));
        assert_eq!(kill(), Err(NOT_BUSY));
        running.becomes_slow();
        assert!(running.may_write() && running.may_write());
        assert_eq!(kill(), Err(UNKILLABLE));
        running.end();
        running.begin(title(Kind::Script));
        running.becomes_slow();
        assert_eq!((kill(), kill()), (Ok(()), Ok(())));
        assert!(running.is_killed() && !running.may_write());
        assert!(running.is_on());
        running.end();
        assert!(!running.is_on());
        running.begin(title(Kind::Function));
        assert!(!running.is_killed() && !running.is_slow());
        running.becomes_slow();
        assert_eq!(kill(), Err(Kind::Function.busy()));
        assert_eq!(running.kill(Kind::Function), Ok(()));
    }
}
