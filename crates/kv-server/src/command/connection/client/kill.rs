//! `CLIENT KILL`: ends connections.

use std::sync::Arc;

use super::list::{self, ClientKind};
use crate::clients::{Client, Closing};
use crate::command::prelude::*;
use crate::session::SessionCx;

pub(super) const KILL: CommandSpec = CommandSpec {
    name: "CLIENT|KILL",
    group: Group::Connection,
    summary: "Ends connections.",
    syntax: "CLIENT KILL <ip:port | [ID client-id] [ADDR ip:port] [LADDR ip:port] \
             [TYPE <NORMAL | MASTER | REPLICA | PUBSUB>] [SKIPME <YES | NO>]>",
    complexity: "O(N) where N is the number of connections",
    since: "0.1.0",
    compat: Compat::Differs("The filters USER and MAXAGE are not there."),
    arity: Arity::at_least(3),
    keys: Keys::None,
    flags: super::ADMIN_FLAGS,
    run: Run::Session(kill),
};

/// What a connection must be to be ended.
struct Filters {
    id: Option<i64>,
    peer: Option<Vec<u8>>,
    local: Option<Vec<u8>>,
    kind: Option<ClientKind>,
    skip_me: bool,
}

fn kill(cx: &mut SessionCx<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    if args.len() == 1 {
        let filters = Filters {
            id: None,
            peer: Some(args.bytes()?.to_vec()),
            local: None,
            kind: None,
            skip_me: false,
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
    let mut filters = Filters {
        id: None,
        peer: None,
        local: None,
        kind: None,
        skip_me: true,
    };
    while args.peek().is_some() {
        if args.eat(b"ID") {
            let id = args.int().ok().filter(|&id| id > 0);
            let wrong = || CommandError::err("client-id should be greater than 0");
            filters.id = Some(id.ok_or_else(wrong)?);
        } else if args.eat(b"ADDR") {
            filters.peer = Some(args.bytes()?.to_vec());
        } else if args.eat(b"LADDR") {
            filters.local = Some(args.bytes()?.to_vec());
        } else if args.len() >= 2 && args.eat(b"TYPE") {
            filters.kind = Some(list::kind(args.bytes()?)?);
        } else if args.eat(b"SKIPME") {
            filters.skip_me = yes_or_no(&mut args)?;
        } else {
            return Err(CommandError::SYNTAX);
        }
    }
    Ok(filters)
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
    for client in cx.server.clients.all() {
        let own = Arc::ptr_eq(&client, &cx.state.client);
        let gone = client.closing().is_some();
        if filters.name(&client) && !gone && !(own && filters.skip_me) {
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
    fn name(&self, client: &Client) -> bool {
        let is = |wanted: &Option<Vec<u8>>, address: std::net::SocketAddr| {
            wanted
                .as_ref()
                .is_none_or(|wanted| wanted.as_slice() == address.to_string().as_bytes())
        };
        self.id.is_none_or(|id| id == client.number())
            && is(&self.peer, client.peer)
            && is(&self.local, client.local)
            && self.kind.is_none_or(|kind| kind.has(client))
    }
}
