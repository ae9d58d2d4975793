//! `MODULE`: extensions of Redis, of which there are none here.

use crate::command::help::help;
use crate::command::prelude::*;

pub(super) const MODULE: CommandSpec = CommandSpec {
    name: "MODULE",
    group: Group::Server,
    summary: "Holds the commands about modules.",
    syntax: "MODULE subcommand [argument ...]",
    complexity: "Depends on the subcommand.",
    since: "0.2.0",
    compat: Compat::Differs("No module can be loaded."),
    arity: Arity::at_least(2),
    keys: Keys::None,
    flags: Flags::NONE,
    run: Run::Group {
        alone: None,
        subcommands: &[HELP, LIST],
    },
};

const HELP: CommandSpec = CommandSpec {
    name: "MODULE|HELP",
    group: Group::Server,
    summary: "Lists the subcommands of MODULE.",
    syntax: "MODULE HELP",
    complexity: "O(1)",
    since: "0.2.0",
    compat: Compat::Differs("The texts are other ones."),
    arity: Arity::exactly(2),
    keys: Keys::None,
    flags: Flags::LOADING.union(Flags::STALE),
    run: Run::Pure(help),
};

const LIST: CommandSpec = CommandSpec {
    name: "MODULE|LIST",
    group: Group::Server,
    summary: "Returns the modules that are loaded: none.",
    syntax: "MODULE LIST",
    complexity: "O(1)",
    since: "0.2.0",
    compat: Compat::Differs("Always empty."),
    arity: Arity::exactly(2),
    keys: Keys::None,
    flags: Flags::ADMIN.union(Flags::NO_SCRIPT),
    run: Run::Pure(|_, reply| {
        reply.array(0);
        Ok(())
    }),
};
