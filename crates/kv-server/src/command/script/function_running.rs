//! `FUNCTION STATS`, `FUNCTION KILL` and `FUNCTION HELP`: what is answered while a function runs, too.

use crate::command::help::help;
use crate::command::prelude::*;
use crate::script::Figures;
use crate::script::function::code::ENGINE;
use crate::script::running::{Kind, Title};
use crate::session::SessionCx;

pub(super) const HELP: CommandSpec = CommandSpec {
    name: "FUNCTION|HELP",
    group: Group::Scripting,
    summary: "Lists the subcommands.",
    syntax: "FUNCTION HELP",
    complexity: "O(1)",
    since: "0.2.0",
    compat: Compat::Differs("The texts are this server's own."),
    arity: Arity::exactly(2),
    keys: Keys::None,
    flags: Flags::LOADING.union(Flags::STALE),
    run: Run::Pure(help),
};

pub(super) const KILL: CommandSpec = CommandSpec {
    name: "FUNCTION|KILL",
    group: Group::Scripting,
    summary: "Ends the function that runs for too long, if it has written nothing.",
    syntax: "FUNCTION KILL",
    complexity: "O(1)",
    since: "0.2.0",
    compat: Compat::Full,
    arity: Arity::exactly(2),
    keys: Keys::None,
    flags: Flags::NO_SCRIPT.union(Flags::ALLOW_BUSY),
    run: Run::Session(kill),
};

pub(super) const STATS: CommandSpec = CommandSpec {
    name: "FUNCTION|STATS",
    group: Group::Scripting,
    summary: "Tells what runs, and how many libraries and functions there are.",
    syntax: "FUNCTION STATS",
    complexity: "O(1)",
    since: "0.2.0",
    compat: Compat::Full,
    arity: Arity::exactly(2),
    keys: Keys::None,
    flags: Flags::NO_SCRIPT.union(Flags::ALLOW_BUSY),
    run: Run::Session(stats),
};

fn kill(cx: &mut SessionCx<'_>, _args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    cx.server.scripts.running.kill(Kind::Function)?;
    reply.ok();
    Ok(())
}

fn stats(cx: &mut SessionCx<'_>, _args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let scripts = &cx.server.scripts;
    reply.map(2);
    reply.bulk(b"running_script");
    match scripts.running.title() {
        Some(title) => tell(&title, reply),
        None => reply.null(),
    }
    reply.bulk(b"engines");
    reply.map(1);
    reply.bulk(ENGINE.as_bytes());
    reply.map(2);
    for (name, figure) in [
        ("libraries_count", &scripts.figures.libraries),
        ("functions_count", &scripts.figures.functions),
    ] {
        reply.bulk(name.as_bytes());
        reply.int(i64::try_from(Figures::read(figure)).unwrap_or(i64::MAX));
    }
    Ok(())
}

fn tell(title: &Title, reply: &mut Reply<'_>) {
    reply.map(3);
    reply.bulk(b"name");
    reply.bulk(title.name.as_bytes());
    reply.bulk(b"command");
    let words = title.request.as_ref();
    reply.array(words.len());
    words.iter().for_each(|word| reply.bulk(word));
    reply.bulk(b"duration_ms");
    let millis = title.begun.elapsed().as_millis();
    reply.int(i64::try_from(millis).unwrap_or(i64::MAX));
}
