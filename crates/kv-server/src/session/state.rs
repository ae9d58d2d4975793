//! What a connection remembers from request to request, and how commands reach it.

use std::sync::Arc;

use kv_core::{Db, Lsn};
use kv_proto::Decoder;
use kv_wal::Durability;

use super::later::Later;
use super::transaction::{Multi, Watching};
use crate::clients::Client;
use crate::server::Server;

/// The state of one connection.
pub(crate) struct State {
    /// As other threads see the connection.
    pub(crate) client: Arc<Client>,
    /// The protocol's side: dialect, RESP version.
    pub(crate) decoder: Decoder,
    /// What `SELECT` chose.
    pub(crate) db: Db,
    /// Whether the connection ends after the replies so far.
    pub(crate) ending: bool,
    /// What replies wait for: the server's policy, or what `CLIENT DURABILITY` chose.
    pub(crate) durability: Durability,
    /// What the replies that have not left wait for.
    pub(crate) depends_on: DependsOn,
    /// The newest change that the connection has made or been shown.
    pub(crate) newest: Lsn,
    /// Set by a handler whose reply comes later: it has written none.
    pub(crate) later: Option<Later>,
    /// What was sent since `MULTI`.
    pub(crate) multi: Option<Box<Multi>>,
    /// What `WATCH` named.
    pub(crate) watching: Option<Watching>,
    /// What `CLIENT REPLY` chose.
    pub(crate) replies: Replies,
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
    /// A reply shows data as of `lsn`.
    pub(crate) fn shows(&mut self, lsn: Lsn) {
        self.newest = self.newest.max(lsn);
        self.depends_on.add(lsn, self.durability);
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
}
