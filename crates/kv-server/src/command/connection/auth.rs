//! `AUTH [username] password`: logs in.

use crate::acl::DEFAULT;
use crate::command::prelude::*;
use crate::session::SessionCx;

pub(super) const AUTH: CommandSpec = CommandSpec {
    name: "AUTH",
    group: Group::Connection,
    summary: "Logs in, as the user called default if no other is named.",
    syntax: "AUTH [username] password",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(2),
    keys: Keys::None,
    flags: AUTH_FLAGS,
    run: Run::Session(auth),
};

const AUTH_FLAGS: Flags = Flags::FAST
    .union(Flags::NO_SCRIPT)
    .union(Flags::LOADING)
    .union(Flags::STALE)
    .union(Flags::NO_AUTH)
    .union(Flags::ALLOW_BUSY);

fn auth(cx: &mut SessionCx<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    if args.len() == 1 {
        let default = cx.server.acl.user(DEFAULT);
        if default.is_some_and(|default| default.needs_no_password) {
            return Err(CommandError::err(
                "AUTH <password> called without any password configured for the default user. \
                 Are you sure your configuration is correct?",
            ));
        }
        cx.log_in(DEFAULT, args.bytes()?)?;
    } else {
        let (name, password) = (args.bytes()?, args.bytes()?);
        args.finish()?;
        cx.log_in(name, password)?;
    }
    reply.ok();
    Ok(())
}
