//! Step 2: one connection, from its first byte to its end.
//!
//! A turn reads what the socket holds, decodes all complete requests, runs them, waits once at the commit gate
//! for all their replies, and writes these with one call.
//!
//! Invariant: no reply leaves before everything that it shows is as durable as the policy promises.
//! Invariant: replies leave in the order of their requests.
//! Invariant: memory grows with bytes that arrived and with one reply, never with what a client asks for in
//! advance or does not read.

mod apart;
pub(crate) mod batch;
mod blocked;
pub(crate) mod buffers;
pub(crate) mod later;
mod mail;
mod metering;
mod output;
pub(crate) mod pause;
pub(crate) mod save;
mod state;
mod subscriptions;
pub(crate) mod transaction;
mod turn;

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Poll, ready};

use kv_core::UnixMillis;
use kv_proto::{Decoder, Limits, Mark, ProtocolMode, Reply, ReplyBuffer, RequestRef};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tokio_util::io::poll_read_buf;

use self::batch::{Batch, Reach};
pub(crate) use self::metering::{Ran, Streak};
pub(crate) use self::state::{DependsOn, Replies, SessionCx, State};
use crate::command::spec::{CommandSpec, Flags};
use crate::config::Protocol;
use crate::engine::execute::{Executed, execute};
use crate::worker::Worker;

/// Replies are written when more than this has gathered, before further requests run, in bytes.
const REPLY_BYTES_GATHERED: usize = 1 << 20;

/// Requests of one read that are timed with the exact clock; of more, its cost would be felt.
const REQUESTS_TIMED_EXACTLY: usize = 4;

/// An unfinished request of up to this size waits in memory of its own size, in bytes.
const REST_BYTES_COPIED: usize = 16 * 1024;

/// Serves one connection until it ends.
pub(crate) async fn serve(worker: &Rc<Worker>, stream: TcpStream) {
    let server = &worker.server;
    let decoder = Decoder::new(mode(server.config.protocol), Limits::default());
    let (socket, other_half) = stream.into_split();
    let added = server.clients.add(
        other_half,
        decoder.format(),
        &server.mailrooms[worker.number],
        server.uptime_s(),
    );
    let client = match added {
        Ok(client) => client,
        Err(error) => return tracing::debug!(%error, "a connection ended before it was served"),
    };
    let _registered = Registered(worker, client.id);
    let mut session = Session {
        worker,
        socket,
        state: State::new(server, client, decoder, worker.number),
        input: Vec::new(),
        held: 0,
        rest_bytes: 0,
        tally: Tally::default(),
    };
    if let Err(error) = session.run().await {
        tracing::debug!(client = session.state.client.id, %error, "a connection broke");
    }
    if session.state.watching.is_some() {
        let _turn = server.scripts.gate.turn().await;
        session.state.watching = None;
    }
}

/// Whether the answer of `spec` is a message like those that it is about: it is sent like them too.
fn confirms_subscriptions(spec: &CommandSpec) -> bool {
    spec.flags.contains(Flags::PUBSUB.union(Flags::SUBSCRIBED))
}

fn mode(protocol: Protocol) -> ProtocolMode {
    match protocol {
        Protocol::Auto => ProtocolMode::Auto,
        Protocol::Line => ProtocolMode::Line,
        Protocol::Resp => ProtocolMode::Resp,
    }
}

/// A client's place in the registry, given up however its session ends.
struct Registered<'w>(&'w Worker, u64);

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        self.0.server.untrack(self.1);
        self.0.server.monitors.remove(self.1);
        self.0.server.clients.remove(self.1);
    }
}

/// One connection being served.
struct Session<'w> {
    worker: &'w Rc<Worker>,
    socket: OwnedReadHalf,
    state: State,
    /// What arrived of a request that is not complete; empty while there is none.
    input: Vec<u8>,
    /// How many replies have not left.
    held: usize,
    /// Bytes of the read under way that wait behind its complete requests.
    rest_bytes: usize,
    tally: Tally,
}

/// What happened since it was last written down for others.
#[derive(Default)]
struct Tally {
    commands: u64,
    errors: u64,
    input_bytes: u64,
    output_bytes: u64,
    /// Bytes of replies that have not left and were written down all the same.
    told_output_bytes: u64,
    /// Whether it was written down that replies wait for the socket.
    waited: bool,
    last: Option<&'static CommandSpec>,
}

impl Tally {
    /// Whether what was written down before the replies left is not all: usually it is.
    fn is_to_be_told(&self) -> bool {
        let Self {
            commands,
            errors,
            input_bytes,
            output_bytes,
            ..
        } = *self;
        self.waited || commands | errors | input_bytes | output_bytes != 0
    }
}

