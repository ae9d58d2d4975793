//! Keys of any kind.

mod delete;

use super::spec::CommandSpec;

/// The commands of this group, sorted by name.
pub(super) const GROUP: &[CommandSpec] = &[delete::DEL, delete::UNLINK];
