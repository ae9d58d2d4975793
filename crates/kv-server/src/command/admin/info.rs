//! `INFO [section ...]`: what there is to know about the server.

use crate::command::prelude::*;
use crate::engine::ServerCx;
use crate::info::{Section, text};

pub(super) const INFO: CommandSpec = CommandSpec {
    name: "INFO",
    group: Group::Server,
    summary: "Returns facts and figures about the server, by section.",
    syntax: "INFO [section ...]",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Differs(
        "There are the sections server, clients, memory, persistence, stats, replication, CPU, commandstats, \
         errorstats, latencystats, cluster, keyspace and, when it is named, keysizes, with Redis' fields where they have a meaning here, and fields of \
         our own about the log.",
    ),
    arity: Arity::at_least(1),
    keys: Keys::None,
    flags: Flags::LOADING.union(Flags::STALE),
    run: Run::Server(info),
};

fn info(cx: &ServerCx<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    reply.verbatim("txt", text(cx, &sections(args)).as_bytes());
    Ok(())
}

/// The sections that are asked for, each once, in the order in which they are shown.
fn sections(args: Args<'_>) -> Vec<Section> {
    let names: Vec<&[u8]> = args.rest().collect();
    let has = |wanted: &str| {
        let mut names = names.iter();
        names.any(|name| name.eq_ignore_ascii_case(wanted.as_bytes()))
    };
    let everything = has("all") || has("everything");
    let default = names.is_empty() || has("default");
    let asked = |section: &Section| {
        (everything && !section.looks_at_every_key())
            || (default && section.is_default())
            || has(section.name())
    };
    Section::ALL.into_iter().filter(asked).collect()
}
