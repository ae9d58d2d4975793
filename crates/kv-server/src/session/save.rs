//! A session that waits for a snapshot.

use kv_proto::{Reply, ReplyBuffer};
use kv_wal::SnapshotError;

use tokio::sync::oneshot;

use super::Session;
use crate::command::error::CommandError;
use crate::exit::Exit;

/// A snapshot that a session waits for. Its request is answered when it is done.
#[derive(Debug)]
pub(crate) struct Saving {
    /// How it went.
    pub(crate) outcome: oneshot::Receiver<Result<(), SnapshotError>>,
    /// Whether the server is to stop when it is done.
    pub(crate) then_stop: bool,
}

impl Session<'_> {
    /// Answers the request that asked for the snapshot, when it is done or the server stops.
    pub(super) async fn answer_saving(&mut self, saving: Saving, replies: &mut ReplyBuffer) {
        let shutdown = &self.worker.server.shutdown;
        let outcome = tokio::select! {
            outcome = saving.outcome => outcome.unwrap_or(Err(SnapshotError::Closed)),
            () = shutdown.asked() => Err(SnapshotError::Closed),
        };
        let mut reply = Reply::new(replies, self.state.decoder.format());
        match outcome {
            Ok(()) if saving.then_stop => {
                tracing::info!(
                    client = self.state.client.id,
                    "stopping: a client asked for it"
                );
                self.held -= 1;
                self.state.ending = true;
                shutdown.ask(Exit::Stopped);
            }
            Ok(()) => reply.ok(),
            Err(error) => {
                tracing::warn!(%error, "a snapshot that a client waited for was not made");
                let error = CommandError::err(format!("the snapshot was not made: {error}"));
                reply.error(error.code, &error.message);
                self.tally.errors += 1;
            }
        }
    }
}
