//! The end of the server: who asks for it, and who hears of it.
//!
//! A stop is asked for by a signal, by `SHUTDOWN`, or by a log that failed; the main thread hears of it and
//! carries it out. Sessions only look at a flag between two batches.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::clients::Closing;
use crate::exit::{Exit, Failure};
use crate::server::Server;

/// How long sessions have to finish what is in flight.
const DRAIN_TIME: Duration = Duration::from_secs(10);

/// How long they have after that, or when the log has failed.
const LAST_WORDS_TIME: Duration = Duration::from_secs(1);

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

    /// How the program ends that hears another signal while its sessions finish: at once. That the log has failed
    /// is told all the same.
    pub(crate) fn cut_short(&self, signal: &str) -> Result<Exit, Failure> {
        match self.exit() {
            Some(Exit::LogFailed) => Ok(Exit::LogFailed),
            _ => Err(Failure::new(format!(
                "{signal} again: stopped before everything was finished"
            ))),
        }
    }

    /// Returns when the end is asked for.
    pub(crate) async fn asked(&self) {
        let mut exit = self.exit.subscribe();
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = exit.wait_for(Option::is_some).await;
    }
}

/// Ends all sessions, kindly first, and waits for their threads.
pub(crate) async fn drain(server: &Server, threads: &[JoinHandle<()>]) {
    for client in server.clients.all() {
        client.close(Closing::ServerStops);
    }
    let patience = match server.shutdown.exit() {
        Some(Exit::LogFailed) => LAST_WORDS_TIME,
        // It has no end that could be waited for.
        _ if server.scripts.running.is_slow() => LAST_WORDS_TIME,
        _ => DRAIN_TIME,
    };
    if ended(threads, patience).await {
        return;
    }
    tracing::warn!(
        clients = server.clients.len(),
        "cutting connections that do not end"
    );
    for client in server.clients.all() {
        client.cut();
    }
    ended(threads, LAST_WORDS_TIME).await;
}

/// Whether all threads have ended within `patience`.
async fn ended(threads: &[JoinHandle<()>], patience: Duration) -> bool {
    let begun = Instant::now();
    while !threads.iter().all(JoinHandle::is_finished) {
        if begun.elapsed() > patience {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    true
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

    #[test]
    fn a_failed_log_is_told_whoever_is_impatient() {
        let shutdown = Shutdown::new();
        shutdown.ask(Exit::Stopped);
        let cut = shutdown.cut_short("SIGTERM");
        assert_eq!(cut.map_err(|failure| failure.exit), Err(Exit::Failed));
        shutdown.ask(Exit::LogFailed);
        assert_eq!(shutdown.cut_short("SIGTERM").ok(), Some(Exit::LogFailed));
    }
}
