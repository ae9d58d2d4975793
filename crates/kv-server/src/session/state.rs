//! What a connection remembers from request to request, and how commands reach it.

use std::sync::Arc;

use bytes::Bytes;
use kv_core::{Db, Lsn, View};
use kv_proto::{Decoder, Format, Limits, ProtocolMode, RequestRef};
use kv_wal::Durability;

use super::Streak;
use super::later::Later;
use super::subscriptions::Subscriptions;
use super::transaction::{Multi, Watching};
use crate::acl::{DEFAULT, Login, User};
use crate::clients::Client;
use crate::command::error::CommandError;
use crate::command::spec::{CommandSpec, Flags};
use crate::engine::Promise;
use crate::engine::blocked::Wake;
use crate::pubsub::Topic;
use crate::script::errors::ScriptErrors;
use crate::script::machine::Machine;
use crate::server::Server;
use crate::tracking::{Remember, Tracker, forget_reads};

/// The state of one connection.
pub(crate) struct State {
    /// The number of the thread that serves it.
    pub(crate) worker: usize,
    /// Whether requests are timed with the exact clock.
    pub(crate) times_exactly: bool,
    /// How long the request ran, in nanoseconds, whose reply comes later.
    pub(crate) ran_nanos: u64,
    /// As other threads see the connection.
    pub(crate) client: Arc<Client>,
    /// The protocol's side: dialect, RESP version.
    pub(crate) decoder: Decoder,
    /// What `SELECT` chose.
    pub(crate) db: Db,
    /// Whether the connection ends after the replies so far.
    pub(crate) ending: bool,
    /// What `CLIENT DURABILITY` chose that replies wait for.
    pub(crate) durability: Option<Durability>,
    /// What they wait for unless that chose otherwise.
    promise: Arc<Promise>,
    /// What the replies that have not left wait for.
    pub(crate) depends_on: DependsOn,
    /// The newest change that the connection has made or been shown.
    pub(crate) newest: Lsn,
    /// Set by a handler whose reply comes later: it has written none.
    pub(crate) later: Option<Later>,
    /// What it is subscribed to.
    pub(crate) subscriptions: Subscriptions,
    /// How it hears of changes of keys, if it does.
    pub(crate) tracker: Option<Arc<Tracker>>,
    /// What `CLIENT CACHING` said of the next command.
    pub(crate) caching: Option<bool>,
    /// Bytes of mail among the replies that have not left.
    pub(crate) mail_bytes: usize,
    /// While `EXEC` runs: what it has published.
    pub(crate) unsent: Option<Vec<Unsent>>,
    /// While `EXEC` runs: whose waits it has ended, and how.
    ends_of_waits: Vec<(u64, Option<Wake>)>,
    /// What was sent since `MULTI`.
    pub(crate) multi: Option<Box<Multi>>,
    /// What `WATCH` named.
    pub(crate) watching: Option<Watching>,
    /// What `CLIENT REPLY` chose.
    pub(crate) replies: Replies,
    /// As whom it has logged in.
    pub(crate) login: Login,
    /// Whether its reads do not count as uses of keys: `CLIENT NO-TOUCH`.
    pub(crate) leaves_no_trace: bool,
    /// Requests that ran and are not among the counters yet.
    pub(crate) streak: Streak,
    /// Requests of scripts that it ran and that are not counted yet.
    pub(crate) scripted: u64,
    /// Errors of scripts that are not written down yet.
    pub(crate) script_errors: ScriptErrors,
}

/// A message that leaves with the transaction that published it.
#[derive(Debug)]
pub(crate) struct Unsent {
    topic: Topic,
    channel: Bytes,
    payload: Bytes,
}

/// Whether replies are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Replies {
    /// They are.
    On,
    /// None is.
    Off,
    /// That of the next request is not.
    SkipNext,
    /// That of the present request is not.
    SkipThis,
}

