//! `HELLO [version [AUTH user password] [SETNAME name]]`: who talks to whom, and in which version.

use super::name::connection_name;
use crate::command::prelude::*;
use crate::info::REDIS_VERSION;
use crate::session::SessionCx;

pub(super) const HELLO: CommandSpec = CommandSpec {
    name: "HELLO",
    group: Group::Connection,
    summary: "Chooses the protocol version and tells about the server.",
    syntax: "HELLO [version [AUTH username password] [SETNAME clientname]]",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(1),
    keys: Keys::None,
    flags: HELLO_FLAGS,
    run: Run::Session(hello),
};

const HELLO_FLAGS: Flags = Flags::FAST
    .union(Flags::NO_SCRIPT)
    .union(Flags::LOADING)
    .union(Flags::STALE)
    .union(Flags::NO_AUTH)
    .union(Flags::ALLOW_BUSY);

/// What a client asks for.
#[derive(Default)]
struct Wishes<'r> {
    resp3: Option<bool>,
    name: Option<Vec<u8>>,
    /// A user and a password.
    login: Option<(&'r [u8], &'r [u8])>,
}

fn hello(cx: &mut SessionCx<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let wishes = wishes(args)?;
    if let Some((name, password)) = wishes.login {
        cx.log_in(name, password)?;
    }
    if cx.user().is_err() {
        return Err(CommandError::fixed(
            "NOAUTH",
            "HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> \
             option can be used to authenticate the client and select the RESP protocol version at the same time",
        ));
    }
    if let Some(resp3) = wishes.resp3 {
        cx.state.decoder.set_resp3(resp3);
    }
    if let Some(name) = wishes.name {
        cx.state.client.identity().name = name;
    }
    introduce(cx, reply.buffer());
    Ok(())
}

fn wishes(mut args: Args<'_>) -> Result<Wishes<'_>, CommandError> {
    let mut wishes = Wishes::default();
    if args.peek().is_none() {
        return Ok(wishes);
    }
    let version = args
        .int()
        .map_err(|_| CommandError::err("Protocol version is not an integer or out of range"))?;
    wishes.resp3 = match version {
        2 => Some(false),
        3 => Some(true),
        _ => {
            return Err(CommandError {
                code: "NOPROTO",
                message: "unsupported protocol version".into(),
            });
        }
    };
    while let Some(option) = args.peek() {
        if args.len() >= 3 && args.eat(b"AUTH") {
            wishes.login = Some((args.bytes()?, args.bytes()?));
        } else if args.len() >= 2 && args.eat(b"SETNAME") {
            wishes.name = Some(connection_name(args.bytes()?)?);
        } else {
            let option = option.escape_ascii();
            return Err(CommandError::err(format!(
                "Syntax error in HELLO option '{option}'"
            )));
        }
    }
    Ok(wishes)
}

/// Writes the answer, in the format that has just been chosen.
fn introduce(cx: &SessionCx<'_>, out: &mut kv_proto::ReplyBuffer) {
    let format = cx.state.decoder.format();
    let mut reply = Reply::new(out, format);
    let zone = cx.server.settings.kept.text("availability-zone");
    reply.map(7 + usize::from(!zone.is_empty()));
    reply.bulk(b"server");
    // Clients ask for this name before they use what came with `version`: redis-py for its client-side cache. Who
    // serves really, `INFO` tells.
    reply.bulk(b"redis");
    reply.bulk(b"version");
    reply.bulk(REDIS_VERSION.as_bytes());
    reply.bulk(b"proto");
    reply.int(if format == kv_proto::Format::Resp3 {
        3
    } else {
        2
    });
    reply.bulk(b"id");
    reply.int(cx.state.client.number());
    reply.bulk(b"mode");
    reply.bulk(b"standalone");
    reply.bulk(b"role");
    reply.bulk(b"master");
    reply.bulk(b"modules");
    reply.array(0);
    if !zone.is_empty() {
        reply.bulk(b"availability_zone");
        reply.bulk(zone.as_bytes());
    }
}
