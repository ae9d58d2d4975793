//! Clients that wait for an element: who waits for which keys, and who gets what comes.
//!
//! A client that waits has a place in the queue of each of its keys, and the store is asked to tell of changes of
//! these keys (`kv_core::KeyWatcher`). Whoever changes one serves the queue right after its own transaction, on
//! its own thread: it runs the request of the first client again, as a transaction of its own, and hands the
//! reply to that client's session, which holds it at the commit gate like any other.
//!
//! Invariant: of two clients that wait for the same, the one that came first is served first.
//! Invariant: a client enters the queues under their lock, in the transaction that found nothing: what comes
//! after that transaction finds the client.
//! Invariant: the lock of the queues is taken before those of stripes, and never while one is held.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kv_core::{At, Db, KeySet, KeyWatcher, Kind, Lsn, MemoryStore, Refusal, Size, UnixMillis};
use kv_proto::{Format, Reply, ReplyBuffer, Request, RequestRef};
use smallvec::SmallVec;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::execute::all_or_nothing;
use crate::command::args::Args;
use crate::command::error::CommandError;
use crate::command::spec::{Attempt, CommandSpec, Turn, Wait};

/// A key of a database.
type Place = (Db, Box<[u8]>);

/// All clients that wait.
pub(crate) struct Blocked {
    queues: Mutex<Queues>,
    ready: Arc<Ready>,
    /// How many clients wait, here or for the end of a pause.
    count: AtomicUsize,
}

/// Keys that changed and whose queues have not been served since.
#[derive(Default)]
struct Ready {
    any: AtomicBool,
    keys: Mutex<VecDeque<Place>>,
}

impl KeyWatcher for Ready {
    fn changed(&self, db: Db, key: &[u8], _lsn: Lsn) {
        let mut keys = lock(&self.keys);
        if keys
            .back()
            .is_none_or(|(of, last)| *of != db || **last != *key)
        {
            keys.push_back((db, key.into()));
        }
        self.any.store(true, Ordering::Release);
    }
}

impl Ready {
    fn take(&self) -> Option<Place> {
        let mut keys = lock(&self.keys);
        let first = keys.pop_front();
        if first.is_none() {
            self.any.store(false, Ordering::Release);
        }
        first
    }

    fn put_back(&self, place: Place) {
        lock(&self.keys).push_front(place);
        self.any.store(true, Ordering::Release);
    }
}

/// Who waits, by the number of the connection, and the order of arrival at each key.
#[derive(Default)]
struct Queues {
    clients: BTreeMap<u64, Waiter>,
    of_keys: BTreeMap<Place, VecDeque<u64>>,
}

/// A client that waits.
struct Waiter {
    id: u64,
    spec: &'static CommandSpec,
    attempt: Attempt,
    request: Request,
    db: Db,
    format: Format,
    wait: Wait,
    tell: oneshot::Sender<Wake>,
}

/// Why a client need not wait any longer.
#[derive(Debug)]
pub(crate) enum Wake {
    /// Its request was run.
    Served(Served),
    /// As if its time were up.
    TimedOut,
    /// With an error.
    Unblocked,
}

/// The reply of a request that had to wait.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) reply: ReplyBuffer,
    /// The newest change that it shows.
    pub(crate) shows: Lsn,
    /// The code of the error that it is, if it is one.
    pub(crate) failed: Option<&'static str>,
}

/// What a session that waits holds in its hands.
#[derive(Debug)]
pub(crate) struct Ticket {
    pub(crate) wake: oneshot::Receiver<Wake>,
    /// When it has waited enough.
    pub(crate) deadline: Option<Instant>,
}

/// A client that asks to wait.
#[derive(Clone, Copy)]
pub(crate) struct Asking<'r> {
    pub(crate) id: u64,
    pub(crate) spec: &'static CommandSpec,
    pub(crate) attempt: Attempt,
    pub(crate) request: RequestRef<'r>,
    pub(crate) at: At,
}

/// What came of asking.
pub(crate) enum Entered {
    /// The request was run after all.
    Run(Result<(), CommandError>, Lsn),
    /// It waits.
    Waits(Ticket),
}

