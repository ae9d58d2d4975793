//! `CONFIG GET pattern ...`: what knobs are set to.

use crate::command::glob;
use crate::command::prelude::*;
use crate::config::knobs::{KNOBS, Knob};
use crate::engine::ServerCx;

pub(super) const GET: CommandSpec = CommandSpec {
    name: "CONFIG|GET",
    group: Group::Server,
    summary: "Returns the knobs whose names match, and what they are set to.",
    syntax: "CONFIG GET parameter [parameter ...]",
    complexity: "O(N) where N is the number of patterns",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(3),
    keys: Keys::None,
    flags: super::CONFIG_FLAGS,
    run: Run::Server(get),
};

fn get(cx: &ServerCx<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let found = matching(args);
    reply.map(found.len());
    for (shown, knob) in found {
        reply.bulk(&shown);
        reply.bulk((knob.get)(cx.server).as_bytes());
    }
    Ok(())
}

/// The knobs that any word names, each once. One that is named in full is shown as the client wrote it.
fn matching(args: Args<'_>) -> Vec<(Vec<u8>, &'static Knob)> {
    let mut found: Vec<(Vec<u8>, &Knob)> = Vec::new();
    for word in args.rest() {
        let pattern = word.to_ascii_lowercase();
        for knob in KNOBS {
            if found.iter().any(|(_, known)| known.name == knob.name) {
                continue;
            }
            let name = knob.name.as_bytes();
            if pattern == name {
                found.push((word.to_vec(), knob));
            } else if glob::matches(&pattern, name) {
                found.push((name.to_vec(), knob));
            }
        }
    }
    found
}
