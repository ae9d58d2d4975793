//! A session that waits for a snapshot.

use std::io;

use kv_proto::{Reply, ReplyBuffer};
use kv_wal::SnapshotError;

use super::{Saving, Session};
use crate::command::error::CommandError;
use crate::exit::Exit;

impl Session<'_> {
    /// Answers the request that asked for the snapshot, after all before it, when it is done or the server
    /// stops.
    pub(super) async fn finish_saving(
        &mut self,
        saving: Saving,
        replies: &mut ReplyBuffer,
    ) -> io::Result<()> {
        // The request counts as held, but has no reply yet.
        self.held -= 1;
        self.release(replies).await?;
        self.held += 1;
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
        Ok(())
    }
}
