//! The end of the server: who asks for it, and who hears of it.
//!
//! A stop is asked for by a signal, by `SHUTDOWN`, or by a log that failed; the main thread hears of it and
//! carries it out. Sessions only look at a flag between two batches.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::exit::{Exit, Failure};

/// The signals that ask for the end.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Hears the signals from now on, instead of being ended by them.
    pub(crate) fn listen() -> Result<Self, Failure> {
        let hear = |kind| {
            signal(kind).map_err(|error| Failure::new(format!("cannot hear signals: {error}")))
        };
        Ok(Self {
            terminate: hear(SignalKind::terminate())?,
            interrupt: hear(SignalKind::interrupt())?,
        })
    }

    /// Waits for the next one; its name.
    pub(crate) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// Whether the server is to stop, and how.
#[derive(Debug)]
pub(crate) struct Shutdown {
    asked: AtomicBool,
    exit: watch::Sender<Option<Exit>>,
}

impl Shutdown {
    pub(crate) fn new() -> Self {
        Self {
            asked: AtomicBool::new(false),
            exit: watch::Sender::new(None),
        }
    }

    /// Asks for the end. The first reason stands, except that a failed log outweighs a wish.
    pub(crate) fn ask(&self, exit: Exit) {
        self.exit.send_if_modified(|current| {
            let news = current.is_none() || (exit == Exit::LogFailed && *current != Some(exit));
            if news {
                *current = Some(exit);
            }
            news
        });
        self.asked.store(true, Ordering::Release);
    }

    /// Whether the end was asked for.
    pub(crate) fn is_asked(&self) -> bool {
        self.asked.load(Ordering::Acquire)
    }

    /// How the program is to end, once somebody asked for it.
    pub(crate) fn exit(&self) -> Option<Exit> {
        *self.exit.borrow()
    }

    /// Returns when the end is asked for.
    pub(crate) async fn asked(&self) {
        let mut exit = self.exit.subscribe();
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = exit.wait_for(Option::is_some).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_reason_stands_unless_the_log_fails() {
        let shutdown = Shutdown::new();
        assert_eq!((shutdown.is_asked(), shutdown.exit()), (false, None));
        shutdown.ask(Exit::Stopped);
        shutdown.ask(Exit::Failed);
        assert_eq!(
            (shutdown.is_asked(), shutdown.exit()),
            (true, Some(Exit::Stopped))
        );
        shutdown.ask(Exit::LogFailed);
        shutdown.ask(Exit::Stopped);
        assert_eq!(shutdown.exit(), Some(Exit::LogFailed));
    }
}
