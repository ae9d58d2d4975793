//! How replies leave a session: after the commit gate, in one write, against a client that may not read.
//!
//! Invariant: nothing is written to a socket but by `flush`, and `flush` is called after the gate only.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Buf as _;
use kv_proto::{Reply, ReplyBuffer};
use kv_wal::Durability;
use socket2::SockRef;
use tokio::io::AsyncReadExt as _;

use super::{DependsOn, Session, Tally};
use crate::clients::Closing;
use crate::command::error::CommandError;
use crate::engine::commits::LogFailed;
use crate::engine::execute::LOG_FAILED;

/// Pieces of a reply buffer that one write takes.
const PIECES: usize = 16;

/// How long a client has to close its side after the last reply.
const LINGER_TIME_MAX: Duration = Duration::from_secs(2);

impl Session<'_> {
    /// Waits until all that the replies show is durable, then sends them.
    pub(super) async fn release(&mut self, replies: &mut ReplyBuffer) -> io::Result<()> {
        if let Err(LogFailed) = self.wait_until_safe().await {
            self.take_back(replies);
        }
        self.held = 0;
        self.check_output_limit(replies)?;
        self.flush(replies).await?;
        if self.state.mail_bytes > 0 {
            let sent = std::mem::take(&mut self.state.mail_bytes);
            self.state.client.inbox.sent(sent);
        }
        Ok(())
    }

    async fn wait_until_safe(&mut self) -> Result<(), LogFailed> {
        let DependsOn { written, durable } = std::mem::take(&mut self.state.depends_on);
        let commits = &self.worker.commits;
        commits.wait(written, Durability::No).await?;
        commits.wait(durable, Durability::Always).await
    }

    /// Replaces every reply that waits by the error that nobody knows what became of its request.
    fn take_back(&mut self, replies: &mut ReplyBuffer) {
        replies.clear();
        let mut reply = Reply::new(replies, self.state.decoder.format());
        for _ in 0..self.held {
            reply.error(LOG_FAILED.code, &LOG_FAILED.message);
        }
        self.tally.errors += self.held as u64;
        self.state.ending = true;
    }

    /// A client may not make the server build replies without bound, whether it reads them or not.
    fn check_output_limit(&self, replies: &ReplyBuffer) -> io::Result<()> {
        if replies.is_over_limit() {
            let client = self.state.client.id;
            tracing::warn!(
                client,
                "closing a connection: its replies are over the output limit"
            );
            return Err(io::Error::other("the replies are over the output limit"));
        }
        Ok(())
    }

    async fn flush(&mut self, replies: &mut ReplyBuffer) -> io::Result<()> {
        self.tally.output_bytes += replies.len() as u64;
        while replies.has_remaining() {
            match self.write_some(replies) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => replies.advance(written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.write_down(replies.len());
                    poll_fn(|cx| self.socket.as_ref().poll_write_ready(cx)).await?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// One write of as much as the socket takes.
    fn write_some(&self, replies: &ReplyBuffer) -> io::Result<usize> {
        let mut pieces = [IoSlice::new(&[]); PIECES];
        match replies.chunks_vectored(&mut pieces) {
            1 => self.socket.as_ref().try_write(&pieces[0]),
            count => self.socket.as_ref().try_write_vectored(&pieces[..count]),
        }
    }

    /// The client sends no more, or has been told to go: the last words, if there are any.
    pub(super) async fn say_goodbye(&mut self) -> io::Result<()> {
        if self.state.client.closing() != Some(Closing::RequestTimeout) {
            return Ok(());
        }
        let error =
            CommandError::err("Protocol error: the rest of the request did not come in time");
        let mut replies = ReplyBuffer::new();
        Reply::new(&mut replies, self.state.decoder.format()).error(error.code, &error.message);
        self.flush(&mut replies).await
    }

    /// Ends this side, then waits for the client to end its own: closing with bytes unread would make the
    /// kernel throw away replies that the client has not read yet.
    pub(super) async fn linger(&mut self) -> io::Result<()> {
        SockRef::from(self.socket.as_ref()).shutdown(Shutdown::Write)?;
        let mut discarded = self.worker.buffers.borrow_mut().take_input();
        let until_closed = async {
            while self.socket.read_buf(&mut discarded).await? > 0 {
                discarded.clear();
            }
            Ok(())
        };
        tokio::time::timeout(LINGER_TIME_MAX, until_closed)
            .await
            .unwrap_or(Ok(()))
    }

    /// Writes down for others how far the session is; `waiting` bytes of replies wait for the socket.
    pub(super) fn write_down(&mut self, waiting: usize) {
        let server = &self.worker.server;
        let now_s = server.uptime_s();
        let tally = std::mem::take(&mut self.tally);
        self.count(&tally);
        let mut progress = self.state.client.progress();
        progress.command = tally.last.map_or(progress.command, |spec| spec.name);
        progress.db = self.state.db;
        progress.format = self.state.decoder.format();
        progress.queued = self.state.queued();
        progress.watched = self.state.watched();
        progress.queued_bytes = self.state.multi.as_ref().map_or(0, |multi| multi.bytes());
        progress.commands += tally.commands;
        progress.received += tally.input_bytes;
        progress.sent += tally.output_bytes;
        progress.active_s = now_s;
        let unfinished = tally.commands == 0 && progress.input_bytes > 0;
        progress.input_bytes = self.input.len();
        progress.partial_since_s = match (self.input.is_empty(), progress.partial_since_s) {
            (true, _) => None,
            (false, Some(since_s)) if unfinished => Some(since_s),
            (false, _) => Some(now_s),
        };
        progress.output_bytes = waiting;
        let soft_bytes = server.settings.output_soft_bytes.get();
        progress.output_since_s = match (
            soft_bytes > 0 && waiting as u64 > soft_bytes,
            progress.output_since_s,
        ) {
            (false, _) => None,
            (true, Some(since_s)) => Some(since_s),
            (true, None) => Some(now_s),
        };
    }

    /// Writes down how far the session is before it waits: the request that waits is not counted yet.
    pub(super) fn write_down_before_waiting(&mut self) {
        let waits = u64::from(self.tally.commands > 0);
        self.tally.commands -= waits;
        self.write_down(0);
        self.tally.commands = waits;
        self.state.client.progress().input_bytes = self.rest_bytes;
    }

    fn count(&self, tally: &Tally) {
        let stats = self.worker.stats();
        for (counter, more) in [
            (&stats.commands, tally.commands),
            (&stats.errors, tally.errors),
            (&stats.input_bytes, tally.input_bytes),
            (&stats.output_bytes, tally.output_bytes),
        ] {
            counter.fetch_add(more, Ordering::Relaxed);
        }
    }
}
