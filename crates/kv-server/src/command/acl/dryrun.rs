//! `ACL DRYRUN`: whether a user may make a request, without making it.

use super::ACL_FLAGS;
use crate::command::prelude::*;
use crate::command::table;
use crate::engine::ServerCx;

pub(super) const DRYRUN: CommandSpec = CommandSpec {
    name: "ACL|DRYRUN",
    group: Group::Server,
    summary: "Tells whether a user may make a request, without making it.",
    syntax: "ACL DRYRUN username command [arg ...]",
    complexity: "O(N) where N is the number of rules and keys",
    since: "0.2.0",
    compat: Compat::Full,
    arity: Arity::at_least(4),
    keys: Keys::None,
    flags: ACL_FLAGS,
    run: Run::Server(dryrun),
};

fn dryrun(cx: &ServerCx<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let name = args.bytes()?;
    let user = cx.server.acl.user(name).ok_or_else(|| {
        let name = name.escape_ascii();
        CommandError::err(format!("User '{name}' not found"))
    })?;
    let request = args.rest_as_request();
    let spec = table::find(request).map_err(|_| {
        let name = request.arg(0).escape_ascii();
        CommandError::err(format!("Command '{name}' not found"))
    })?;
    if !spec.arity.allows(request.len()) {
        return Err(CommandError::wrong_arity(spec.name));
    }
    match user.check(spec, request) {
        Ok(()) => reply.ok(),
        Err(denied) => reply.bulk(denied.in_words(&user).as_bytes()),
    }
    Ok(())
}
