//! `EVAL script numkeys [key ...] [arg ...]` and its kin: a program that runs as one transaction.

use kv_core::UnixMillis;

use crate::command::prelude::*;
use crate::engine::transaction::Hold;
use crate::script::machine::{Machine, NO_SCRIPT, Program, Script};
use crate::session::SessionCx;

pub(super) const EVAL: CommandSpec = CommandSpec {
    name: "EVAL",
    group: Group::Scripting,
    summary: "Runs a script.",
    syntax: "EVAL script numkeys [key ...] [arg ...]",
    complexity: "Depends on the script.",
    since: "0.2.0",
    compat: COMPAT,
    arity: Arity::at_least(3),
    keys: keys(CHANGES),
    flags: FLAGS,
    run: Run::Script {
        changes: true,
        run: eval,
    },
};

pub(super) const EVALSHA: CommandSpec = CommandSpec {
    name: "EVALSHA",
    group: Group::Scripting,
    summary: "Runs a script that the server knows, named by its SHA-1.",
    syntax: "EVALSHA sha1 numkeys [key ...] [arg ...]",
    complexity: "Depends on the script.",
    since: "0.2.0",
    compat: COMPAT,
    arity: Arity::at_least(3),
    keys: keys(CHANGES),
    flags: FLAGS,
    run: Run::Script {
        changes: true,
        run: evalsha,
    },
};

pub(super) const EVALSHA_RO: CommandSpec = CommandSpec {
    name: "EVALSHA_RO",
    group: Group::Scripting,
    summary: "Runs a script that the server knows, which only reads.",
    syntax: "EVALSHA_RO sha1 numkeys [key ...] [arg ...]",
    complexity: "Depends on the script.",
    since: "0.2.0",
    compat: COMPAT,
    arity: Arity::at_least(3),
    keys: keys(Access::READ),
    flags: FLAGS,
    run: Run::Script {
        changes: false,
        run: evalsha,
    },
};

pub(super) const EVAL_RO: CommandSpec = CommandSpec {
    name: "EVAL_RO",
    group: Group::Scripting,
    summary: "Runs a script that only reads.",
    syntax: "EVAL_RO script numkeys [key ...] [arg ...]",
    complexity: "Depends on the script.",
    since: "0.2.0",
    compat: COMPAT,
    arity: Arity::at_least(3),
    keys: keys(Access::READ),
    flags: FLAGS,
    run: Run::Script {
        changes: false,
        run: eval,
    },
};

/// The flags of programs. They run where their interpreter is.
pub(super) const FLAGS: Flags = Flags::NO_SCRIPT.union(Flags::STALE).union(Flags::APART);

const COMPAT: Compat = Compat::Differs(
    "A script has 512 MiB of memory and may make 256 MiB of changes. Lua's own functions see the libraries through \
     proxies.",
);

/// Hexadecimal digits of a SHA-1.
const DIGEST_CHARS: usize = 40;

/// What a script may do with its keys.
pub(super) const CHANGES: Access = Access::READ
    .union(Access::UPDATE)
    .union(Access::INSERT)
    .union(Access::DELETE);

pub(super) const fn keys(access: Access) -> Keys {
    Keys::Counted {
        count_at: 2,
        step: 1,
        access,
    }
}

fn eval(
    cx: &mut SessionCx<'_>,
    hold: &mut Hold<'_, '_>,
    now: UnixMillis,
    mut args: Args<'_>,
    reply: &mut Reply<'_>,
) -> Outcome {
    let script = Script::Source(args.bytes()?);
    run(cx, hold, now, (script, args), reply)
}

fn evalsha(
    cx: &mut SessionCx<'_>,
    hold: &mut Hold<'_, '_>,
    now: UnixMillis,
    mut args: Args<'_>,
    reply: &mut Reply<'_>,
) -> Outcome {
    let digest = args.bytes()?;
    // Before the number of keys is looked at, as in Redis.
    if digest.len() != DIGEST_CHARS {
        return Err(NO_SCRIPT);
    }
    let script = Script::Digest(digest);
    run(cx, hold, now, (script, args), reply)
}

fn run<'r>(
    cx: &mut SessionCx<'_>,
    hold: &mut Hold<'_, '_>,
    now: UnixMillis,
    (script, mut args): (Script<'r>, Args<'r>),
    reply: &mut Reply<'_>,
) -> Outcome {
    let count = args.int()?;
    let program = Program {
        script,
        keys: take_keys(&mut args, count)?,
        arguments: args,
    };
    machine(cx).run(cx, hold, now, program, reply)
}

/// The next `count` words.
pub(super) fn take_keys<'r>(args: &mut Args<'r>, count: i64) -> Result<Args<'r>, CommandError> {
    let count = usize::try_from(count)
        .map_err(|_| CommandError::err("Number of keys can't be negative"))?;
    if count > args.len() {
        return Err(CommandError::err(
            "Number of keys can't be greater than number of args",
        ));
    }
    args.take(count)
}

/// The interpreter.
///
/// # Panics
///
/// When this is not its thread: the session has not looked at [`Flags::APART`].
pub(super) fn machine<'s>(cx: &SessionCx<'s>) -> &'s Machine {
    cx.machine.expect("scripts run on their own thread")
}
