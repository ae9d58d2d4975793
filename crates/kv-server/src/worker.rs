//! A serving thread: one `current_thread` runtime with its own sessions, which never leave it.

use std::cell::{OnceCell, RefCell};
use std::net::TcpStream as StdStream;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;

use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::{JoinSet, LocalSet};

use crate::engine::commits::Commits;
use crate::exit::Failure;
use crate::script::machine::Machine;
use crate::script::thread::STACK_BYTES;
use crate::server::Server;
use crate::session;
use crate::session::buffers::Buffers;
use crate::stats::WorkerStats;

/// What the sessions of one thread share.
pub(crate) struct Worker {
    pub(crate) server: Arc<Server>,
    /// The thread's number, from 0.
    pub(crate) number: usize,
    pub(crate) commits: Rc<Commits>,
    pub(crate) buffers: RefCell<Buffers>,
    machine: OnceCell<Machine>,
}

impl Worker {
    pub(crate) fn stats(&self) -> &WorkerStats {
        self.server.stats.worker(self.number)
    }

    /// The thread's interpreter, which is made when the first script comes.
    pub(crate) fn machine(&self) -> &Machine {
        self.machine.get_or_init(|| Machine::at_once(&self.server))
    }
}

/// A thread that serves, and the way to hand connections to it.
pub(crate) struct Handle {
    pub(crate) connections: UnboundedSender<StdStream>,
    pub(crate) thread: JoinHandle<()>,
}

/// Starts serving thread `number`. It ends when its sender is dropped and its last session has ended.
pub(crate) fn spawn(server: Arc<Server>, number: usize) -> Result<Handle, Failure> {
    let (connections, arrivals) = unbounded_channel();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("cannot start a serving thread: {error}")))?;
    let thread = std::thread::Builder::new()
        .name(format!("serve-{number}"))
        .stack_size(STACK_BYTES)
        .spawn(move || LocalSet::new().block_on(&runtime, serve(server, number, arrivals)))
        .map_err(|error| Failure::new(format!("cannot start a serving thread: {error}")))?;
    Ok(Handle {
        connections,
        thread,
    })
}

async fn serve(server: Arc<Server>, number: usize, mut arrivals: UnboundedReceiver<StdStream>) {
    let worker = Rc::new(Worker {
        commits: Commits::start(&server.engine),
        server: Arc::clone(&server),
        number,
        buffers: RefCell::default(),
        machine: OnceCell::new(),
    });
    let room = Arc::clone(&server.mailrooms[number]);
    let mail = tokio::task::spawn_local(async move { room.deliver().await });
    let mut sessions = JoinSet::new();
    loop {
        tokio::select! {
            arrival = arrivals.recv() => match arrival {
                Some(stream) => {
                    sessions.spawn_local(serve_one(Rc::clone(&worker), stream));
                }
                None => break,
            },
            Some(ended) = sessions.join_next() => report(ended),
        }
    }
    while let Some(ended) = sessions.join_next().await {
        report(ended);
    }
    mail.abort();
}

async fn serve_one(worker: Rc<Worker>, stream: StdStream) {
    let _counted = Counted(worker.stats());
    match TcpStream::from_std(stream) {
        Ok(stream) => session::serve(&worker, stream).await,
        Err(error) => tracing::warn!(%error, "cannot serve a connection"),
    }
}

/// A connection that the listener counted when it handed it over.
struct Counted<'w>(&'w WorkerStats);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.sessions.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A session that panicked takes its connection with it and nothing else.
fn report(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a session ended by a bug; its connection is closed");
    }
}
