//! `WAITAOF numlocal numreplicas timeout`: waits until what the connection has written is on stable storage; `WAIT
//! numreplicas timeout`: the same of replicas alone.

use crate::command::args::integer;
use crate::command::prelude::*;
use crate::command::timeout;
use crate::session::SessionCx;
use crate::session::later::{Later, WaitDurable};

pub(super) const WAITAOF: CommandSpec = CommandSpec {
    name: "WAITAOF",
    group: Group::Connection,
    summary: "Waits until everything that the connection has written is on stable storage.",
    syntax: "WAITAOF numlocal numreplicas timeout",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Differs(
        "The log is synced at once and not with the next second. There are no replicas yet, so waiting for some \
         takes as long as the timeout.",
    ),
    arity: Arity::exactly(4),
    keys: Keys::None,
    flags: Flags::NONE,
    run: Run::Session(waitaof),
};

pub(super) const WAIT: CommandSpec = CommandSpec {
    name: "WAIT",
    group: Group::Connection,
    summary: "Waits until replicas have everything that the connection has written.",
    syntax: "WAIT numreplicas timeout",
    complexity: "O(1)",
    since: "0.2.0",
    compat: Compat::Differs(
        "There are no replicas yet, so waiting for some takes as long as the timeout.",
    ),
    arity: Arity::exactly(3),
    keys: Keys::None,
    flags: Flags::NONE,
    run: Run::Session(wait),
};

fn wait(cx: &mut SessionCx<'_>, mut args: Args<'_>, _reply: &mut Reply<'_>) -> Outcome {
    let replicas = args.int()?;
    let at_most = timeout::millis(args.bytes()?, cx.server.engine.now())?;
    cx.state.later = Some(Later::Durable(WaitDurable {
        local: false,
        tells_local: false,
        replicas: replicas > 0,
        at_most,
    }));
    Ok(())
}

fn waitaof(cx: &mut SessionCx<'_>, mut args: Args<'_>, _reply: &mut Reply<'_>) -> Outcome {
    let local = match args.int()? {
        0 => false,
        1 => true,
        _ => {
            return Err(CommandError::err(
                "value is out of range, value must between 0 and 1",
            ));
        }
    };
    let replicas = integer(args.bytes()?)
        .ok()
        .filter(|&count| count >= 0)
        .ok_or_else(|| CommandError::err("value is out of range, must be positive"))?;
    let at_most = timeout::millis(args.bytes()?, cx.server.engine.now())?;
    if local && cx.server.engine.gate().is_none() {
        return Err(CommandError::err(
            "WAITAOF cannot be used when numlocal is set but appendonly is disabled.",
        ));
    }
    cx.state.later = Some(Later::Durable(WaitDurable {
        local,
        tells_local: true,
        replicas: replicas > 0,
        at_most,
    }));
    Ok(())
}
