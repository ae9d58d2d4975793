//! Programs that run inside of the server.

mod cache;
mod eval;
mod fcall;
mod function;
mod function_payload;
mod function_running;

use kv_proto::RequestRef;

use super::spec::CommandSpec;
use crate::script::{Scripts, says_that_it_only_reads};

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

/// Whether `request`, which asks for `spec`, is for a program that says itself that it changes nothing.
pub(crate) fn only_reads(scripts: &Scripts, spec: &CommandSpec, request: RequestRef<'_>) -> bool {
    let Some(program) = request.get(1) else {
        return false;
    };
    match spec.name {
        "EVAL" => says_that_it_only_reads(program),
        "EVALSHA" | "FCALL" => scripts.is_reader(program),
        _ => false,
    }
}
