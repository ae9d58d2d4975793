//! Starting the threads of a log, and ending them in order.

use std::io;
use std::sync::Arc;

use kv_core::MemoryStore;

use crate::keeper::Keeper;
use crate::log::Log;
use crate::manifest::Manifest;
use crate::poison::Failed;
use crate::primitives::atomic::Ordering::SeqCst;
use crate::primitives::thread::{self, JoinHandle};
use crate::segment::LiveSegment;
use crate::writer::Writer;
use crate::{Durability, LogFailure, snapshot, syncer};

/// The threads of a log.
pub(crate) struct Threads {
    log: Arc<Log>,
    /// The one that makes snapshots; it needs all others.
    snapshots: Option<JoinHandle<()>>,
    /// The writer is the first.
    running: Vec<JoinHandle<()>>,
}

impl Threads {
    /// Starts the threads of `log`, the log of `memory`, which goes on in `live`.
    pub(crate) fn start(
        log: Arc<Log>,
        live: LiveSegment,
        memory: Arc<MemoryStore>,
    ) -> io::Result<Self> {
        let mut threads = Self {
            log,
            snapshots: None,
            running: Vec::new(),
        };
        let started = threads.start_all(live, memory);
        if started.is_err() {
            threads.end();
        }
        started.map(|()| threads)
    }

    fn start_all(&mut self, live: LiveSegment, memory: Arc<MemoryStore>) -> io::Result<()> {
        let writer = self.spawn("kv-log-writer", |log| Writer::new(log, live).run())?;
        self.running.push(writer);
        let keeper = self.spawn("kv-log-keeper", |log| Keeper::new(log).run())?;
        self.running.push(keeper);
        if self.log.durability != Durability::Always {
            let syncer = self.spawn("kv-log-syncer", syncer::run)?;
            self.running.push(syncer);
        }
        let maker = self.spawn("kv-snapshot", move |log| snapshot::run(log, &memory))?;
        self.snapshots = Some(maker);
        Ok(())
    }

    fn spawn(
        &self,
        name: &str,
        body: impl FnOnce(&Log) -> Result<(), Failed> + Send + 'static,
    ) -> io::Result<JoinHandle<()>> {
        let log = Arc::clone(&self.log);
        thread::Builder::new().name(name.into()).spawn(move || {
            let _tell = TellPanic(&log);
            // A failure has been told to everybody when it comes here.
            let _ = body(&log);
        })
    }

    /// Writes and syncs what is pending, marks the log as complete, and ends the threads.
    pub(crate) fn close(mut self) -> Result<(), LogFailure> {
        self.end();
        let log = &self.log;
        if log.check().is_ok() {
            // Told to the log; it is looked at below.
            let _ = self.leave_in_order();
        }
        log.failure().cloned().map_or(Ok(()), Err)
    }

    /// The last manifest, and no blank. On a full disk the manifest that is there has to do: a start finds what
    /// came after it.
    fn leave_in_order(&self) -> Result<(), Failed> {
        let log = &self.log;
        if let Some(blank) = log.orders.leftover() {
            log.must(blank.discard(&log.dir))?;
        }
        let manifest = Manifest {
            durable: log.gate.durable(),
            ..log.orders.manifest()
        };
        match manifest.write_tmp(&log.dir) {
            Err(failure) if failure.is_no_room() => Ok(()),
            written => {
                let tmp = log.must(written)?;
                log.must(log.dir.publish_manifest(&tmp))
            }
        }
    }

    /// Ends the writer before the others that it may still need.
    fn end(&mut self) {
        self.log.snapshots.stop();
        // A panic has been told by the thread itself.
        let _ = self.snapshots.take().map(JoinHandle::join);
        self.log.closing.store(true, SeqCst);
        self.log.writer.wake();
        let mut running = self.running.drain(..);
        let _ = running.next().map(JoinHandle::join);
        self.log.orders.stop();
        self.log.syncer.wake();
        for thread in running {
            let _ = thread.join();
        }
    }
}

/// A thread of the log that panics takes the log with it.
struct TellPanic<'l>(&'l Log);

impl Drop for TellPanic<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.fail(LogFailure {
                action: "go on writing to",
                path: self.0.dir.path().into(),
                reason: "a thread of the log panicked".into(),
            });
        }
    }
}
