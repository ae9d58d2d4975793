//! `WAITAOF numlocal numreplicas timeout`: waits until what the connection has written is on stable storage.

use std::time::Duration;

use crate::command::args::integer;
use crate::command::prelude::*;
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
    let millis = timeout_ms(args.bytes()?, cx.server.engine.now().0)?;
    if local && cx.server.engine.gate().is_none() {
        return Err(CommandError::err(
            "WAITAOF cannot be used when numlocal is set but appendonly is disabled.",
        ));
    }
    cx.state.later = Some(Later::Durable(WaitDurable {
        local,
        replicas: replicas > 0,
        at_most: (millis > 0).then(|| Duration::from_millis(millis)),
    }));
    Ok(())
}

fn timeout_ms(word: &[u8], now_ms: i64) -> Result<u64, CommandError> {
    let millis = integer(word)
        .map_err(|_| CommandError::err("timeout is not an integer or out of range"))?;
    let millis = u64::try_from(millis).map_err(|_| CommandError::err("timeout is negative"))?;
    if millis > u64::try_from(i64::MAX.saturating_sub(now_ms)).unwrap_or(0) {
        return Err(CommandError::err("timeout is out of range"));
    }
    Ok(millis)
}
