//! `ACL`: users and what they may do.

mod dryrun;
mod list;
mod user;

use crate::command::help::help;
use crate::command::prelude::*;

pub(super) const GROUP: &[CommandSpec] = &[ACL];

const ACL: CommandSpec = CommandSpec {
    name: "ACL",
    group: Group::Server,
    summary: "Holds the commands about users.",
    syntax: "ACL subcommand [argument ...]",
    complexity: "Depends on the subcommand.",
    since: "0.2.0",
    compat: Compat::Differs(
        "Users live until the server stops: there is no file of them. There are no selectors, no rules about first \
         arguments, and no log of what was refused.",
    ),
    arity: Arity::at_least(2),
    keys: Keys::None,
    flags: Flags::NONE,
    run: Run::Group {
        alone: None,
        subcommands: &[
            list::CAT,
            user::DELUSER,
            dryrun::DRYRUN,
            list::GENPASS,
            user::GETUSER,
            HELP,
            list::LIST,
            user::SETUSER,
            list::USERS,
            list::WHOAMI,
        ],
    },
};

const ACL_FLAGS: Flags = Flags::ADMIN
    .union(Flags::DANGEROUS)
    .union(Flags::NO_SCRIPT)
    .union(Flags::LOADING)
    .union(Flags::STALE);

/// The flags of what tells nothing about others.
const OPEN_FLAGS: Flags = Flags::NO_SCRIPT.union(Flags::LOADING).union(Flags::STALE);

const HELP: CommandSpec = CommandSpec {
    name: "ACL|HELP",
    group: Group::Server,
    summary: "Lists the subcommands of ACL.",
    syntax: "ACL HELP",
    complexity: "O(1)",
    since: "0.2.0",
    compat: Compat::Differs("The texts are other ones."),
    arity: Arity::exactly(2),
    keys: Keys::None,
    flags: Flags::LOADING.union(Flags::STALE),
    run: Run::Pure(help),
};
