//! What the server tells of its own commands.

use super::spec::CommandSpec;

/// The commands of this group, sorted by name.
pub(super) const GROUP: &[CommandSpec] = &[];