/// What came of running a waiting request once more.
enum Tried {
    Served(Served),
    /// The key holds nothing, or a value of another kind than is waited for.
    Holds(Option<Kind>),
    /// There is not enough yet.
    Waits,
}

impl Blocked {
    pub(crate) fn new() -> Self {
        Self {
            queues: Mutex::default(),
            ready: Arc::default(),
            count: AtomicUsize::new(0),
        }
    }

    /// How many clients wait.
    pub(crate) fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// How many keys clients wait for, and for how many of these some wait that also hear of the key's end.
    pub(crate) fn keys(&self) -> (usize, usize) {
        let queues = lock(&self.queues);
        let lasting = |queue: &&VecDeque<u64>| {
            let waiters = queue.iter().filter_map(|id| queues.clients.get(id));
            waiters.into_iter().any(|waiter| waiter.wait.even_if_gone)
        };
        let lasting = queues.of_keys.values().filter(lasting).count();
        (queues.of_keys.len(), lasting)
    }

    /// Counts one more client that waits, for as long as the answer lives.
    pub(crate) fn counted(&self) -> Counted<'_> {
        self.count.fetch_add(1, Ordering::Relaxed);
        Counted(self)
    }

    /// Runs a request that found nothing a moment ago once more, and lets it wait if it finds nothing again.
    ///
    /// # Errors
    ///
    /// The log's refusal; nothing happened.
    pub(crate) fn enter(
        &self,
        memory: &MemoryStore,
        asking: Asking<'_>,
        reply: &mut Reply<'_>,
    ) -> Result<Entered, Refusal> {
        let Asking {
            id,
            spec,
            attempt,
            request,
            at,
        } = asking;
        let mut queues = lock(&self.queues);
        let keys: SmallVec<[&[u8]; 8]> = spec.keys.of(request).collect();
        let watcher = Arc::clone(&self.ready) as Arc<dyn KeyWatcher>;
        let (turn, shows) = memory.write_sized(at, KeySet::Many(&keys), Size::Unknown, |txn| {
            let args = Args::new(spec, request);
            txn.set_origin(id);
            let turn = all_or_nothing(spec, txn, |txn| attempt(txn, args, reply));
            if let Ok(Turn::Wait(wait) | Turn::WaitAs(wait, _)) = &turn {
                for key in keys.iter().take(wait.keys) {
                    txn.watch(key, &watcher);
                }
            }
            turn
        })?;
        let (wait, request) = match turn {
            Ok(Turn::Wait(wait)) => (wait, Request::from_ref(request)),
            Ok(Turn::WaitAs(wait, request)) => (wait, *request),
            Ok(Turn::Done) => return Ok(Entered::Run(Ok(()), shows)),
            Err(error) => return Ok(Entered::Run(Err(error), shows)),
        };
        for key in keys.iter().take(wait.keys) {
            let queue = queues.of_keys.entry((at.db, (*key).into())).or_default();
            if queue.back() != Some(&id) {
                queue.push_back(id);
            }
        }
        let (tell, wake) = oneshot::channel();
        let waiter = Waiter {
            id,
            spec,
            attempt,
            request,
            db: at.db,
            format: reply.format(),
            wait,
            tell,
        };
        queues.clients.insert(id, waiter);
        let deadline = wait.at_most.map(|at_most| Instant::now() + at_most);
        Ok(Entered::Waits(Ticket { wake, deadline }))
    }

    /// Takes the client `id` out of the queues; whether it was there. If not, its ticket has the outcome.
    pub(crate) fn leave(&self, memory: &MemoryStore, id: u64) -> bool {
        self.remove(memory, &mut lock(&self.queues), id).is_some()
    }

    /// Ends the wait of the client `id`; whether it waited.
    pub(crate) fn unblock(&self, memory: &MemoryStore, id: u64, wake: Wake) -> bool {
        let waiter = self.remove(memory, &mut lock(&self.queues), id);
        waiter.is_some_and(|waiter| waiter.tell.send(wake).is_ok())
    }

    /// Serves those who wait for what has come. To be called after every transaction that changed something;
    /// costs one load while nothing has come that anybody waits for.
    #[inline]
    pub(crate) fn serve(&self, memory: &MemoryStore, now: UnixMillis) {
        if self.ready.any.load(Ordering::Acquire) {
            self.serve_ready(memory, now);
        }
    }

    #[cold]
    fn serve_ready(&self, memory: &MemoryStore, now: UnixMillis) {
        let mut queues = lock(&self.queues);
        while let Some(place) = self.ready.take() {
            if self.serve_key(memory, now, &mut queues, &place).is_err() {
                // The log takes nothing now: the next transaction, or the next tick, tries again.
                return self.ready.put_back(place);
            }
        }
    }

    fn serve_key(
        &self,
        memory: &MemoryStore,
        now: UnixMillis,
        queues: &mut Queues,
        place: &Place,
    ) -> Result<(), Refusal> {
        let mut index = 0;
        // What the key is known to hold, if anything.
        let mut known: Option<Option<Kind>> = None;
        while let Some(id) = queues.of_keys.get(place).and_then(|queue| queue.get(index)) {
            let id = *id;
            let Some(waiter) = queues.clients.get(&id) else {
                unreachable!("who is in a queue waits")
            };
            if waiter.tell.is_closed() {
                self.remove(memory, queues, id);
                continue;
            }
            let wait = waiter.wait;
            if known.is_some_and(|kind| kind != Some(wait.kind)) && !wait.even_if_gone {
                index += 1;
                continue;
            }
            match waiter.try_again(memory, now, &place.1)? {
                Tried::Holds(kind) => known = Some(kind),
                Tried::Waits => index += 1,
                Tried::Served(served) => {
                    known = None;
                    if let Some(waiter) = self.remove(memory, queues, id) {
                        // A session that has just ended does not want to know.
                        let _ = waiter.tell.send(Wake::Served(served));
                    }
                }
            }
        }
        Ok(())
    }

    fn remove(&self, memory: &MemoryStore, queues: &mut Queues, id: u64) -> Option<Waiter> {
        let waiter = queues.clients.remove(&id)?;
        let keys = waiter.spec.keys.of(waiter.request.as_ref());
        for key in keys.take(waiter.wait.keys) {
            let place: Place = (waiter.db, key.into());
            let Some(queue) = queues.of_keys.get_mut(&place) else {
                continue;
            };
            if queue.front() == Some(&id) {
                queue.pop_front();
            } else {
                queue.retain(|other| *other != id);
            }
            if queue.is_empty() {
                queues.of_keys.remove(&place);
                let watcher = Arc::clone(&self.ready) as Arc<dyn KeyWatcher>;
                memory.unwatch(waiter.db, key, &watcher);
            }
        }
        Some(waiter)
    }
}

