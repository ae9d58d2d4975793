//! Programs that run inside of the server.

mod cache;
mod eval;

use kv_proto::RequestRef;

use super::spec::CommandSpec;
use crate::script::says_that_it_only_reads;

/// The commands of this group, sorted by name.
pub(super) const GROUP: &[CommandSpec] = &[
    eval::EVAL,
    eval::EVALSHA,
    eval::EVALSHA_RO,
    eval::EVAL_RO,
    cache::SCRIPT,
];

/// Whether `request`, which asks for `spec`, holds a program that says itself that it changes nothing.
pub(crate) fn only_reads(spec: &CommandSpec, request: RequestRef<'_>) -> bool {
    match spec.name {
        "EVAL" => request.get(1).is_some_and(says_that_it_only_reads),
        _ => false,
    }
}
