//! `DEBUG`: what tests and people who look for a fault ask of a server. Nothing here harms data.

mod digest;
mod protocol;
mod reload;
mod settings;

use kv_core::{Cursor, Db, Item};

use crate::command::help::help;
use crate::command::prelude::*;

pub(super) const DEBUG: CommandSpec = CommandSpec {
    name: "DEBUG",
    group: Group::Server,
    summary: "Holds the commands for tests and for those who look for a fault.",
    syntax: "DEBUG subcommand [argument ...]",
    complexity: "Depends on the subcommand.",
    since: "0.1.0",
    compat: Compat::Differs(
        "Of the many subcommands there are those that mean something here; they are subcommands to COMMAND too, \
         and there is no switch to turn them off, since none does harm.",
    ),
    arity: Arity::at_least(2),
    keys: Keys::None,
    flags: DEBUG_FLAGS,
    run: Run::Group {
        alone: None,
        subcommands: &[
            digest::DIGEST,
            digest::DIGEST_VALUE,
            protocol::ERROR,
            HELP,
            settings::HTSTATS,
            reload::LOADAOF,
            settings::LOG,
            digest::OBJECT,
            settings::PAUSE_CRON,
            protocol::PROTOCOL,
            settings::QUICKLIST_PACKED_THRESHOLD,
            reload::RELOAD,
            settings::SET_ACTIVE_EXPIRE,
            settings::SET_DISABLE_DENY_SCRIPTS,
            settings::SLEEP,
            settings::STRINGMATCH_LEN,
        ],
    },
};

const DEBUG_FLAGS: Flags = Flags::ADMIN
    .union(Flags::DANGEROUS)
    .union(Flags::NO_SCRIPT)
    .union(Flags::LOADING)
    .union(Flags::STALE);

const HELP: CommandSpec = CommandSpec {
    name: "DEBUG|HELP",
    group: Group::Server,
    summary: "Lists the subcommands of DEBUG.",
    syntax: "DEBUG HELP",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Differs("The texts are other ones."),
    arity: Arity::exactly(2),
    keys: Keys::None,
    flags: DEBUG_FLAGS,
    run: Run::Pure(help),
};

/// How many keys are shown before the scan goes on.
const SCAN_KEYS: usize = 1024;

/// Shows every key of every database, as of one moment: `view` must be one of all keys.
fn for_each(view: &mut View<'_>, show: &mut dyn FnMut(&Item<'_>)) {
    for db in (0..view.databases()).map(Db) {
        let mut cursor = Cursor::START;
        loop {
            cursor = view.in_db(db, |view| view.scan(cursor, SCAN_KEYS, show));
            if cursor == Cursor::START {
                break;
            }
        }
    }
}
