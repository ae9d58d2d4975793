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
        "There are the sections server, clients, memory, persistence, stats and keyspace, with Redis' \
         fields where they have a meaning here, and fields of our own about the log.",
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
    const ALL: [&[u8]; 3] = [b"default", b"all", b"everything"];
    let names: Vec<&[u8]> = args.rest().collect();
    let everything = names.is_empty()
        || names
            .iter()
            .any(|name| ALL.iter().any(|all| all.eq_ignore_ascii_case(name)));
    let asked = |section: &Section| {
        let wanted = section.name().as_bytes();
        everything || names.iter().any(|name| name.eq_ignore_ascii_case(wanted))
    };
    Section::ALL.into_iter().filter(asked).collect()
}
