//! What is written down of each request that ran: for the counters, the journals, those who watch.

use std::sync::atomic::Ordering::Relaxed;

use kv_proto::RequestRef;

use super::{Session, SessionCx};
use crate::command::spec::{CommandSpec, Flags, Run};
use crate::meter::Meters;
use crate::meter::journal::{self, Entry};
use crate::server::Server;

/// A request that ran.
#[derive(Clone, Copy)]
pub(crate) struct Ran<'r> {
    pub(crate) spec: &'static CommandSpec,
    pub(crate) request: RequestRef<'r>,
    pub(crate) nanos: u64,
    pub(crate) failed: bool,
    pub(crate) reply_bytes: usize,
    /// Whether a script asked, not the client itself.
    pub(crate) by_script: bool,
}

/// Slow requests are found with the cheap clock only if they are much slower than it is exact.
const CHEAP_CLOCK_MICROS: u64 = 8_000;

impl Server {
    /// Whether somebody asked for what only the exact clock finds.
    pub(crate) fn wants_exact_times(&self) -> bool {
        self.journals.slow.wants(CHEAP_CLOCK_MICROS)
    }
}

impl SessionCx<'_> {
    /// The counters of the thread that serves this connection.
    pub(crate) fn meters(&self) -> &Meters {
        &self.server.stats.worker(self.state.worker).meters
    }

    /// Shows a request to those who watch all.
    #[inline]
    pub(crate) fn tell_monitors(
        &self,
        spec: &CommandSpec,
        request: RequestRef<'_>,
        by_script: bool,
    ) {
        if self.server.monitors.any() && !spec.flags.contains(Flags::ADMIN) {
            let origin = (self.state.db, &*self.state.client, by_script);
            let lsn = self.state.newest;
            self.server.monitors.tell(self.server, origin, request, lsn);
        }
    }

    /// Writes a request down, now or, if its reply comes later, then.
    pub(crate) fn ran(&mut self, ran: Ran<'_>) {
        // A script was told of when it began.
        if !ran.spec.is_script() {
            self.tell_monitors(ran.spec, ran.request, ran.by_script);
        }
        self.state.scripted += u64::from(ran.by_script);
        if self.state.later.is_some() {
            self.state.ran_nanos = ran.nanos;
        } else {
            self.write_down(ran);
        }
    }

    fn write_down(&self, ran: Ran<'_>) {
        self.meters().ran(ran.spec, ran.nanos, ran.failed);
        // What it consists of was written down already.
        if matches!(ran.spec.run, Run::Exec(_)) {
            return;
        }
        let micros = ran.nanos / 1000;
        let (journals, latency) = (&self.server.journals, &self.server.latency);
        if journals.slow.wants(micros) {
            journals.slow.keep(self.entry(&ran, micros));
        }
        if journals.large_reply.wants(ran.reply_bytes as u64) {
            let entry = self.entry(&ran, ran.reply_bytes as u64);
            journals.large_reply.keep(entry);
        }
        // Nearly always that much has not even arrived.
        if journals
            .large_request
            .wants(ran.request.bytes_at_most() as u64)
        {
            let bytes = ran.request.iter().map(<[u8]>::len).sum::<usize>() as u64;
            if journals.large_request.wants(bytes) {
                journals.large_request.keep(self.entry(&ran, bytes));
            }
        }
        if latency.threshold_ms.load(Relaxed) > 0 {
            let event = match ran.spec.flags.contains(Flags::FAST) {
                true => "fast-command",
                false => "command",
            };
            latency.took(event, self.time_s(), micros / 1000);
        }
    }

    fn entry(&self, ran: &Ran<'_>, measure: u64) -> Entry {
        let client = &self.state.client;
        Entry {
            id: 0,
            time_s: self.time_s(),
            measure,
            words: journal::words(ran.request),
            peer: client.peer.to_string(),
            name: client.identity().name.clone(),
        }
    }

    fn time_s(&self) -> i64 {
        self.server.engine.now().0 / 1000
    }
}

impl Session<'_> {
    /// The reply of a request has come that had to wait for it.
    pub(super) fn ran_later(
        &mut self,
        (spec, request): (Option<&'static CommandSpec>, RequestRef<'_>),
        reply_bytes: usize,
    ) {
        let Some(spec) = spec else { return };
        let cx = SessionCx {
            server: &self.worker.server,
            state: &mut self.state,
            machine: None,
        };
        let nanos = cx.state.ran_nanos;
        cx.write_down(Ran {
            spec,
            request,
            nanos,
            failed: false,
            reply_bytes,
            by_script: false,
        });
    }
}
