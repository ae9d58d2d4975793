//! Programs that run inside of the server.

mod cache;
mod eval;
mod fcall;
mod function;
mod function_payload;
mod function_running;

use super::spec::CommandSpec;

/// The commands of this group, sorted by name.
pub(super) const GROUP: &[CommandSpec] = &[
    eval::EVAL,
    eval::EVALSHA,
    eval::EVALSHA_RO,
    eval::EVAL_RO,
    fcall::FCALL,
    fcall::FCALL_RO,
    function::FUNCTION,
    cache::SCRIPT,
];
