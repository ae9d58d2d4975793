//! `CLIENT LIST` and `CLIENT INFO`: who is connected.

use super::CLIENT_FLAGS;
use super::line::line;
use crate::clients::{Client, Progress};
use crate::command::prelude::*;
use crate::session::SessionCx;

pub(super) const INFO: CommandSpec = CommandSpec {
    name: "CLIENT|INFO",
    group: Group::Connection,
    summary: "Returns a line about the connection itself.",
    syntax: "CLIENT INFO",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Differs("Sizes of inner buffers are 0."),
    arity: Arity::exactly(2),
    keys: Keys::None,
    flags: CLIENT_FLAGS,
    run: Run::Session(info),
};

pub(super) const LIST: CommandSpec = CommandSpec {
    name: "CLIENT|LIST",
    group: Group::Connection,
    summary: "Returns a line about each connection.",
    syntax: "CLIENT LIST [TYPE <NORMAL | MASTER | REPLICA | PUBSUB>] [ID client-id [client-id ...]]",
    complexity: "O(N) where N is the number of connections",
    since: "0.1.0",
    compat: Compat::Differs("Sizes of inner buffers are not shown."),
    arity: Arity::at_least(2),
    keys: Keys::None,
    flags: super::ADMIN_FLAGS,
    run: Run::Session(list),
};

/// Which connections are asked for.
enum Which {
    All,
    Of(ClientKind),
    Ids(Vec<i64>),
}

fn info(cx: &mut SessionCx<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let own = own_progress(cx, args.spec());
    let mut text = line(cx.server, &cx.state.client, &own);
    text.push('\n');
    reply.verbatim("txt", text.as_bytes());
    Ok(())
}

fn list(cx: &mut SessionCx<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let own = own_progress(cx, args.spec());
    let which = which(args)?;
    let mut text = String::new();
    for client in cx.server.clients.all() {
        if !which.has(&client) {
            continue;
        }
        let progress = if client.id == cx.state.client.id {
            own
        } else {
            *client.progress()
        };
        text.push_str(&line(cx.server, &client, &progress));
        text.push('\n');
    }
    reply.verbatim("txt", text.as_bytes());
    Ok(())
}

/// How far this connection is, the command that asks included: others see it as of its last batch.
fn own_progress(cx: &SessionCx<'_>, spec: &'static CommandSpec) -> Progress {
    Progress {
        command: spec.name,
        db: cx.state.db,
        format: cx.state.decoder.format(),
        queued: cx.state.queued(),
        watched: cx.state.watched(),
        active_s: cx.server.uptime_s(),
        ..*cx.state.client.progress()
    }
}

fn which(mut args: Args<'_>) -> Result<Which, CommandError> {
    if args.peek().is_none() {
        return Ok(Which::All);
    }
    let which = if args.len() >= 2 && args.eat(b"TYPE") {
        Which::Of(kind(args.bytes()?)?)
    } else if args.len() >= 2 && args.eat(b"ID") {
        let mut ids = Vec::with_capacity(args.len());
        while args.peek().is_some() {
            let id = args
                .int()
                .map_err(|_| CommandError::err("Invalid client ID"))?;
            ids.push(id);
        }
        Which::Ids(ids)
    } else {
        return Err(CommandError::SYNTAX);
    };
    args.finish()?;
    Ok(which)
}

/// Whom a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ClientKind {
    /// Requests.
    Normal,
    /// Messages.
    PubSub,
    /// Another server, which no connection is.
    Server,
}

/// The kind that `word` names.
///
/// # Errors
///
/// There is none of this name.
pub(super) fn kind(word: &[u8]) -> Result<ClientKind, CommandError> {
    match word.to_ascii_lowercase().as_slice() {
        b"normal" => Ok(ClientKind::Normal),
        b"pubsub" => Ok(ClientKind::PubSub),
        b"master" | b"primary" | b"replica" | b"slave" => Ok(ClientKind::Server),
        _ => {
            let word = word.escape_ascii();
            Err(CommandError::err(format!("Unknown client type '{word}'")))
        }
    }
}

impl ClientKind {
    /// Whether `client` is of this kind.
    pub(super) fn has(self, client: &Client) -> bool {
        match self {
            Self::Normal => !client.is_subscriber(),
            Self::PubSub => client.is_subscriber(),
            Self::Server => false,
        }
    }
}

impl Which {
    fn has(&self, client: &Client) -> bool {
        match self {
            Self::All => true,
            Self::Of(kind) => kind.has(client),
            Self::Ids(ids) => ids.contains(&client.number()),
        }
    }
}
