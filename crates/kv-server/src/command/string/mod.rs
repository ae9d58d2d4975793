//! Strings and numbers.

mod get;
mod show;

use super::spec::CommandSpec;

/// The commands of this group, sorted by name.
pub(super) const GROUP: &[CommandSpec] = &[get::GET];
