//! `CLIENT LIST` and `CLIENT INFO`: who is connected.

use super::CLIENT_FLAGS;
use super::filters::Filters;
use super::line::line;
use crate::clients::{Client, Closing, Progress};
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
    syntax: "CLIENT LIST [ID client-id [client-id ...]] [NOT-ID client-id [client-id ...]] \
             [TYPE <NORMAL | MASTER | PRIMARY | REPLICA | SLAVE | PUBSUB>] \
             [NOT-TYPE <NORMAL | MASTER | PRIMARY | REPLICA | SLAVE | PUBSUB>] [USER username] [NOT-USER username] \
             [ADDR ip:port] [NOT-ADDR ip:port] [LADDR ip:port] [NOT-LADDR ip:port] [SKIPME <YES | NO>] \
             [MAXAGE seconds] [FLAGS flags] [NOT-FLAGS flags] [NAME name] [NOT-NAME name] [IDLE seconds] \
             [LIB-NAME lib-name] [NOT-LIB-NAME lib-name] [LIB-VER lib-version] [NOT-LIB-VER lib-version] \
             [DB db-id] [NOT-DB db-id] [CAPA capa] [NOT-CAPA capa] [IP ip] [NOT-IP ip]",
    complexity: "O(N) where N is the number of connections",
    since: "0.1.0",
    compat: Compat::Differs(
        "Sizes of inner buffers are not shown; the filters and the errors are those of Valkey 9.1, of which Redis has a \
         part.",
    ),
    arity: Arity::at_least(2),
    keys: Keys::None,
    flags: super::ADMIN_FLAGS,
    run: Run::Session(list),
};

fn info(cx: &mut SessionCx<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let own = own_progress(cx, args.spec());
    let mut text = line(cx.server, &cx.state.client, &own);
    text.push('\n');
    reply.verbatim("txt", text.as_bytes());
    Ok(())
}

fn list(cx: &mut SessionCx<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let filters = Filters::parse(cx, args)?;
    let skip_me = filters.skip_me.unwrap_or(false);
    let mut text = String::new();
    for client in cx.server.clients.all() {
        let progress = progress(cx, &client, args.spec());
        // One that was ended is gone for who asks, though its session may not have noticed yet.
        let gone = client.closing() == Some(Closing::Killed);
        let left_out = gone || (skip_me && client.id == cx.state.client.id);
        if !left_out && filters.hold(cx.server, &client, &progress) {
            text.push_str(&line(cx.server, &client, &progress));
            text.push('\n');
        }
    }
    reply.verbatim("txt", text.as_bytes());
    Ok(())
}

/// How far `client` is, as the connection that asks for `spec` sees it.
pub(super) fn progress(
    cx: &SessionCx<'_>,
    client: &Client,
    spec: &'static CommandSpec,
) -> Progress {
    if client.id == cx.state.client.id {
        own_progress(cx, spec)
    } else {
        *client.progress()
    }
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
