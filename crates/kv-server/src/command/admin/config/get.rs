//! `CONFIG GET pattern ...`: what knobs are set to.

use crate::command::glob;
use crate::command::prelude::*;
use crate::config::knobs::Knob;
use crate::config::names;
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

/// The knobs that any word names, sorted, each once. One that is named in full is shown as the client wrote it.
fn matching(args: Args<'_>) -> Vec<(Vec<u8>, &'static Knob)> {
    let words: Vec<&[u8]> = args.rest().collect();
    let patterns: Vec<Vec<u8>> = words.iter().map(|word| word.to_ascii_lowercase()).collect();
    let shown = |name: &'static str| {
        let at = patterns
            .iter()
            .position(|pattern| pattern == name.as_bytes());
        let mut all = patterns.iter();
        match at {
            Some(at) => Some(words[at].to_vec()),
            None if !names::is_hidden(name)
                && all.any(|pattern| glob::matches(pattern, name.as_bytes())) =>
            {
                Some(name.into())
            }
            None => None,
        }
    };
    let all = names::all().into_iter();
    all.filter_map(|(name, knob)| Some((shown(name)?, knob)))
        .collect()
}
