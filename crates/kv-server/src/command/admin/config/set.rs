//! `CONFIG SET name value ...`: changes knobs, all that are named or none.

use crate::command::prelude::*;
use crate::config::knobs::{Change, Knob};
use crate::config::names;
use crate::engine::ServerCx;
use crate::server::Server;

pub(super) const SET: CommandSpec = CommandSpec {
    name: "CONFIG|SET",
    group: Group::Server,
    summary: "Changes knobs until the server stops, all that are named or none.",
    syntax: "CONFIG SET parameter value [parameter value ...]",
    complexity: "O(N) where N is the number of knobs",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(4),
    keys: Keys::None,
    flags: super::CONFIG_FLAGS,
    run: Run::Server(set),
};

fn set(cx: &ServerCx<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    for change in changes(cx, args)? {
        change(cx.server);
    }
    reply.ok();
    Ok(())
}

/// What is to be done, once every word has been found good.
fn changes(cx: &ServerCx<'_>, mut args: Args<'_>) -> Result<Vec<Change>, CommandError> {
    if !args.len().is_multiple_of(2) {
        return Err(CommandError::SYNTAX);
    }
    let mut wanted: Vec<(&Knob, &[u8], &[u8])> = Vec::new();
    while args.peek().is_some() {
        let (name, value) = (args.bytes()?, args.bytes()?);
        let shown = name.escape_ascii();
        let knob = names::find(name).ok_or_else(|| {
            CommandError::err(format!(
                "Unknown option or number of arguments for CONFIG SET - '{shown}'"
            ))
        })?;
        if wanted.iter().any(|(other, ..)| other.name == knob.name) {
            return Err(failed(name, "duplicate parameter"));
        }
        wanted.push((knob, name, value));
    }
    let change = |(knob, name, value): (&Knob, &[u8], &[u8])| {
        let value = std::str::from_utf8(value).map_err(|_| failed(name, "argument is not text"))?;
        match knob.set {
            Some(set) => set(cx.server, value).map_err(|why| failed(name, &why)),
            // Programs give back what `CONFIG GET` told them: that changes nothing.
            None if (knob.get)(cx.server) == value => Ok(Box::new(|_: &Server| ()) as Change),
            None => Err(failed(name, "can't set immutable config")),
        }
    };
    wanted.into_iter().map(change).collect()
}

fn failed(name: &[u8], why: &str) -> CommandError {
    let name = name.escape_ascii();
    CommandError::err(format!(
        "CONFIG SET failed (possibly related to argument '{name}') - {why}"
    ))
}
