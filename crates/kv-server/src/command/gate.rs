//! What a request must pass before its handler runs, in this order:
//!
//! 1. **arity**: as many words as the command takes.
//!
//! A gate that is added later takes its place in this list: login, ACL, MULTI, loading, memory, disk.
//!
//! Invariant: a gate changes nothing; a request that is refused leaves no trace but its error.

use kv_proto::RequestRef;

use super::error::CommandError;
use super::spec::CommandSpec;

/// Whether `request`, which asks for `spec`, may run now.
///
/// # Errors
///
/// That of the first gate that refuses.
pub(crate) fn check(spec: &CommandSpec, request: RequestRef<'_>) -> Result<(), CommandError> {
    arity(spec, request)
}

fn arity(spec: &CommandSpec, request: RequestRef<'_>) -> Result<(), CommandError> {
    if spec.arity.allows(request.len()) {
        Ok(())
    } else {
        Err(CommandError::wrong_arity(spec.name))
    }
}
