//! `FUNCTION DUMP` and `FUNCTION RESTORE`: all libraries as bytes that another server understands.

use kv_core::UnixMillis;

use super::eval::machine;
use super::function::{FLAGS, wrong_words};
use crate::command::prelude::*;
use crate::engine::transaction::Hold;
use crate::rdb;
use crate::script::function::load::Policy;
use crate::session::SessionCx;

pub(super) const DUMP: CommandSpec = CommandSpec {
    name: "FUNCTION|DUMP",
    group: Group::Scripting,
    summary: "Returns all libraries as bytes that FUNCTION RESTORE takes, here, in Redis or in Valkey.",
    syntax: "FUNCTION DUMP",
    complexity: "O(N) in the number of functions",
    since: "0.2.0",
    compat: Compat::Differs(
        "Libraries come in the order of their names, and the version is one that Redis and Valkey both read.",
    ),
    arity: Arity::exactly(2),
    keys: Keys::None,
    flags: FLAGS,
    run: Run::Library {
        changes: false,
        run: dump,
    },
};

pub(super) const RESTORE: CommandSpec = CommandSpec {
    name: "FUNCTION|RESTORE",
    group: Group::Scripting,
    summary: "Adds libraries from the bytes that FUNCTION DUMP made, here, in Redis or in Valkey.",
    syntax: "FUNCTION RESTORE serialized-value [FLUSH | APPEND | REPLACE]",
    complexity: "O(N) in the length of the code",
    since: "0.2.0",
    compat: Compat::Full,
    arity: Arity::at_least(3),
    keys: Keys::None,
    flags: FLAGS,
    run: Run::Library {
        changes: true,
        run: restore,
    },
};

fn dump(
    _cx: &mut SessionCx<'_>,
    hold: &mut Hold<'_, '_>,
    _now: UnixMillis,
    _args: Args<'_>,
    reply: &mut Reply<'_>,
) -> Outcome {
    let libraries = hold.view().libraries();
    reply.bulk(&rdb::dump_libraries(libraries.values().map(|code| &**code)));
    Ok(())
}

fn restore(
    cx: &mut SessionCx<'_>,
    hold: &mut Hold<'_, '_>,
    _now: UnixMillis,
    mut args: Args<'_>,
    reply: &mut Reply<'_>,
) -> Outcome {
    let payload = args.bytes()?;
    if args.len() > 1 {
        return Err(wrong_words(&args));
    }
    let policy = match args.len() {
        _ if args.eat(b"REPLACE") => Policy::Replace,
        _ if args.eat(b"FLUSH") => Policy::Flush,
        0 => Policy::Append,
        _ if args.eat(b"APPEND") => Policy::Append,
        _ => {
            return Err(CommandError::err(
                "Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.",
            ));
        }
    };
    let payload = rdb::open(payload)
        .map_err(|_| CommandError::err("DUMP payload version or checksum are wrong"))?;
    let codes = payload.libraries().map_err(|flaw| {
        CommandError::err(match flaw {
            rdb::NoLibrary::PreRelease => "Pre-GA function format not supported",
            rdb::NoLibrary::Other => "given type is not a function",
            rdb::NoLibrary::Damaged => "Failed loading library payload",
        })
    })?;
    machine(cx).add_libraries(cx.server, hold.txn(), &codes, policy)?;
    reply.ok();
    Ok(())
}
