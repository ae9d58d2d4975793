//! How a session hands out its mail: as pushes in RESP3, as messages in the older protocol.
//!
//! Mail joins the replies behind those that are written, waits with them at the commit gate for what it shows,
//! and leaves with them.

use std::future::poll_fn;
use std::io;
use std::task::Poll;

use kv_proto::{Format, Reply, ReplyBuffer};

use super::{Session, State};
use crate::inbox::{Letter, Mail};

/// The channel under which clients without pushes hear of invalidations.
const INVALIDATE_CHANNEL: &[u8] = b"__redis__:invalidate";

impl Session<'_> {
    /// Comes back when there is mail.
    pub(super) async fn mail(&self) {
        poll_fn(|_| match self.state.client.inbox.has_mail() {
            true => Poll::Ready(()),
            // The mailroom wakes the task.
            false => Poll::Pending,
        })
        .await;
    }

    /// Sends what has come in, when there is no request to send it behind.
    pub(super) async fn hand_out(&mut self) -> io::Result<()> {
        let mut replies = self.take_replies();
        self.state.collect_mail(&mut replies);
        self.release(&mut replies).await?;
        self.worker.buffers.borrow_mut().give_replies(replies);
        self.write_down(0);
        Ok(())
    }
}

impl State {
    /// Writes all mail that has come in behind `replies`.
    pub(crate) fn collect_mail(&mut self, replies: &mut ReplyBuffer) {
        let (letters, bytes) = self.client.inbox.take();
        self.mail_bytes += bytes;
        for letter in &letters {
            self.write(letter, replies);
        }
    }

    fn write(&mut self, letter: &Letter, replies: &mut ReplyBuffer) {
        let mut reply = Reply::new(replies, self.decoder.format());
        match &letter.mail {
            Mail::Message(message) => {
                reply.push(3);
                reply.bulk(b"message");
                reply.bulk(&message.channel);
                reply.bulk_shared(message.payload.clone());
            }
            Mail::ShardMessage(message) => {
                reply.push(3);
                reply.bulk(b"smessage");
                reply.bulk(&message.channel);
                reply.bulk_shared(message.payload.clone());
            }
            Mail::PatternMessage { pattern, message } => {
                reply.push(4);
                reply.bulk(b"pmessage");
                reply.bulk(pattern);
                reply.bulk(&message.channel);
                reply.bulk_shared(message.payload.clone());
            }
            Mail::Invalidated(_) | Mail::AllInvalidated => {
                if !self.begin_invalidation(&mut reply) {
                    return;
                }
                match &letter.mail {
                    Mail::Invalidated(keys) => {
                        reply.array(keys.len());
                        keys.iter().for_each(|key| reply.bulk(key));
                    }
                    _ => reply.null(),
                }
            }
            Mail::Monitored(line) => reply.simple(line),
            Mail::RedirectBroken(id) => {
                if reply.format() == Format::Resp2 {
                    return;
                }
                reply.push(2);
                reply.bulk(b"tracking-redir-broken");
                reply.int(i64::try_from(*id).unwrap_or(i64::MAX));
            }
        }
        self.shows(letter.lsn);
    }

    /// Writes what stands before the keys; nothing for a client that could not tell it from a reply.
    fn begin_invalidation(&self, reply: &mut Reply<'_>) -> bool {
        if reply.format() != Format::Resp2 {
            reply.push(2);
            reply.bulk(b"invalidate");
            return true;
        }
        let can_tell = !self.subscriptions.is_empty();
        if can_tell {
            reply.push(3);
            reply.bulk(b"message");
            reply.bulk(INVALIDATE_CHANNEL);
        }
        can_tell
    }
}
