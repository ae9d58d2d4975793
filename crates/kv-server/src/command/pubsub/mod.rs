//! Messages: publishing, subscribing, and who is subscribed.

mod introspect;
mod publish;
mod subscribe;

use super::spec::{CommandSpec, Flags};

/// The commands of this group, sorted by name.
pub(super) const GROUP: &[CommandSpec] = &[
    subscribe::PSUBSCRIBE,
    publish::PUBLISH,
    introspect::PUBSUB,
    subscribe::PUNSUBSCRIBE,
    publish::SPUBLISH,
    subscribe::SSUBSCRIBE,
    subscribe::SUBSCRIBE,
    subscribe::SUNSUBSCRIBE,
    subscribe::UNSUBSCRIBE,
];

/// The flags of all that has to do with messages.
const PUBSUB_FLAGS: Flags = Flags::LOADING.union(Flags::STALE).union(Flags::PUBSUB);
