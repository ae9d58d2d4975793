//! `CLIENT KILL`: ends connections.

use std::sync::Arc;

use super::filters::Filters;
use super::list::progress;
use crate::clients::Closing;
use crate::command::prelude::*;
use crate::session::SessionCx;

pub(super) const KILL: CommandSpec = CommandSpec {
    name: "CLIENT|KILL",
    group: Group::Connection,
    summary: "Ends connections.",
    syntax: "CLIENT KILL <ip:port | [ID client-id [client-id ...]] [NOT-ID client-id [client-id ...]] \
             [TYPE <NORMAL | MASTER | PRIMARY | REPLICA | SLAVE | PUBSUB>] \
             [NOT-TYPE <NORMAL | MASTER | PRIMARY | REPLICA | SLAVE | PUBSUB>] [USER username] [NOT-USER username] \
             [ADDR ip:port] [NOT-ADDR ip:port] [LADDR ip:port] [NOT-LADDR ip:port] [SKIPME <YES | NO>] \
             [MAXAGE seconds] [FLAGS flags] [NOT-FLAGS flags] [NAME name] [NOT-NAME name] [IDLE seconds] \
             [LIB-NAME lib-name] [NOT-LIB-NAME lib-name] [LIB-VER lib-version] [NOT-LIB-VER lib-version] \
             [DB db-id] [NOT-DB db-id] [CAPA capa] [NOT-CAPA capa] [IP ip] [NOT-IP ip]>",
    complexity: "O(N) where N is the number of connections",
    since: "0.1.0",
    compat: Compat::Differs(
        "The filters and the errors are those of Valkey 9.1, of which Redis has a part.",
    ),
    arity: Arity::at_least(3),
    keys: Keys::None,
    flags: super::ADMIN_FLAGS,
    run: Run::Session(kill),
};

fn kill(cx: &mut SessionCx<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    if args.len() == 1 {
        let filters = Filters::of_peer(args.bytes()?);
        return match end(cx, &filters, false, args.spec()) {
            0 => Err(CommandError::err("No such client")),
            _ => {
                reply.ok();
                Ok(())
            }
        };
    }
    let filters = Filters::parse(cx, args)?;
    let skip_me = filters.skip_me.unwrap_or(true);
    reply.int(end(cx, &filters, skip_me, args.spec()));
    Ok(())
}

/// Ends the connections that `filters` name; how many. One's own ends after its reply. Those that wait for a key
/// get nothing of what comes after the reply.
fn end(
    cx: &mut SessionCx<'_>,
    filters: &Filters<'_>,
    skip_me: bool,
    spec: &'static CommandSpec,
) -> i64 {
    let mut ended = 0;
    for client in cx.server.clients.all() {
        let own = Arc::ptr_eq(&client, &cx.state.client);
        let gone = client.closing().is_some() || (own && skip_me);
        if !gone && filters.hold(cx.server, &client, &progress(cx, &client, spec)) {
            ended += 1;
            if own {
                cx.state.ending = true;
            } else {
                client.close(Closing::Killed);
                cx.end_wait(&client, None);
            }
        }
    }
    ended
}
