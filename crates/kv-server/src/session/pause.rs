//! `CLIENT PAUSE`: requests that wait until a time, or until somebody ends the pause. Mail leaves meanwhile.

use std::io;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use kv_proto::RequestRef;

use super::Session;
use crate::command::script::only_reads;
use crate::command::spec::{CommandSpec, Flags, Run};
use crate::script::Scripts;

/// What is paused, for all connections.
#[derive(Debug, Default)]
pub(crate) struct Pause {
    /// [`NOTHING`], [`WRITES`] or [`ALL`]: one load for every request.
    what: AtomicU8,
    end: Mutex<Option<Instant>>,
    over: Notify,
}

const NOTHING: u8 = 0;
const WRITES: u8 = 1;
const ALL: u8 = 2;

impl Pause {
    /// Pauses everything, or only what writes, for as long as this; a pause that lasts longer goes on, for what
    /// is asked now.
    pub(crate) fn begin(&self, duration: Duration, only_writes: bool) {
        let mut end = self.end();
        let until = Instant::now() + duration;
        *end = Some(end.map_or(until, |before| before.max(until)));
        let what = if only_writes { WRITES } else { ALL };
        self.what.store(what, Ordering::Release);
        // What is not paused any more goes on.
        self.over.notify_waiters();
    }

    /// Ends the pause.
    pub(crate) fn end_now(&self) {
        *self.end() = None;
        self.what.store(NOTHING, Ordering::Release);
        self.over.notify_waiters();
    }

    /// Whether anything is paused.
    #[inline]
    pub(crate) fn is_on(&self) -> bool {
        self.what.load(Ordering::Acquire) != NOTHING
    }

    /// Whether what writes is paused: then nothing else changes data either, as time does by itself.
    pub(crate) fn holds_up_writes(&self) -> bool {
        self.is_on() && self.holds_up(true).is_some()
    }

    /// Whether only what writes is paused, and how long still; `None`: nothing is paused.
    pub(crate) fn status(&self) -> Option<(bool, Duration)> {
        let end = self.holds_up(true)?;
        let left = end.saturating_duration_since(Instant::now());
        Some((self.what.load(Ordering::Acquire) == WRITES, left))
    }

    /// Until when what `writes`, or does not, is paused; ends a pause whose time has come.
    fn holds_up(&self, writes: bool) -> Option<Instant> {
        let end = (*self.end())?;
        if end <= Instant::now() {
            self.end_now();
            return None;
        }
        (writes || self.what.load(Ordering::Acquire) == ALL).then_some(end)
    }

    fn end(&self) -> MutexGuard<'_, Option<Instant>> {
        self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session<'_> {
    /// Whether a request for `spec` has to wait now.
    pub(super) fn is_paused(
        &self,
        (spec, request): (Option<&'static CommandSpec>, RequestRef<'_>),
    ) -> bool {
        let pause = &self.worker.server.pause;
        pause.is_on() && pause.holds_up(self.writes(spec, request)).is_some()
    }

    /// Comes back when a request for `spec` may run.
    ///
    /// # Errors
    ///
    /// The connection ended first: the request does not run.
    pub(super) async fn wait_for_pause(
        &mut self,
        (spec, request): (Option<&'static CommandSpec>, RequestRef<'_>),
    ) -> io::Result<()> {
        let server = &self.worker.server;
        let _counted = server.blocked.counted();
        loop {
            let over = server.pause.over.notified();
            let Some(end) = server.pause.holds_up(self.writes(spec, request)) else {
                return Ok(());
            };
            tokio::select! {
                () = over => {}
                () = tokio::time::sleep_until(end) => {}
                () = self.mail() => {}
                () = self.ended() => return Err(io::ErrorKind::ConnectionAborted.into()),
            }
            if self.state.client.inbox.has_mail() {
                self.hand_out().await?;
            }
        }
    }

    /// Whether a request counts as one that writes. A wrong one does not: it is answered at once, with its error.
    fn writes(&self, spec: Option<&'static CommandSpec>, request: RequestRef<'_>) -> bool {
        let Some(spec) = spec.filter(|spec| spec.arity.allows(request.len())) else {
            return false;
        };
        let scripts = &self.worker.server.scripts;
        match (&spec.run, self.state.multi.as_deref()) {
            (Run::Exec(_), Some(multi)) if !multi.is_spoilt => multi
                .requests()
                .iter()
                .any(|queued| may_write(scripts, queued.spec, queued.request.as_ref())),
            (Run::Exec(_), _) => false,
            // It is only kept.
            (_, Some(_)) => false,
            (_, None) => may_write(scripts, spec, request),
        }
    }
}

fn may_write(scripts: &Scripts, spec: &CommandSpec, request: RequestRef<'_>) -> bool {
    match spec.run {
        Run::Script { changes: true, .. } => !only_reads(scripts, spec, request),
        _ => spec.changes_data() || spec.flags.contains(Flags::PAUSED_LIKE_WRITES),
    }
}