impl State {
    /// A connection of which nothing has been heard.
    pub(crate) fn new(
        server: &Server,
        client: Arc<Client>,
        decoder: Decoder,
        worker: usize,
    ) -> Self {
        Self {
            worker,
            times_exactly: true,
            ran_nanos: 0,
            subscriptions: Subscriptions::new(&server.pubsub, &client),
            client,
            decoder,
            db: Db::FIRST,
            ending: false,
            durability: None,
            promise: Arc::clone(server.engine.promise()),
            depends_on: DependsOn::default(),
            newest: Lsn::ZERO,
            later: None,
            tracker: None,
            caching: None,
            mail_bytes: 0,
            unsent: None,
            ends_of_waits: Vec::new(),
            multi: None,
            watching: None,
            replies: Replies::On,
            login: Login::new(&server.acl),
            leaves_no_trace: false,
            streak: Streak::default(),
            scripted: 0,
            script_errors: ScriptErrors::default(),
        }
    }

    /// What stands in its place while it is elsewhere.
    pub(crate) fn stand_in(&self, server: &Server) -> Self {
        let decoder = Decoder::new(ProtocolMode::Resp, Limits::default());
        Self::new(server, Arc::clone(&self.client), decoder, self.worker)
    }

    /// A reply shows data as of `lsn`.
    pub(crate) fn shows(&mut self, lsn: Lsn) {
        self.newest = self.newest.max(lsn);
        let (lsn, policy) = match self.durability {
            Some(chosen) => (lsn, chosen),
            None => self.promise.depends_on(lsn),
        };
        self.depends_on.add(lsn, policy);
    }

    /// Lets `view` know whether looks count as uses of keys.
    pub(crate) fn trace(&self, view: &mut View<'_>) {
        if self.leaves_no_trace {
            view.leave_no_trace();
        }
    }

    /// Whether it is subscribed to something and could not tell replies from messages.
    pub(crate) fn is_subscriber(&self) -> bool {
        !self.subscriptions.is_empty() && self.decoder.format() != Format::Resp3
    }

    /// How many requests wait for `EXEC`; `None` outside `MULTI`.
    pub(crate) fn queued(&self) -> Option<usize> {
        self.multi.as_ref().map(|multi| multi.requests().len())
    }

    /// How many keys it watches.
    pub(crate) fn watched(&self) -> usize {
        self.watching.as_ref().map_or(0, Watching::len)
    }

    /// Who is to be remembered for the keys that the present command reads, if anybody.
    pub(crate) fn remembering(&self) -> Option<&Tracker> {
        let tracker = self.tracker.as_deref()?;
        let wanted = match tracker.remember {
            Remember::Always => true,
            Remember::OptIn => self.caching == Some(true),
            Remember::OptOut => self.caching != Some(false),
        };
        (wanted && tracker.prefixes.is_none()).then_some(tracker)
    }

    /// `spec` was run: what `CLIENT CACHING` says holds for one command, those about connections not counted.
    pub(crate) fn end_caching(&mut self, spec: Option<&CommandSpec>) {
        let is_about_connections = spec.is_some_and(|spec| spec.name.starts_with("CLIENT|"));
        if !is_about_connections {
            self.caching = None;
        }
    }
}

/// Changes that must be as safe as a policy promises, for each of the gate's watermarks.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct DependsOn {
    pub(crate) written: Lsn,
    pub(crate) durable: Lsn,
}

impl DependsOn {
    fn add(&mut self, lsn: Lsn, policy: Durability) {
        let newest = match policy {
            Durability::Always => &mut self.durable,
            Durability::EverySec | Durability::No => &mut self.written,
        };
        *newest = lsn.max(*newest);
    }
}

/// The connection, as a handler of class `Session` gets it.
pub(crate) struct SessionCx<'s> {
    pub(crate) server: &'s Arc<Server>,
    pub(crate) state: &'s mut State,
    /// What runs programs: the interpreter of this thread, when one may run.
    pub(crate) machine: Option<&'s Machine>,
}

