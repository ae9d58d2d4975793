//! A session that waits for a key. Mail leaves meanwhile: pushes stand between replies.

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::Poll;

use kv_proto::{Reply, ReplyBuffer};
use tokio::io::{Interest, ReadBuf};

use super::Session;
use super::later::LOOK_INTERVAL;
use crate::clients::Client;
use crate::command::error::CommandError;
use crate::engine::blocked::{Served, Ticket, Wake};

/// A client that waits for a key, for as long as this lives.
struct Waits(Arc<Client>);

impl Waits {
    fn begin(client: &Arc<Client>) -> Self {
        client.set_waits(true);
        Self(Arc::clone(client))
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        self.0.set_waits(false);
    }
}

impl Session<'_> {
    /// Answers the request that waits, when its time has come.
    ///
    /// # Errors
    ///
    /// The connection ended first.
    pub(super) async fn answer_blocked(
        &mut self,
        ticket: Ticket,
        replies: &mut ReplyBuffer,
    ) -> io::Result<()> {
        match self.wake(ticket).await? {
            Wake::Served(Served {
                reply,
                shows,
                failed,
            }) => {
                *replies = reply;
                let limit = self.worker.server.settings.output_hard_bytes.get();
                replies.set_limit(usize::try_from(limit).unwrap_or(usize::MAX));
                self.state.shows(shows);
                if let Some(code) = failed {
                    self.worker.server.stats.error_codes.add(code);
                    self.tally.errors += 1;
                }
            }
            Wake::TimedOut => Reply::new(replies, self.state.decoder.format()).null_array(),
            Wake::Unblocked => {
                let error = CommandError::UNBLOCKED;
                Reply::new(replies, self.state.decoder.format()).error(error.code, &error.message);
                self.tally.errors += 1;
            }
        }
        Ok(())
    }

    async fn wake(&mut self, mut ticket: Ticket) -> io::Result<Wake> {
        let server = &self.worker.server;
        let counted = server.blocked.counted();
        let _waits = Waits::begin(&self.state.client);
        let deadline = ticket.deadline;
        let too_late = async {
            match deadline {
                Some(deadline) => tokio::time::sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        tokio::pin!(too_late);
        let has_ended = loop {
            tokio::select! {
                biased;
                wake = &mut ticket.wake => {
                    return wake.map_err(|_| io::ErrorKind::BrokenPipe.into());
                }
                () = &mut too_late => break false,
                () = self.mail() => {}
                () = self.ended() => break true,
            }
            if self.hand_out().await.is_err() {
                break true;
            }
            // The reply that this waits for.
            self.held = 1;
        };
        drop(counted);
        let turn = server.scripts.gate.turn().await;
        if !server.engine.leave(&server.blocked, self.state.client.id) {
            // Somebody was faster: what was taken is for this client.
            drop(turn);
            return ticket
                .wake
                .await
                .map_err(|_| io::ErrorKind::BrokenPipe.into());
        }
        if has_ended {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        Ok(Wake::TimedOut)
    }

    /// Comes back when the client has closed its side or the connection is to end.
    pub(super) async fn ended(&self) {
        loop {
            let server_stops = self.worker.server.shutdown.is_asked();
            if server_stops || self.state.client.closing().is_some() {
                return;
            }
            if self.next_byte().await == 0 {
                return;
            }
            // Requests wait behind this one, and perhaps the end behind them.
            let ready = self.socket.as_ref().ready(Interest::READABLE).await;
            if ready.is_ok_and(|ready| ready.is_read_closed()) {
                return;
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }

    /// Waits until there is something to read and leaves it there; 0 is the end.
    async fn next_byte(&self) -> usize {
        poll_fn(|cx| {
            let mut byte = [0];
            let mut look = ReadBuf::new(&mut byte);
            match self.socket.as_ref().poll_peek(cx, &mut look) {
                Poll::Ready(arrived) => Poll::Ready(arrived.unwrap_or(0)),
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }
}
