//! `CLIENT`: what a connection says of itself, and what is told of the others.

mod ability;
mod durability;
mod filters;
mod help;
mod identity;
mod kill;
mod line;
mod list;
mod pause;
mod reply;
mod tracking;
mod unblock;
mod wishes;

use crate::command::prelude::*;

pub(super) const CLIENT: CommandSpec = CommandSpec {
    name: "CLIENT",
    group: Group::Connection,
    summary: "Holds the commands about connections.",
    syntax: "CLIENT subcommand [argument ...]",
    complexity: "Depends on the subcommand.",
    since: "0.1.0",
    compat: Compat::Differs("Some subcommands are not there; CLIENT HELP lists those that are."),
    arity: Arity::at_least(2),
    keys: Keys::None,
    flags: Flags::NONE,
    run: Run::Group {
        alone: None,
        subcommands: &[
            tracking::CACHING,
            ability::CAPA,
            durability::DURABILITY,
            identity::GETNAME,
            tracking::GETREDIR,
            help::HELP,
            identity::ID,
            list::INFO,
            kill::KILL,
            list::LIST,
            wishes::NO_EVICT,
            wishes::NO_TOUCH,
            pause::PAUSE,
            reply::REPLY,
            identity::SETINFO,
            identity::SETNAME,
            tracking::TRACKING,
            tracking::TRACKINGINFO,
            unblock::UNBLOCK,
            pause::UNPAUSE,
        ],
    },
};

/// The flags of subcommands that any connection may use at any time.
const CLIENT_FLAGS: Flags = Flags::NO_SCRIPT.union(Flags::LOADING).union(Flags::STALE);

/// The flags of subcommands for those who run the server.
const ADMIN_FLAGS: Flags = CLIENT_FLAGS.union(Flags::ADMIN).union(Flags::DANGEROUS);