impl Session<'_> {
    async fn run(&mut self) -> io::Result<()> {
        self.open_inbox().await;
        // Also before the first read: a connection that is registered only now was not told to end.
        while !self.worker.server.shutdown.is_asked() {
            let Some((input, arrived)) = self.read().await? else {
                self.hand_out().await?;
                continue;
            };
            if arrived == 0 {
                return self.say_goodbye().await;
            }
            self.tally.input_bytes += arrived as u64;
            self.turn(input).await?;
            if self.state.ending {
                self.leave();
                return self.linger().await;
            }
        }
        Ok(())
    }

    /// The last reply is out: nothing that was not asked for follows it.
    fn leave(&mut self) {
        self.state.client.inbox.close();
        self.state.subscriptions.clear();
        self.worker.server.untrack(self.state.client.id);
        self.worker.server.monitors.remove(self.state.client.id);
    }

    /// Lets the thread's mailroom wake this session. A task's waker stays the same.
    async fn open_inbox(&self) {
        poll_fn(|cx| {
            self.state.client.inbox.set_session(cx.waker());
            Poll::Ready(())
        })
        .await;
    }

    /// Waits for bytes and adds them to those of the unfinished request, or for mail, which is `None`. 0 bytes:
    /// there will be no more.
    async fn read(&mut self) -> io::Result<Option<(Vec<u8>, usize)>> {
        poll_fn(|cx| {
            if self.state.client.inbox.has_mail() {
                return Poll::Ready(Ok(None));
            }
            // Without a buffer first: a session that waits owns none.
            ready!(self.socket.as_ref().poll_read_ready(cx))?;
            let mut input = self.make_room();
            match poll_read_buf(Pin::new(&mut self.socket), cx, &mut input) {
                Poll::Ready(arrived) => Poll::Ready(arrived.map(|arrived| Some((input, arrived)))),
                Poll::Pending => {
                    self.keep_rest(input, 0);
                    Poll::Pending
                }
            }
        })
        .await
    }

    /// The unfinished request, in a buffer with room for more.
    fn make_room(&mut self) -> Vec<u8> {
        let mut input = std::mem::take(&mut self.input);
        if input.len() <= REST_BYTES_COPIED {
            let mut roomy = self.worker.buffers.borrow_mut().take_input();
            roomy.extend_from_slice(&input);
            return roomy;
        }
        input.reserve(
            self.state
                .decoder
                .needed_hint()
                .max(buffers::READ_BYTES / 4),
        );
        input
    }

    /// Keeps what follows `end` for the next read.
    fn keep_rest(&mut self, mut input: Vec<u8>, end: usize) {
        let rest = input.len() - end;
        if rest <= REST_BYTES_COPIED {
            self.input = input[end..].to_vec();
            self.worker.buffers.borrow_mut().give_input(input);
        } else {
            input.drain(..end);
            self.input = input;
        }
    }

    /// Runs what has arrived and sends the replies.
    async fn turn(&mut self, input: Vec<u8>) -> io::Result<()> {
        let server = &self.worker.server;
        self.state
            .decoder
            .set_limits(match self.state.login.user(&server.acl) {
                Some(_) => server.settings.request_limits(),
                None => Limits::UNAUTHENTICATED,
            });
        let mut replies = self.take_replies();
        let end = self.run_requests(&input, &mut replies).await?;
        self.keep_rest(input, end);
        // Before replies leave: whoever has one finds what it says in `CLIENT LIST` too.
        let bytes = replies.len() as u64;
        self.tally.output_bytes += bytes;
        self.write_down(0);
        self.tally.told_output_bytes = bytes;
        self.release(&mut replies).await?;
        self.worker.buffers.borrow_mut().give_replies(replies);
        if self.tally.is_to_be_told() {
            self.write_down(0);
        }
        Ok(())
    }

    /// A reply buffer with the limit that holds now.
    fn take_replies(&self) -> ReplyBuffer {
        let mut replies = self.worker.buffers.borrow_mut().take_replies();
        let limit = self.worker.server.settings.output_hard_bytes.get();
        replies.set_limit(usize::try_from(limit).unwrap_or(usize::MAX));
        replies
    }

    /// Runs all complete requests of `input`; where the first incomplete one begins.
    async fn run_requests(&mut self, input: &[u8], replies: &mut ReplyBuffer) -> io::Result<usize> {
        let mut batch = self.worker.buffers.borrow_mut().take_batch();
        let mut end = 0;
        loop {
            let reach = batch.decode(&mut self.state.decoder, input, end);
            end = reach.end;
            self.rest_bytes = input.len() - end;
            self.run_batch(&batch, input, replies).await?;
            if !self.goes_on(&reach, replies) {
                break;
            }
        }
        self.worker.buffers.borrow_mut().give_batch(batch);
        Ok(end)
    }

    /// Whether another batch may be in the input. Wrong bytes are answered here: the last reply there is.
    fn goes_on(&mut self, reach: &Reach, replies: &mut ReplyBuffer) -> bool {
        if self.state.ending {
            return false;
        }
        if let Some(error) = &reach.error {
            Reply::new(replies, self.state.decoder.format()).proto_error(error);
            self.held += 1;
            self.tally.errors += 1;
            self.state.ending = true;
        }
        reach.more
    }

    async fn run_batch(
        &mut self,
        batch: &Batch,
        input: &[u8],
        replies: &mut ReplyBuffer,
    ) -> io::Result<()> {
        let engine = &self.worker.server.engine;
        batch.prefetch(engine, self.state.db, input);
        self.state.times_exactly =
            batch.len() <= REQUESTS_TIMED_EXACTLY || self.worker.server.wants_exact_times();
        let mut now = engine.now();
        for index in 0..batch.len() {
            let request = batch.request(index, input);
            if self.is_paused(request) {
                self.release(replies).await?;
                self.wait_for_pause(request).await?;
                now = engine.now();
            }
            self.answer(request, now, replies).await;
            if let Some(later) = self.state.later.take() {
                self.answer_later(later, replies).await?;
                self.ran_later(request, replies.len());
                now = engine.now();
            }
            if self.state.client.inbox.has_mail() {
                self.state.collect_mail(replies);
            }
            if replies.len() > REPLY_BYTES_GATHERED {
                self.release(replies).await?;
            }
            if self.state.ending {
                break;
            }
        }
        Ok(())
    }

    /// Runs one request here; whether it is answered. If not, the log is behind and nothing happened.
    fn execute(
        &mut self,
        (spec, request): (Option<&'static CommandSpec>, RequestRef<'_>),
        now: UnixMillis,
        replies: &mut ReplyBuffer,
    ) -> bool {
        let muted = self.begin_muted(replies);
        let mut cx = SessionCx {
            server: &self.worker.server,
            state: &mut self.state,
            machine: None,
        };
        let executed = execute(&mut cx, spec, request, now, replies);
        self.note(executed, spec, muted, replies)
    }

    /// Writes down what became of a request; whether it is answered.
    fn note(
        &mut self,
        executed: Executed,
        spec: Option<&'static CommandSpec>,
        muted: Option<Mark>,
        replies: &mut ReplyBuffer,
    ) -> bool {
        let Executed::Replied { shows, failed } = executed else {
            return false;
        };
        self.state.shows(shows);
        self.held += 1;
        self.tally.commands += 1 + std::mem::take(&mut self.state.scripted);
        self.tally.errors += u64::from(failed);
        self.tally.errors += std::mem::take(&mut self.state.script_errors.hidden);
        self.tally.last = spec.or(self.tally.last);
        if muted.is_some() || self.state.replies != Replies::On {
            let is_told = !failed && spec.is_some_and(confirms_subscriptions);
            self.end_muted(muted, is_told, replies);
        }
        true
    }

    /// A request begins: where its reply will stand, if that may not be sent.
    fn begin_muted(&mut self, replies: &ReplyBuffer) -> Option<Mark> {
        if self.state.replies == Replies::On {
            return None;
        }
        if self.state.replies == Replies::SkipNext {
            self.state.replies = Replies::SkipThis;
        }
        Some(replies.mark())
    }

    /// Takes back the reply of a request that gets none. It has none anyway if it was the one that chose so.
    /// One that `is_told` is sent all the same.
    fn end_muted(&mut self, muted: Option<Mark>, is_told: bool, replies: &mut ReplyBuffer) {
        if self.state.replies == Replies::On {
            return;
        }
        if !is_told {
            self.held -= 1;
            if let (Some(mark), true) = (muted, self.state.replies != Replies::SkipNext) {
                replies.truncate(mark);
            }
        }
        // One that comes later is taken back then.
        if self.state.later.is_none() {
            self.skipped_one();
        }
    }

    fn skipped_one(&mut self) {
        if self.state.replies == Replies::SkipThis {
            self.state.replies = Replies::On;
        }
    }
}
