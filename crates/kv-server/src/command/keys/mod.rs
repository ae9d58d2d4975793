//! Keys of any kind.

mod delete;
mod exists;
pub(super) mod expire;
mod kind;
mod persist;
mod ttl;

use super::spec::CommandSpec;

/// The commands of this group, sorted by name.
pub(super) const GROUP: &[CommandSpec] = &[
    delete::DEL,
    exists::EXISTS,
    expire::EXPIRE,
    expire::EXPIREAT,
    ttl::EXPIRETIME,
    persist::PERSIST,
    expire::PEXPIRE,
    expire::PEXPIREAT,
    ttl::PEXPIRETIME,
    ttl::PTTL,
    exists::TOUCH,
    ttl::TTL,
    kind::TYPE,
    delete::UNLINK,
];
