//! `ACL SETUSER`, `ACL GETUSER`, `ACL DELUSER`: one user.

use super::ACL_FLAGS;
use crate::acl::DEFAULT;
use crate::clients::Closing;
use crate::command::prelude::*;
use crate::session::SessionCx;

pub(super) const SETUSER: CommandSpec = CommandSpec {
    name: "ACL|SETUSER",
    group: Group::Server,
    summary: "Makes or changes a user.",
    syntax: "ACL SETUSER username [rule ...]",
    complexity: "O(N) where N is the number of rules",
    since: "0.2.0",
    compat: Compat::Differs("Selectors and rules about first arguments are refused."),
    arity: Arity::at_least(3),
    keys: Keys::None,
    flags: ACL_FLAGS,
    run: Run::Session(setuser),
};

pub(super) const GETUSER: CommandSpec = CommandSpec {
    name: "ACL|GETUSER",
    group: Group::Server,
    summary: "Returns what a user may do.",
    syntax: "ACL GETUSER username",
    complexity: "O(N) where N is the number of rules",
    since: "0.2.0",
    compat: Compat::Differs("There are no selectors; databases are not told apart."),
    arity: Arity::exactly(3),
    keys: Keys::None,
    flags: ACL_FLAGS,
    run: Run::Session(getuser),
};

pub(super) const DELUSER: CommandSpec = CommandSpec {
    name: "ACL|DELUSER",
    group: Group::Server,
    summary: "Removes users and ends their connections.",
    syntax: "ACL DELUSER username [username ...]",
    complexity: "O(N) where N is the number of connections",
    since: "0.2.0",
    compat: Compat::Full,
    arity: Arity::at_least(3),
    keys: Keys::None,
    flags: ACL_FLAGS,
    run: Run::Session(deluser),
};

fn setuser(cx: &mut SessionCx<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let name = args.bytes()?;
    if name
        .iter()
        .any(|&byte| byte == 0 || byte.is_ascii_whitespace())
    {
        return Err(CommandError::err(
            "Usernames can't contain spaces or null characters",
        ));
    }
    let changed = cx.server.acl.set(name, |user| {
        let mut words = args.rest();
        words.try_for_each(|word| user.modify(word))
    });
    changed.map_err(CommandError::err)?;
    reply.ok();
    Ok(())
}

fn getuser(cx: &mut SessionCx<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let Some(user) = cx.server.acl.user(args.bytes()?) else {
        reply.null_array();
        return Ok(());
    };
    reply.map(6);
    reply.bulk(b"flags");
    let flags = user.flags();
    reply.set(flags.len());
    flags.iter().for_each(|flag| reply.bulk(flag.as_bytes()));
    reply.bulk(b"passwords");
    let passwords = user.passwords();
    reply.array(passwords.len());
    passwords
        .iter()
        .for_each(|hash| reply.bulk(hash.as_bytes()));
    reply.bulk(b"commands");
    reply.bulk(user.commands_line().as_bytes());
    reply.bulk(b"keys");
    reply.bulk(&user.keys_line());
    reply.bulk(b"channels");
    reply.bulk(&user.channels_line());
    reply.bulk(b"selectors");
    reply.array(0);
    Ok(())
}

fn deluser(cx: &mut SessionCx<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    if args.rest().any(|name| name == DEFAULT) {
        return Err(CommandError::err("The 'default' user cannot be removed"));
    }
    let mut removed = 0;
    for name in args.rest() {
        if cx.server.acl.remove(name) {
            removed += 1;
            end_connections(cx, name);
        }
    }
    reply.int(removed);
    Ok(())
}

/// Ends the connections of the user called `name`, one's own after the reply.
fn end_connections(cx: &mut SessionCx<'_>, name: &[u8]) {
    for client in cx.server.clients.all() {
        if client.identity().user != name {
            continue;
        }
        if client.id == cx.state.client.id {
            cx.state.ending = true;
        } else {
            client.close(Closing::Killed);
            cx.end_wait(&client, None);
        }
    }
}
