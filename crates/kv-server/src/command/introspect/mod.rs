//! What the server tells of its own commands: `COMMAND` and its subcommands, all made from the table.

mod container;
mod docs;
mod getkeys;
mod info;
mod key_flags;
mod list;
mod syntax;

use super::spec::CommandSpec;

/// The commands of this group, sorted by name.
pub(super) const GROUP: &[CommandSpec] = &[container::COMMAND];
