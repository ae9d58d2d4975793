//! `CLIENT ID | GETNAME | SETNAME | SETINFO`: what a connection is called.

use super::CLIENT_FLAGS;
use crate::command::connection::name::{connection_name, is_plain};
use crate::command::prelude::*;
use crate::session::SessionCx;

pub(super) const ID: CommandSpec = CommandSpec {
    name: "CLIENT|ID",
    group: Group::Connection,
    summary: "Returns the number of the connection, which no other ever has.",
    syntax: "CLIENT ID",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(2),
    keys: Keys::None,
    flags: CLIENT_FLAGS,
    run: Run::Session(id),
};

pub(super) const GETNAME: CommandSpec = CommandSpec {
    name: "CLIENT|GETNAME",
    group: Group::Connection,
    summary: "Returns the name of the connection.",
    syntax: "CLIENT GETNAME",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(2),
    keys: Keys::None,
    flags: CLIENT_FLAGS,
    run: Run::Session(getname),
};

pub(super) const SETNAME: CommandSpec = CommandSpec {
    name: "CLIENT|SETNAME",
    group: Group::Connection,
    summary: "Names the connection; an empty name takes the name away.",
    syntax: "CLIENT SETNAME connection-name",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(3),
    keys: Keys::None,
    flags: CLIENT_FLAGS,
    run: Run::Session(setname),
};

pub(super) const SETINFO: CommandSpec = CommandSpec {
    name: "CLIENT|SETINFO",
    group: Group::Connection,
    summary: "Tells which library the client uses.",
    syntax: "CLIENT SETINFO <LIB-NAME libname | LIB-VER libver>",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(4),
    keys: Keys::None,
    flags: CLIENT_FLAGS,
    run: Run::Session(setinfo),
};

fn id(cx: &mut SessionCx<'_>, _args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    reply.int(cx.state.client.number());
    Ok(())
}

fn getname(cx: &mut SessionCx<'_>, _args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    match cx.state.client.identity().name.as_slice() {
        [] => reply.null(),
        name => reply.bulk(name),
    }
    Ok(())
}

fn setname(cx: &mut SessionCx<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    cx.state.client.identity().name = connection_name(args.bytes()?)?;
    reply.ok();
    Ok(())
}

fn setinfo(cx: &mut SessionCx<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let option = args.bytes()?;
    let value = args.bytes()?;
    let shown = option.escape_ascii();
    let is_name = option.eq_ignore_ascii_case(b"LIB-NAME");
    if !is_name && !option.eq_ignore_ascii_case(b"LIB-VER") {
        return Err(CommandError::err(format!("Unrecognized option '{shown}'")));
    }
    if !is_plain(value) {
        return Err(CommandError::err(format!(
            "{shown} cannot contain spaces, newlines or special characters."
        )));
    }
    let mut identity = cx.state.client.identity();
    if is_name {
        identity.library = value.to_vec();
    } else {
        identity.library_version = value.to_vec();
    }
    reply.ok();
    Ok(())
}
