//! How a stored string is answered.

use kv_core::StringRef;

use crate::command::prelude::*;

/// Answers `string`, a large one without copying it; nothing where there is none.
pub(super) fn string(reply: &mut Reply<'_>, string: Option<StringRef<'_>>) {
    match string {
        None => reply.null(),
        Some(StringRef::Int(number)) => reply.bulk_int(number),
        Some(StringRef::Bytes(bytes)) => reply.bulk(bytes),
        Some(StringRef::Shared(bytes)) => reply.bulk_shared(bytes.clone()),
    }
}

/// Answers the string at `key`, which is about to change: a write that misses a key says so as a read does.
///
/// # Errors
///
/// The key holds something else.
pub(super) fn old_string(reply: &mut Reply<'_>, txn: &mut Txn<'_>, key: &[u8]) -> Outcome {
    let old = txn.string(key)?;
    let missed = old.is_none();
    string(reply, old);
    if missed {
        txn.announce(key, event::KEYMISS);
    }
    Ok(())
}
