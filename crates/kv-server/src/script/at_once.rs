//! Scripts that run on the thread of their own connection, in its own interpreter: short ones, on the keys that they
//! declare.
//!
//! To hand a script to another thread and its answer back, and to keep everybody else from work meanwhile, costs many
//! times what a short script does: tried at once, `EVAL` answers three to six times as many requests. Nothing is known
//! of a script beforehand, so each is tried, with a budget of time and memory. One that needs more, or another key, or
//! looks at more than keys, gives itself up: its transaction is taken back, and it runs apart, from the beginning. The
//! store of scripts remembers that for a while.
//!
//! Invariant: a script that gives itself up leaves no trace: nobody has seen a change of it, has got a message of it, or
//! finds its requests in a counter of commands. Counters of the store, of hits for one, may count what it has looked at.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use kv_proto::RequestRef;
use smallvec::SmallVec;

use super::failure::Raised;
use crate::command::spec::{CommandSpec, Flags, Run};
use crate::engine::transaction::Hold;
use crate::session::{Ran, SessionCx};

/// How long a script may run at once, in microseconds: so long it may hold up the other connections of its thread, and
/// whoever needs its keys.
pub(crate) const TIME_MAX_MICROS: u64 = 1000;

/// What the interpreter of a serving thread may take while a script runs on, in bytes.
const MEMORY_BYTES_MAX: usize = 64 << 20;

/// What a script may change at once, in bytes for the log.
const RECORDED_BYTES_MAX: usize = 1 << 20;

/// What a request of a script may be answered at once, in bytes.
const REPLY_BYTES_MAX: usize = 1 << 20;

/// Requests of a script between two looks at the clock.
const CALLS_PER_LOOK: u32 = 16;

/// Instructions between two looks at the clock: a few dozen microseconds.
pub(super) const INSTRUCTIONS: u32 = 10_000;

/// A request that ran: its nanoseconds, and whether it failed.
type Counted = (&'static CommandSpec, u64, bool);

/// How a script fares that runs at once.
pub(crate) struct AtOnce {
    /// Since when one runs; `None`: none does.
    begun: Cell<Option<Instant>>,
    calls: Cell<u32>,
    has_given_up: Cell<bool>,
    /// Its requests so far: counted when it has ended well.
    ran: RefCell<SmallVec<[Counted; 8]>>,
}

impl AtOnce {
    /// None runs.
    pub(super) fn new() -> Self {
        Self {
            begun: Cell::new(None),
            calls: Cell::new(0),
            has_given_up: Cell::new(false),
            ran: RefCell::default(),
        }
    }

    /// None has given itself up yet.
    pub(super) fn prepare(&self) {
        self.has_given_up.set(false);
    }

    /// One begins.
    pub(super) fn begin(&self) {
        self.begun.set(Some(Instant::now()));
        self.calls.set(0);
        self.ran.borrow_mut().clear();
    }

    /// It has ended; whether it was done. If so, its requests are counted; if not, it is taken back and runs apart.
    pub(super) fn end(&self, cx: &mut SessionCx<'_>, hold: &mut Hold<'_, '_>) -> bool {
        self.begun.set(None);
        if self.has_given_up.get() {
            hold.give_up();
            return false;
        }
        cx.ran_together(&self.ran.borrow());
        true
    }

    /// The script runs apart: to be raised.
    pub(super) fn give_up(&self) -> Raised {
        self.has_given_up.set(true);
        Raised::GivenUp
    }

    /// Whether the last one gave itself up.
    pub(super) fn has_given_up(&self) -> bool {
        self.has_given_up.get()
    }

    /// Gives the script up that needs too much.
    pub(super) fn look(&self, memory_bytes: usize) -> Result<(), Raised> {
        let is_late = |begun: Instant| begun.elapsed() > Duration::from_micros(TIME_MAX_MICROS);
        match self.begun.get() {
            Some(begun) if memory_bytes > MEMORY_BYTES_MAX || is_late(begun) => Err(self.give_up()),
            _ => Ok(()),
        }
    }

    /// Gives the script up that makes a request which is not for here.
    pub(super) fn admit(
        &self,
        hold: &mut Hold<'_, '_>,
        (spec, request): (&CommandSpec, RequestRef<'_>),
        memory_bytes: impl FnOnce() -> usize,
    ) -> Result<(), Raised> {
        let calls = self.calls.get() + 1;
        self.calls.set(calls);
        if calls.is_multiple_of(CALLS_PER_LOOK) {
            self.look(memory_bytes())?;
        }
        let is_for_here = match spec.run {
            Run::Read(_) | Run::Write(_) | Run::Block(_) => holds_keys(hold, spec, request),
            Run::Pure(_) => true,
            // What these touch belongs to the transaction.
            _ => matches!(spec.name, "PUBLISH" | "SPUBLISH" | "TIME"),
        };
        match is_for_here && hold.recorded_bytes() <= RECORDED_BYTES_MAX {
            true => Ok(()),
            false => Err(self.give_up()),
        }
    }

    /// A request of the script ran.
    pub(super) fn ran(&self, cx: &SessionCx<'_>, ran: Ran<'_>) -> Result<(), Raised> {
        if cx.stands_out(&ran) || ran.reply_bytes > REPLY_BYTES_MAX {
            return Err(self.give_up());
        }
        let mut all = self.ran.borrow_mut();
        all.push((ran.spec, ran.nanos, ran.failed));
        Ok(())
    }
}

fn holds_keys(hold: &mut Hold<'_, '_>, spec: &CommandSpec, request: RequestRef<'_>) -> bool {
    let looks_further = Flags::WHOLE_KEYSPACE.union(Flags::READS_KEYSPACE);
    if spec.flags.overlap(looks_further) || spec.keys.are_hidden(request) {
        return false;
    }
    let view = hold.view();
    spec.keys.of(request).all(|key| view.holds(key))
}