impl SessionCx<'_> {
    /// Whether the script that ran last on this thread was tried at once and runs apart.
    pub(crate) fn has_given_up(&self) -> bool {
        self.machine.is_some_and(Machine::has_given_up)
    }

    /// Sends a message, or keeps it until the transaction around it has its LSN; to how many it goes.
    pub(crate) fn publish(&mut self, topic: Topic, channel: &[u8], payload: &[u8]) -> usize {
        let Some(unsent) = &mut self.state.unsent else {
            return self
                .server
                .publish(topic, channel, payload, self.state.newest);
        };
        unsent.push(Unsent {
            topic,
            channel: Bytes::copy_from_slice(channel),
            payload: Bytes::copy_from_slice(payload),
        });
        self.server.pubsub.reach(topic, channel)
    }

    /// Ends the wait of `client`, with `wake` or without a word; whether it waited. In a transaction that comes
    /// when the data is let go of: the queues of those who wait are locked before the data, never after.
    pub(crate) fn end_wait(&mut self, client: &Client, wake: Option<Wake>) -> bool {
        if self.state.unsent.is_some() {
            self.state.ends_of_waits.push((client.id, wake));
            return client.waits();
        }
        self.server.end_wait(client.id, wake)
    }

    /// The transaction that begins now keeps what it publishes.
    pub(crate) fn begin_publishing(&mut self) {
        forget_reads();
        self.state.unsent = Some(Vec::new());
    }

    /// The transaction ended: with `lsn` what it published is sent, without one nothing happened.
    pub(crate) fn end_publishing(&mut self, lsn: Option<Lsn>) {
        forget_reads();
        let unsent = self.state.unsent.take().unwrap_or_default();
        let ends_of_waits = std::mem::take(&mut self.state.ends_of_waits);
        if let Some(lsn) = lsn {
            for (id, wake) in ends_of_waits {
                self.server.end_wait(id, wake);
            }
            let lsn = lsn.max(self.state.newest);
            for message in unsent {
                let (channel, payload) = (&message.channel, &message.payload);
                self.server.publish(message.topic, channel, payload, lsn);
            }
        }
    }

    /// Logs in.
    ///
    /// # Errors
    ///
    /// There is no such user, or it may not log in, or not with this password.
    pub(crate) fn log_in(&mut self, name: &[u8], password: &[u8]) -> Result<(), CommandError> {
        let user = self
            .server
            .acl
            .log_in(name, password)
            .ok_or(CommandError::WRONG_PASSWORD)?;
        self.state.client.identity().user.clone_from(&user.name);
        self.state.login.become_user(user);
        Ok(())
    }

    /// Takes back what the connection has logged in as.
    pub(crate) fn log_out(&mut self) {
        self.state.login = Login::new(&self.server.acl);
        self.state.client.identity().user = DEFAULT.to_vec();
    }

    /// Whose connection it is.
    ///
    /// # Errors
    ///
    /// It has not logged in.
    #[inline]
    pub(crate) fn user(&mut self) -> Result<&Arc<User>, CommandError> {
        let user = self.state.login.user(&self.server.acl);
        user.ok_or(CommandError::NO_AUTH)
    }

    /// Whether the user of the connection may ask for `spec` with `request`.
    ///
    /// # Errors
    ///
    /// It may not, or has not logged in.
    #[inline]
    pub(crate) fn permit(
        &mut self,
        spec: &CommandSpec,
        request: RequestRef<'_>,
    ) -> Result<(), CommandError> {
        if self.state.login.is_unrestricted(&self.server.acl) || spec.flags.contains(Flags::NO_AUTH)
        {
            return Ok(());
        }
        let user = self.user()?;
        user.check(spec, request)
            .map_err(|denied| denied.error(user))
    }

    /// Lets the connection hear of changes of keys, as `tracker` says.
    pub(crate) fn track(&mut self, tracker: Tracker) {
        let tracker = Arc::new(tracker);
        self.server.track(Arc::clone(&tracker));
        self.state.tracker = Some(tracker);
        self.state.caching = None;
    }

    /// The connection hears of no more changes.
    pub(crate) fn untrack(&mut self) {
        if self.state.tracker.take().is_some() {
            self.server.untrack(self.state.client.id);
        }
        self.state.caching = None;
    }
}
