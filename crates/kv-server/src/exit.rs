//! How the program ends: the exit codes that `--help` documents.

use std::process::ExitCode;

/// Why the program ends, for whoever started it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// As asked: a signal or `SHUTDOWN`.
    Stopped,
    /// It could not start, or could not go on.
    Failed,
    /// The command line is wrong.
    Usage,
    /// Data that had been made durable is damaged.
    Damaged,
    /// The log could not be made durable.
    LogFailed,
}

impl Exit {
    /// The number that the operating system hands on.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Stopped => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Damaged => 3,
            Self::LogFailed => 4,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// An end that needs an explanation: one line for standard error.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// The exit code that goes with it.
    pub exit: Exit,
    /// What happened and what to do, without a full stop.
    pub message: String,
}

impl Failure {
    /// A failure of the ordinary kind.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            exit: Exit::Failed,
            message: message.into(),
        }
    }

    /// A wrong command line.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self {
            exit: Exit::Usage,
            message: message.into(),
        }
    }
}
