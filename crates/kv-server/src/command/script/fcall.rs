//! `FCALL function numkeys [key ...] [arg ...]` and `FCALL_RO`: a function of a library, which runs as one transaction.

use kv_core::UnixMillis;

use super::eval::{CHANGES, FLAGS, keys, machine};
use crate::command::prelude::*;
use crate::engine::transaction::Hold;
use crate::script::machine::{Program, Script};
use crate::session::SessionCx;

pub(super) const FCALL: CommandSpec = CommandSpec {
    name: "FCALL",
    group: Group::Scripting,
    summary: "Calls a function.",
    syntax: "FCALL function numkeys [key ...] [arg ...]",
    complexity: "Depends on the function.",
    since: "0.2.0",
    compat: Compat::Full,
    arity: Arity::at_least(3),
    keys: keys(CHANGES),
    flags: FLAGS,
    run: Run::Script {
        changes: true,
        run: fcall,
    },
};

pub(super) const FCALL_RO: CommandSpec = CommandSpec {
    name: "FCALL_RO",
    group: Group::Scripting,
    summary: "Calls a function that only reads.",
    syntax: "FCALL_RO function numkeys [key ...] [arg ...]",
    complexity: "Depends on the function.",
    since: "0.2.0",
    compat: Compat::Full,
    arity: Arity::at_least(3),
    keys: keys(Access::READ),
    flags: FLAGS,
    run: Run::Script {
        changes: false,
        run: fcall,
    },
};

fn fcall(
    cx: &mut SessionCx<'_>,
    hold: &mut Hold<'_, '_>,
    now: UnixMillis,
    mut args: Args<'_>,
    reply: &mut Reply<'_>,
) -> Outcome {
    let machine = machine(cx);
    let name = args.bytes()?;
    // Before the number of keys is looked at, as in Redis.
    machine.must_have_function(cx.server, hold.view(), name)?;
    let count = args
        .int()
        .map_err(|_| CommandError::err("Bad number of keys provided"))?;
    let program = Program {
        script: Script::Function(name),
        keys: super::eval::take_keys(&mut args, count)?,
        arguments: args,
    };
    machine.run(cx, hold, now, program, reply)
}
