//! The thread of scripts, and how requests come to it and back.
//!
//! A request comes with all that its connection remembers and is run as it would be on the connection's own
//! thread. Until it has begun, it can be taken back.
//!
//! Invariant: the thread has the server in hand only while a request runs, so that a server that stops can be given
//! up.

use std::panic::AssertUnwindSafe;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use kv_proto::{ReplyBuffer, Request};
use tokio::sync::oneshot;

use super::machine::Machine;
use crate::command::spec::CommandSpec;
use crate::engine::execute::{Executed, execute};
use crate::server::Server;
use crate::session::{SessionCx, State};

/// The stack of the thread, in bytes: Lua bounds how deep calls through C may nest.
const STACK_BYTES: usize = 16 << 20;

/// A request for the thread, and what it needs.
pub(crate) struct Job {
    pub(crate) server: Arc<Server>,
    pub(crate) state: State,
    pub(crate) spec: &'static CommandSpec,
    pub(crate) request: Request,
    pub(crate) replies: ReplyBuffer,
}

/// A request that was run, or was taken back.
pub(crate) struct Done {
    pub(crate) state: State,
    pub(crate) replies: ReplyBuffer,
    /// `None`: it was taken back.
    pub(crate) executed: Option<Executed>,
}

type Place = Arc<Mutex<Option<(Job, oneshot::Sender<Done>)>>>;

/// What the thread is sent.
enum Errand {
    /// A request to be run.
    Run(Place),
    /// Libraries are there, of which functions are to be made; told when that is done.
    Settle(Arc<Server>, Sender<()>),
}

/// The way to the thread, which begins with the first request.
#[derive(Default)]
pub(crate) struct Way(OnceLock<Sender<Errand>>);

impl Way {
    /// Sends a request on its way. `None`: the system has no thread for it.
    pub(crate) fn send(&self, job: Job) -> Result<Sent, Box<Job>> {
        let (done, answer) = oneshot::channel();
        let Some(jobs) = self.jobs() else {
            return Err(Box::new(job));
        };
        let place: Place = Arc::new(Mutex::new(Some((job, done))));
        let sent = Sent {
            place: Arc::clone(&place),
            answer,
        };
        // The thread ends with the sender, not before.
        let _ = jobs.send(Errand::Run(place));
        Ok(sent)
    }

    /// Makes the functions of the libraries that `server` has found, before anybody asks for one. Not for a serving
    /// thread: this waits.
    pub(crate) fn settle(&self, server: &Arc<Server>) {
        let (done, wait) = channel();
        if let Some(jobs) = self.jobs() {
            let _ = jobs.send(Errand::Settle(Arc::clone(server), done));
            // Should it have ended by a bug, functions are made when they are asked for.
            let _ = wait.recv();
        }
    }

    fn jobs(&self) -> Option<&Sender<Errand>> {
        if let Some(jobs) = self.0.get() {
            return Some(jobs);
        }
        let (sender, receiver) = channel();
        let begun = std::thread::Builder::new()
            .name("scripts".to_owned())
            .stack_size(STACK_BYTES)
            .spawn(move || run(&receiver));
        if let Err(error) = begun {
            tracing::error!(%error, "cannot start the thread of scripts");
            return None;
        }
        // Of two who come first at once, one keeps its thread; the other's ends, having no sender.
        Some(self.0.get_or_init(|| sender))
    }
}

/// A request on its way.
pub(crate) struct Sent {
    place: Place,
    answer: oneshot::Receiver<Done>,
}

impl Sent {
    /// Waits for the answer. `None`: it ended by a bug.
    pub(crate) async fn done(&mut self) -> Option<Done> {
        (&mut self.answer).await.ok()
    }

    /// Takes the request back, if it has not begun.
    pub(crate) fn take_back(&self) -> Option<Done> {
        take(&self.place).map(|(job, _)| Done {
            state: job.state,
            replies: job.replies,
            executed: None,
        })
    }
}

fn take(place: &Place) -> Option<(Job, oneshot::Sender<Done>)> {
    place.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// Runs what comes until nobody can send any more.
fn run(jobs: &Receiver<Errand>) {
    let mut machine = None;
    while let Ok(errand) = jobs.recv() {
        let place = match errand {
            Errand::Run(place) => place,
            Errand::Settle(server, done) => {
                settle(&mut machine, &server);
                drop(server);
                let _ = done.send(());
                continue;
            }
        };
        let Some((job, answer)) = take(&place) else {
            continue;
        };
        let done = std::panic::catch_unwind(AssertUnwindSafe(|| run_one(&mut machine, job)));
        match done {
            Ok(done) => {
                // A session that has ended hears nothing.
                let _ = answer.send(done);
            }
            Err(_) => {
                tracing::error!("a script ended by a bug; its connection is closed");
                machine = None;
            }
        }
    }
}

fn settle(machine: &mut Option<Machine>, server: &Arc<Server>) {
    let machine = machine.get_or_insert_with(|| Machine::new(server));
    let _closed = server.scripts.gate.close();
    server
        .engine
        .look_at_libraries(|view| machine.settle(server, view));
}

fn run_one(machine: &mut Option<Machine>, mut job: Job) -> Done {
    let server = Arc::clone(&job.server);
    let machine = machine.get_or_insert_with(|| Machine::new(&server));
    let closed = server.scripts.gate.close();
    let mut cx = SessionCx {
        server: &server,
        state: &mut job.state,
        machine: Some(machine),
    };
    let request = job.request.as_ref();
    let now = server.engine.now();
    let executed = execute(&mut cx, Some(job.spec), request, now, &mut job.replies);
    drop(closed);
    Done {
        state: job.state,
        replies: job.replies,
        executed: Some(executed),
    }
}