impl Waiter {
    /// Runs the request again because `key` changed.
    fn try_again(
        &self,
        memory: &MemoryStore,
        now: UnixMillis,
        key: &[u8],
    ) -> Result<Tried, Refusal> {
        let request = self.request.as_ref();
        let keys: SmallVec<[&[u8]; 8]> = self.spec.keys.of(request).collect();
        let at = At { db: self.db, now };
        let mut out = ReplyBuffer::new();
        let (turn, shows) = memory.write_sized(at, KeySet::Many(&keys), Size::Unknown, |txn| {
            txn.set_origin(self.id);
            let kind = txn.kind(key);
            if kind != Some(self.wait.kind) && !self.wait.even_if_gone {
                return Err(kind);
            }
            let mut reply = Reply::new(&mut out, self.format);
            let args = Args::new(self.spec, request);
            Ok(all_or_nothing(self.spec, txn, |txn| {
                (self.attempt)(txn, args, &mut reply)
            }))
        })?;
        let failed = match turn {
            Err(kind) => return Ok(Tried::Holds(kind)),
            Ok(Ok(Turn::Wait(_) | Turn::WaitAs(..))) => return Ok(Tried::Waits),
            Ok(Ok(Turn::Done)) => None,
            Ok(Err(error)) => {
                out.clear();
                Reply::new(&mut out, self.format).error(error.code, &error.message);
                Some(error.code)
            }
        };
        Ok(Tried::Served(Served {
            reply: out,
            shows,
            failed,
        }))
    }
}

/// One client that waits, counted.
pub(crate) struct Counted<'b>(&'b Blocked);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.count.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Nothing panics half way through a change under these locks but what ends the process.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
