//! Where the sessions of one thread wait for the log.
//!
//! The thread has one place at the commit gate. A commit wakes one task here, which wakes the sessions whose
//! replies it released: one wake-up across threads for each commit, however many sessions wait.

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Poll, Waker};

use kv_core::Lsn;
use kv_wal::{Armed, Durability, Subscription};
use tokio::sync::Notify;

use super::Engine;

/// The log failed while a reply waited for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LogFailed;

/// The waiting sessions of one thread.
pub(crate) struct Commits {
    /// `None` without a log: nothing has to be waited for.
    gate: Option<Gate>,
}

struct Gate {
    place: Subscription,
    /// Who waits until a change is with the kernel, and who until it is on stable storage.
    for_written: Queue,
    for_durable: Queue,
    refused: RefCell<Vec<Waker>>,
}

/// Those who wait for one of the gate's watermarks.
struct Queue {
    /// A policy that waits for this watermark.
    policy: Durability,
    replies: RefCell<BinaryHeap<Reverse<Waiting>>>,
    /// The LSN that the place is armed for, so that a commit is asked for once.
    armed: Cell<Option<Lsn>>,
}

/// A session whose replies show `lsn`; ordered by that alone.
struct Waiting {
    lsn: Lsn,
    waker: Waker,
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.lsn == other.lsn
    }
}

impl Eq for Waiting {}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.lsn.cmp(&other.lsn)
    }
}

impl Commits {
    /// The waiting room of the calling thread, with the task that empties it. To be called on the thread's
    /// `LocalSet`.
    pub(crate) fn start(engine: &Engine) -> Rc<Self> {
        let Some((gate, _)) = engine.gate() else {
            return Rc::new(Self { gate: None });
        };
        let news = Arc::new(Notify::new());
        let bell = Arc::clone(&news);
        let commits = Rc::new(Self {
            gate: Some(Gate {
                place: gate.subscribe(Box::new(move || bell.notify_one())),
                for_written: Queue::new(Durability::No),
                for_durable: Queue::new(Durability::Always),
                refused: RefCell::default(),
            }),
        });
        let listening = Rc::downgrade(&commits);
        tokio::task::spawn_local(async move {
            loop {
                news.notified().await;
                let Some(commits) = listening.upgrade() else {
                    return;
                };
                commits.gate.iter().for_each(Gate::release);
            }
        });
        commits
    }

    /// Waits until `lsn` is as durable as `policy` promises. What is waited for with a stricter policy than the
    /// server's own is synced at once.
    ///
    /// # Errors
    ///
    /// The log failed before: whether the change will be there after a restart is unknown.
    pub(crate) async fn wait(&self, lsn: Lsn, policy: Durability) -> Result<(), LogFailed> {
        let Some(gate) = &self.gate else {
            return Ok(());
        };
        let queue = gate.queue(policy);
        let mut queued = false;
        poll_fn(|cx| {
            if gate.place.gate().watermark(policy) >= lsn {
                return Poll::Ready(Ok(()));
            }
            if gate.place.gate().has_failed() {
                return Poll::Ready(Err(LogFailed));
            }
            // A task's waker stays the same, so a wake-up without a reason leaves the entry good.
            if !queued {
                queued = true;
                let waker = cx.waker().clone();
                queue
                    .replies
                    .borrow_mut()
                    .push(Reverse(Waiting { lsn, waker }));
                queue.arm(&gate.place);
            }
            Poll::Pending
        })
        .await
    }

    /// Announces that a refused write waits for the log. Run the write once more after this, and only if
    /// it is refused again wait for [`Commits::admission`].
    pub(crate) fn ask_for_admission(&self) {
        if let Some(gate) = &self.gate {
            gate.place.arm_admission();
        }
    }

    /// Waits until the log may take writes again.
    pub(crate) async fn admission(&self) {
        let Some(gate) = &self.gate else {
            return;
        };
        let mut queued = false;
        poll_fn(|cx| {
            if queued {
                return Poll::Ready(());
            }
            queued = true;
            gate.refused.borrow_mut().push(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

impl Gate {
    fn queue(&self, policy: Durability) -> &Queue {
        match policy {
            Durability::Always => &self.for_durable,
            Durability::EverySec | Durability::No => &self.for_written,
        }
    }

    /// Wakes every session that need not wait any longer.
    fn release(&self) {
        let refused = std::mem::take(&mut *self.refused.borrow_mut());
        refused.into_iter().for_each(Waker::wake);
        self.for_written.release(&self.place);
        self.for_durable.release(&self.place);
    }
}

impl Queue {
    fn new(policy: Durability) -> Self {
        Self {
            policy,
            replies: RefCell::default(),
            armed: Cell::new(None),
        }
    }

    fn release(&self, place: &Subscription) {
        self.armed.set(None);
        self.wake_released(place);
        self.arm(place);
    }

    fn wake_released(&self, place: &Subscription) {
        let failed = place.gate().has_failed();
        let reached = place.gate().watermark(self.policy);
        let mut replies = self.replies.borrow_mut();
        while replies
            .peek()
            .is_some_and(|Reverse(first)| failed || first.lsn <= reached)
        {
            if let Some(Reverse(first)) = replies.pop() {
                first.waker.wake();
            }
        }
    }

    /// Asks the gate for news of the first reply that waits.
    fn arm(&self, place: &Subscription) {
        loop {
            let first = self.replies.borrow().peek().map(|Reverse(first)| first.lsn);
            let Some(first) = first else {
                return;
            };
            if self.armed.get().is_some_and(|armed| armed <= first) {
                return;
            }
            self.armed.set(Some(first));
            match place.arm(self.policy, first) {
                Armed::Pending => return,
                Armed::Reached => {
                    self.armed.set(None);
                    self.wake_released(place);
                }
            }
        }
    }
}
