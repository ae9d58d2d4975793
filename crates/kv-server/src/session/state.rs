//! What a connection remembers from request to request, and how commands reach it.

use std::sync::Arc;

use kv_core::Db;
use kv_proto::Decoder;
use kv_wal::SnapshotError;
use tokio::sync::oneshot;

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
    /// A snapshot that the last request waits for.
    pub(crate) saving: Option<Saving>,
}

/// A snapshot that a session waits for. Its request is answered when it is done.
pub(crate) struct Saving {
    /// How it went.
    pub(crate) outcome: oneshot::Receiver<Result<(), SnapshotError>>,
    /// Whether the server is to stop when it is done.
    pub(crate) then_stop: bool,
}

/// The connection, as a handler of class `Session` gets it.
pub(crate) struct SessionCx<'s> {
    pub(crate) server: &'s Arc<Server>,
    pub(crate) state: &'s mut State,
}
