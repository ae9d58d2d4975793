//! `CLUSTER`: there is none, and whoever asks is told so.

use crate::command::prelude::*;

pub(super) const CLUSTER: CommandSpec = CommandSpec {
    name: "CLUSTER",
    group: Group::Connection,
    summary: "Says that the server is not part of a cluster.",
    syntax: "CLUSTER subcommand [argument ...]",
    complexity: "O(1)",
    since: "0.2.0",
    compat: Compat::Differs("There is no cluster: each subcommand gets the same error."),
    arity: Arity::at_least(2),
    keys: Keys::None,
    flags: Flags::NO_SCRIPT.union(Flags::LOADING).union(Flags::STALE),
    run: Run::Pure(cluster),
};

fn cluster(_args: Args<'_>, _reply: &mut Reply<'_>) -> Outcome {
    Err(CommandError::err(
        "This instance has cluster support disabled",
    ))
}
