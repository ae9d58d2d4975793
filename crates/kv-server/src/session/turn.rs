//! When a request may run: at once, at its turn while scripts run, or not, because one of them takes too long.

use kv_core::{Lsn, UnixMillis};
use kv_proto::{Mark, Reply, ReplyBuffer, RequestRef};

use super::Session;
use crate::command::error::CommandError;
use crate::command::spec::{CommandSpec, Flags, Run};
use crate::engine::execute::Executed;

/// What becomes of a request while a script runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Patience {
    /// It touches no data and runs at once.
    Needless,
    /// It waits for the end of the script, however long that takes.
    Endless,
    /// It is refused when the script takes too long.
    Bounded,
}

impl Session<'_> {
    /// Runs one request and writes its reply, or leaves word of what the reply waits for.
    pub(super) async fn answer(
        &mut self,
        request: (Option<&'static CommandSpec>, RequestRef<'_>),
        now: UnixMillis,
        replies: &mut ReplyBuffer,
    ) {
        if self.attempt(request, now, replies).await {
            return;
        }
        // The log refused it: again and again, whenever the log has caught up.
        let worker = self.worker;
        loop {
            worker.commits.ask_for_admission();
            let now = worker.server.engine.now();
            if self.attempt(request, now, replies).await {
                return;
            }
            worker.commits.admission().await;
        }
    }

    /// Runs one request at its turn; whether it is answered.
    async fn attempt(
        &mut self,
        request: (Option<&'static CommandSpec>, RequestRef<'_>),
        now: UnixMillis,
        replies: &mut ReplyBuffer,
    ) -> bool {
        if let Some(spec) = request.0
            && self.is_apart(spec)
        {
            return match self.execute_at_once((spec, request.1), now, replies) {
                Some(is_answered) => is_answered,
                None => self.execute_apart((spec, request.1), replies).await,
            };
        }
        let worker = self.worker;
        if let Some(_inside) = worker.server.scripts.gate.enter(worker.number) {
            return self.execute(request, now, replies);
        }
        self.attempt_beside_scripts(request, now, replies).await
    }

    #[cold]
    async fn attempt_beside_scripts(
        &mut self,
        request: (Option<&'static CommandSpec>, RequestRef<'_>),
        now: UnixMillis,
        replies: &mut ReplyBuffer,
    ) -> bool {
        let scripts = &self.worker.server.scripts;
        let turn = match self.patience(request) {
            Patience::Needless => None,
            Patience::Endless => Some(scripts.gate.turn().await),
            Patience::Bounded => tokio::select! {
                biased;
                turn = scripts.gate.turn() => Some(turn),
                () = scripts.running.slow() => {
                    let muted = self.begin_muted(replies);
                    return self.refuse(&scripts.running.busy(), request.0, muted, replies);
                }
            },
        };
        let now = match turn {
            Some(_) => self.worker.server.engine.now(),
            None => now,
        };
        self.execute(request, now, replies)
    }

    fn patience(&self, (spec, request): (Option<&CommandSpec>, RequestRef<'_>)) -> Patience {
        let Some(spec) = spec.filter(|spec| spec.flags.contains(Flags::ALLOW_BUSY)) else {
            return Patience::Bounded;
        };
        let exec_runs = || match &self.state.multi {
            Some(multi) => !multi.is_spoilt,
            None => false,
        };
        match spec.name {
            "EXEC" if exec_runs() => Patience::Bounded,
            "SHUTDOWN"
                if !request
                    .iter()
                    .any(|word| word.eq_ignore_ascii_case(b"NOSAVE")) =>
            {
                Patience::Bounded
            }
            // What is watched has its place in the data.
            "WATCH" => Patience::Endless,
            _ if self.state.watching.is_some() => Patience::Endless,
            _ => Patience::Needless,
        }
    }

    /// Answers a request that does not run with `error`. Always `true`: it is answered.
    pub(super) fn refuse(
        &mut self,
        error: &CommandError,
        spec: Option<&'static CommandSpec>,
        muted: Option<Mark>,
        replies: &mut ReplyBuffer,
    ) -> bool {
        let is_exec = spec.is_some_and(|spec| matches!(spec.run, Run::Exec(_)));
        match &mut self.state.multi {
            Some(_) if is_exec => self.state.multi = None,
            Some(multi) => multi.is_spoilt = true,
            None => {}
        }
        let aborted = is_exec.then(|| CommandError::exec_aborted_because(error));
        let error = aborted.as_ref().unwrap_or(error);
        Reply::new(replies, self.state.decoder.format()).error(error.code, &error.message);
        let refused = Executed::Replied {
            shows: Lsn::ZERO,
            failed: true,
        };
        self.note(refused, spec, muted, replies)
    }
}
