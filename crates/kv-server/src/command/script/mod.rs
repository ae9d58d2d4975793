//! Programs that run inside of the server.

mod cache;
mod eval;

use super::spec::CommandSpec;

/// The commands of this group, sorted by name.
pub(super) const GROUP: &[CommandSpec] = &[
    eval::EVAL,
    eval::EVALSHA,
    eval::EVALSHA_RO,
    eval::EVAL_RO,
    cache::SCRIPT,
];
