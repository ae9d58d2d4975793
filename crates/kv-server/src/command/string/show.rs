//! How a stored string is answered.

use kv_core::StringRef;
use kv_proto::Reply;

/// Answers `string`, a large one without copying it; nothing where there is none.
pub(super) fn string(reply: &mut Reply<'_>, string: Option<StringRef<'_>>) {
    match string {
        None => reply.null(),
        Some(StringRef::Int(number)) => reply.bulk_int(number),
        Some(StringRef::Bytes(bytes)) => reply.bulk(bytes),
        Some(StringRef::Shared(bytes)) => reply.bulk_shared(bytes.clone()),
    }
}
