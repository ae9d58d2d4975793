//! A request that runs on the thread of scripts: the session's state goes there and comes back with the reply.

use kv_proto::{Mark, ReplyBuffer, Request, RequestRef};

use super::Session;
use crate::command::error::CommandError;
use crate::command::spec::{CommandSpec, Flags};
use crate::script::thread::{Done, Job, Sent};

/// What is answered when there is no thread for scripts.
const NO_THREAD: CommandError =
    CommandError::fixed("ERR", "there is no thread to run scripts on, try again");

/// What is answered when the thread of scripts has met a bug.
const ENDED_BY_A_BUG: CommandError =
    CommandError::fixed("ERR", "the script ended by a bug of the server");

impl Session<'_> {
    /// Whether a request for `spec` runs on the thread of scripts.
    pub(super) fn is_apart(&self, spec: &CommandSpec) -> bool {
        match &self.state.multi {
            None => spec.is_apart(),
            Some(multi) => {
                let is_exec = matches!(spec.run, crate::command::spec::Run::Exec(_));
                is_exec && multi.is_apart() && spec.flags.contains(Flags::NOT_QUEUED)
            }
        }
    }

    /// Runs a request on the thread of scripts; whether it is answered. If not, the log is behind and nothing
    /// happened.
    pub(super) async fn execute_apart(
        &mut self,
        (spec, request): (&'static CommandSpec, RequestRef<'_>),
        replies: &mut ReplyBuffer,
    ) -> bool {
        let server = &self.worker.server;
        let muted = self.begin_muted(replies);
        let stand_in = self.state.stand_in(server);
        let job = Job {
            server: std::sync::Arc::clone(server),
            state: std::mem::replace(&mut self.state, stand_in),
            spec,
            request: Request::from_ref(request),
            replies: std::mem::take(replies),
        };
        let sent = match server.scripts.way.send(job) {
            Ok(sent) => sent,
            Err(job) => {
                (self.state, *replies) = (job.state, job.replies);
                return self.refuse(&NO_THREAD, Some(spec), muted, replies);
            }
        };
        match self.wait_for(sent).await {
            Some(done) => self.receive(done, spec, muted, replies),
            None => {
                self.state.ending = true;
                self.refuse(&ENDED_BY_A_BUG, Some(spec), None, replies)
            }
        }
    }

    /// Waits for the answer; takes back what has not begun when another script runs for too long.
    async fn wait_for(&self, mut sent: Sent) -> Option<Done> {
        tokio::select! {
            biased;
            done = sent.done() => return done,
            () = self.worker.server.scripts.running.slow() => {}
        }
        match sent.take_back() {
            Some(done) => Some(done),
            None => sent.done().await,
        }
    }

    fn receive(
        &mut self,
        done: Done,
        spec: &'static CommandSpec,
        muted: Option<Mark>,
        replies: &mut ReplyBuffer,
    ) -> bool {
        (self.state, *replies) = (done.state, done.replies);
        match done.executed {
            Some(executed) => self.note(executed, Some(spec), muted, replies),
            None => {
                let busy = self.worker.server.scripts.running.busy();
                self.refuse(&busy, Some(spec), muted, replies)
            }
        }
    }
}
