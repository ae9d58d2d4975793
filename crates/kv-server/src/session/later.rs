//! Replies that come later than their handlers return: the session waits for them, and the connection with it,
//! but nobody else.

use std::task::Poll;
use std::time::Duration;
use std::{future::poll_fn, io};

use kv_proto::{Reply, ReplyBuffer};
use kv_wal::{Copied, Durability};
use tokio::io::ReadBuf;
use tokio::sync::oneshot;

use super::save::Saving;
use super::state::Replies;
use super::{Session, SessionCx};
use crate::command::error::CommandError;
use crate::engine::blocked::Ticket;
use crate::engine::execute::LOG_FAILED;

/// How often a session that waits looks whether anybody still waits for its reply.
pub(super) const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// What a reply waits for.
#[derive(Debug)]
pub(crate) enum Later {
    /// `WAIT` and `WAITAOF`: everything that the connection has done or seen is durable.
    Durable(WaitDurable),
    /// `BACKUP`: the copy, or why there is none.
    Backup(oneshot::Receiver<Result<Copied, String>>),
    /// `SAVE` and others that wait for a snapshot.
    Snapshot(Saving),
    /// `BLPOP` and others that wait for a key.
    Blocked(Ticket),
}

impl Later {
    /// Answers where nothing may wait, inside of `EXEC`: with what is so now.
    pub(crate) fn answer_at_once(self, cx: &SessionCx<'_>, reply: &mut Reply<'_>) {
        match self {
            Self::Durable(wait) => {
                let newest = cx.state.newest;
                let gate = cx.server.engine.gate();
                let is_durable = gate.is_some_and(|(gate, _)| gate.durable() >= newest);
                wait.answer(is_durable, reply);
            }
            Self::Backup(_) | Self::Snapshot(_) | Self::Blocked(_) => {
                unreachable!("what else waits is refused, or knows that it may not")
            }
        }
    }
}

/// How long `WAIT` and `WAITAOF` wait.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WaitDurable {
    /// Whether the log of this server is waited for.
    pub(crate) local: bool,
    /// Whether the answer tells of this server's log too, and not of replicas alone.
    pub(crate) tells_local: bool,
    /// Whether replicas are waited for: there are none, so that is in vain.
    pub(crate) replicas: bool,
    /// `None`: for ever.
    pub(crate) at_most: Option<Duration>,
}

impl WaitDurable {
    fn answer(self, is_durable: bool, reply: &mut Reply<'_>) {
        if self.tells_local {
            reply.array(2);
            reply.int(i64::from(is_durable));
        }
        reply.int(0);
    }
}

impl Session<'_> {
    /// Sends the replies before this one, waits, and writes it.
    pub(super) async fn answer_later(
        &mut self,
        later: Later,
        replies: &mut ReplyBuffer,
    ) -> io::Result<()> {
        // One that is not sent is not held either.
        self.held -= usize::from(self.state.replies == Replies::On);
        self.release(replies).await?;
        self.held = 1;
        self.write_down_before_waiting();
        match later {
            Later::Durable(wait) => self.answer_durable(wait, replies).await,
            Later::Backup(copied) => self.answer_backup(copied, replies).await,
            Later::Snapshot(saving) => self.answer_saving(saving, replies).await,
            Later::Blocked(ticket) => self.answer_blocked(ticket, replies).await?,
        }
        if self.state.replies != Replies::On {
            replies.clear();
            self.held = 0;
            self.skipped_one();
        }
        Ok(())
    }

    async fn answer_durable(&mut self, wait: WaitDurable, replies: &mut ReplyBuffer) {
        let newest = self.state.newest;
        let commits = &self.worker.commits;
        let reached = async {
            if wait.local && commits.wait(newest, Durability::Always).await.is_err() {
                return;
            }
            if wait.replicas {
                std::future::pending().await
            }
        };
        let too_late = async {
            match wait.at_most {
                Some(at_most) => tokio::time::sleep(at_most).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = reached => {}
            () = too_late => {}
            () = self.in_vain(wait.replicas) => {}
        }
        let gate = self.worker.server.engine.gate();
        let has_failed = gate.is_some_and(|(gate, _)| gate.has_failed());
        let is_durable = gate.is_some_and(|(gate, _)| gate.durable() >= newest);
        let mut reply = Reply::new(replies, self.state.decoder.format());
        if wait.local && has_failed && !is_durable {
            reply.error(LOG_FAILED.code, &LOG_FAILED.message);
            self.state.ending = true;
        } else {
            wait.answer(is_durable, &mut reply);
        }
    }

    async fn answer_backup(
        &mut self,
        copied: oneshot::Receiver<Result<Copied, String>>,
        replies: &mut ReplyBuffer,
    ) {
        let copied = tokio::select! {
            copied = copied => copied.unwrap_or_else(|_| Err("it ended by a bug".to_owned())),
            () = self.in_vain(false) => Err("the connection ends before it is complete".to_owned()),
        };
        let mut reply = Reply::new(replies, self.state.decoder.format());
        match copied {
            Ok(copied) => {
                let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
                reply.map(3);
                reply.bulk(b"last-lsn");
                reply.int(number(copied.last_lsn.0));
                reply.bulk(b"segments-shared");
                reply.int(number(copied.shared));
                reply.bulk(b"segments-copied");
                reply.int(number(copied.copied));
            }
            Err(why) => {
                let error = CommandError::about("backup failed:", why.as_bytes());
                reply.error(error.code, &error.message);
                self.tally.errors += 1;
            }
        }
    }

    /// Comes back when the connection is to end; `without_client` also when the client has closed its side,
    /// after which it may still read what is certain to come.
    async fn in_vain(&self, without_client: bool) {
        loop {
            tokio::time::sleep(LOOK_INTERVAL).await;
            let is_ending =
                self.state.client.closing().is_some() || self.worker.server.shutdown.is_asked();
            if is_ending || (without_client && self.has_hung_up().await) {
                return;
            }
        }
    }

    async fn has_hung_up(&self) -> bool {
        let mut byte = [0];
        poll_fn(|cx| {
            let mut look = ReadBuf::new(&mut byte);
            Poll::Ready(match self.socket.as_ref().poll_peek(cx, &mut look) {
                Poll::Ready(Ok(arrived)) => arrived == 0,
                Poll::Ready(Err(_)) => true,
                Poll::Pending => false,
            })
        })
        .await
    }
}
