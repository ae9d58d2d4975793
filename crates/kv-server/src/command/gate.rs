//! What a request must pass before its handler runs, in this order:
//!
//! 1. **arity**: as many words as the command takes;
//! 2. **MULTI**: not between `MULTI` and `EXEC`, if the command is not for that;
//! 3. **user**: not before login, and nothing that the user may not do ([`SessionCx::permit`]);
//! 4. **subscribed**: a RESP2 connection with subscriptions could not tell replies from messages;
//! 5. **replicas**: nothing that may change data while replicas are wanted that are not there;
//! 6. **memory**: nothing that may add to the data while that takes all memory that it may.
//!
//! A gate that is added later takes its place in this list: loading, disk.
//!
//! [`SessionCx::permit`]: crate::session::SessionCx::permit
//!
//! Invariant: a gate changes nothing; a request that is refused leaves no trace but its error.

use kv_proto::RequestRef;

use super::error::CommandError;
use super::spec::{CommandSpec, Flags, Run};
use crate::session::transaction::Multi;

/// Whether `request`, which asks for `spec`, may run now; `in_multi`: between `MULTI` and `EXEC`.
///
/// # Errors
///
/// That of the first gate that refuses.
pub(crate) fn check(
    spec: &CommandSpec,
    request: RequestRef<'_>,
    in_multi: bool,
) -> Result<(), CommandError> {
    arity(spec, request)?;
    if in_multi && spec.flags.contains(Flags::NO_MULTI) {
        return Err(CommandError::not_in_multi(spec.name));
    }
    Ok(())
}

fn arity(spec: &CommandSpec, request: RequestRef<'_>) -> Result<(), CommandError> {
    if spec.arity.allows(request.len()) {
        Ok(())
    } else {
        Err(CommandError::wrong_arity(spec.name))
    }
}

/// Whether `spec` may run on a connection that has subscriptions and cannot tell its replies from messages.
///
/// # Errors
///
/// It may not.
pub(crate) fn subscribed(spec: &CommandSpec) -> Result<(), CommandError> {
    if spec.flags.contains(Flags::SUBSCRIBED) {
        return Ok(());
    }
    let name = spec.name.to_ascii_lowercase();
    Err(CommandError::err(format!(
        "Can't execute '{name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this \
         context"
    )))
}

/// Whether `spec` may run while there are fewer replicas than are wanted; `multi`: what waits for `EXEC`.
///
/// # Errors
///
/// It may not.
pub(crate) fn replicas(spec: &CommandSpec, multi: Option<&Multi>) -> Result<(), CommandError> {
    let waiting = multi.map_or(&[][..], Multi::requests);
    let writes = match spec.run {
        Run::Exec(_) => waiting.iter().any(|queued| queued.spec.is_write()),
        _ => spec.is_write(),
    };
    match writes {
        true => Err(CommandError::NO_REPLICAS),
        false => Ok(()),
    }
}

/// Whether `spec` may run while the data takes all memory that it may; `multi`: what waits for `EXEC`.
///
/// # Errors
///
/// It may not.
pub(crate) fn memory(spec: &CommandSpec, multi: Option<&Multi>) -> Result<(), CommandError> {
    let waiting = multi.map_or(&[][..], Multi::requests);
    let grows = waiting.iter().any(|queued| queued.spec.may_grow());
    match spec.run {
        Run::Exec(_) if grows => Err(CommandError::EXEC_OUT_OF_MEMORY),
        _ if spec.may_grow() => Err(CommandError::OUT_OF_MEMORY),
        _ => Ok(()),
    }
}
