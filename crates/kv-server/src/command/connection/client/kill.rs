//! `CLIENT KILL`: ends connections.

use std::net::SocketAddr;
use std::sync::Arc;

use super::list::{self, ClientKind};
use crate::clients::{Client, Closing};
use crate::command::args::integer;
use crate::command::prelude::*;
use crate::session::SessionCx;

pub(super) const KILL: CommandSpec = CommandSpec {
    name: "CLIENT|KILL",
    group: Group::Connection,
    summary: "Ends connections.",
    syntax: "CLIENT KILL <ip:port | [ID client-id [client-id ...]] [TYPE <NORMAL | MASTER | PRIMARY | \
             REPLICA | SLAVE | PUBSUB>] [USER username] [ADDR ip:port] [LADDR ip:port] \
             [SKIPME <YES | NO>] [MAXAGE seconds]>",
    complexity: "O(N) where N is the number of connections",
    since: "0.1.0",
    compat: Compat::Differs("Valkey's further filters, such as NAME and IDLE, are not there."),
    arity: Arity::at_least(3),
    keys: Keys::None,
    flags: super::ADMIN_FLAGS,
    run: Run::Session(kill),
};

/// What a connection must be to be ended.
struct Filters {
    /// One of these; empty: any.
    ids: Vec<i64>,
    peer: Option<Vec<u8>>,
    local: Option<Vec<u8>>,
    kind: Option<ClientKind>,
    /// At least this old, in seconds.
    age_s: u64,
    skip_me: bool,
}

impl Default for Filters {
    fn default() -> Self {
        Self {
            ids: Vec::new(),
            kind: None,
            peer: None,
            local: None,
            age_s: 0,
            skip_me: true,
        }
    }
}

fn kill(cx: &mut SessionCx<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    if args.len() == 1 {
        let filters = Filters {
            peer: Some(args.bytes()?.to_vec()),
            skip_me: false,
            ..Filters::default()
        };
        return match end(cx, &filters) {
            0 => Err(CommandError::err("No such client")),
            _ => {
                reply.ok();
                Ok(())
            }
        };
    }
    let filters = filters(args)?;
    reply.int(end(cx, &filters));
    Ok(())
}

fn filters(mut args: Args<'_>) -> Result<Filters, CommandError> {
    let mut filters = Filters::default();
    while args.peek().is_some() {
        // A filter without its word is none.
        if args.len() < 2 {
            return Err(CommandError::SYNTAX);
        }
        if args.eat(b"ID") {
            filters.ids = ids(&mut args)?;
        } else if args.eat(b"TYPE") {
            filters.kind = Some(list::kind(args.bytes()?)?);
        } else if args.eat(b"USER") {
            known_user(args.bytes()?)?;
        } else if args.eat(b"ADDR") {
            filters.peer = Some(args.bytes()?.to_vec());
        } else if args.eat(b"LADDR") {
            filters.local = Some(args.bytes()?.to_vec());
        } else if args.eat(b"SKIPME") {
            filters.skip_me = yes_or_no(&mut args)?;
        } else if args.eat(b"MAXAGE") {
            filters.age_s = age(args.bytes()?)?;
        } else {
            return Err(CommandError::SYNTAX);
        }
    }
    Ok(filters)
}

/// One number or more.
fn ids(args: &mut Args<'_>) -> Result<Vec<i64>, CommandError> {
    let mut ids = Vec::new();
    loop {
        match args.peek().map(integer) {
            Some(Ok(id)) if id > 0 => ids.push(id),
            Some(Err(_)) if !ids.is_empty() => return Ok(ids),
            None => return Ok(ids),
            Some(_) => {
                return Err(CommandError::err("client-id should be greater than 0"));
            }
        }
        args.bytes()?;
    }
}

/// The one user is everybody.
fn known_user(word: &[u8]) -> Result<(), CommandError> {
    match word {
        b"default" => Ok(()),
        _ => {
            let word = word.escape_ascii();
            Err(CommandError::err(format!("No such user '{word}'")))
        }
    }
}

fn age(word: &[u8]) -> Result<u64, CommandError> {
    let age =
        integer(word).map_err(|_| CommandError::err("maxage is not an integer or out of range"))?;
    let age = u64::try_from(age).ok().filter(|age| *age > 0);
    age.ok_or_else(|| CommandError::err("maxage should be greater than 0"))
}

fn yes_or_no(args: &mut Args<'_>) -> Result<bool, CommandError> {
    if args.eat(b"YES") {
        Ok(true)
    } else if args.eat(b"NO") {
        Ok(false)
    } else {
        Err(CommandError::SYNTAX)
    }
}

/// Ends the connections that `filters` name; how many. One's own ends after its reply.
fn end(cx: &mut SessionCx<'_>, filters: &Filters) -> i64 {
    let mut ended = 0;
    let now_s = cx.server.uptime_s();
    for client in cx.server.clients.all() {
        let own = Arc::ptr_eq(&client, &cx.state.client);
        let gone = client.closing().is_some();
        if filters.name(&client, now_s) && !gone && !(own && filters.skip_me) {
            ended += 1;
            if own {
                cx.state.ending = true;
            } else {
                client.close(Closing::Killed);
            }
        }
    }
    ended
}

impl Filters {
    fn name(&self, client: &Client, now_s: u64) -> bool {
        let is = |wanted: &Option<Vec<u8>>, address: SocketAddr| {
            wanted
                .as_ref()
                .is_none_or(|wanted| wanted.as_slice() == address.to_string().as_bytes())
        };
        (self.ids.is_empty() || self.ids.contains(&client.number()))
            && now_s.saturating_sub(client.connected_s) >= self.age_s
            && is(&self.peer, client.peer)
            && is(&self.local, client.local)
            && self.kind.is_none_or(|kind| kind.has(client))
    }
}
