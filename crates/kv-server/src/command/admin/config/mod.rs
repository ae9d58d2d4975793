//! `CONFIG`: the knobs of the running server.

mod get;
mod set;

use crate::command::help::help;
use crate::command::prelude::*;
use crate::engine::ServerCx;

pub(super) const CONFIG: CommandSpec = CommandSpec {
    name: "CONFIG",
    group: Group::Server,
    summary: "Holds the commands about the server's configuration.",
    syntax: "CONFIG subcommand [argument ...]",
    complexity: "Depends on the subcommand.",
    since: "0.1.0",
    compat: Compat::Differs("The knobs are those of docs/config.md."),
    arity: Arity::at_least(2),
    keys: Keys::None,
    flags: Flags::NONE,
    run: Run::Group {
        alone: None,
        subcommands: &[get::GET, HELP, RESETSTAT, REWRITE, set::SET],
    },
};

const CONFIG_FLAGS: Flags = Flags::ADMIN
    .union(Flags::DANGEROUS)
    .union(Flags::NO_SCRIPT)
    .union(Flags::LOADING)
    .union(Flags::STALE);

const HELP: CommandSpec = CommandSpec {
    name: "CONFIG|HELP",
    group: Group::Server,
    summary: "Lists the subcommands of CONFIG.",
    syntax: "CONFIG HELP",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(2),
    keys: Keys::None,
    flags: Flags::LOADING.union(Flags::STALE),
    run: Run::Pure(help),
};

const RESETSTAT: CommandSpec = CommandSpec {
    name: "CONFIG|RESETSTAT",
    group: Group::Server,
    summary: "Starts the counters of requests, connections and bytes again at zero.",
    syntax: "CONFIG RESETSTAT",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Differs("What the log counts goes on."),
    arity: Arity::exactly(2),
    keys: Keys::None,
    flags: CONFIG_FLAGS,
    run: Run::Server(resetstat),
};

const REWRITE: CommandSpec = CommandSpec {
    name: "CONFIG|REWRITE",
    group: Group::Server,
    summary: "Would write the configuration back to its file, but there is no such file.",
    syntax: "CONFIG REWRITE",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Differs("It always fails, as in a Redis that was started without a file."),
    arity: Arity::exactly(2),
    keys: Keys::None,
    flags: CONFIG_FLAGS,
    run: Run::Pure(rewrite),
};

fn resetstat(cx: &ServerCx<'_>, _args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    cx.server.stats.reset();
    cx.reset_stats();
    reply.ok();
    Ok(())
}

fn rewrite(_args: Args<'_>, _reply: &mut Reply<'_>) -> Outcome {
    Err(CommandError::err(
        "The server is running without a config file",
    ))
}
