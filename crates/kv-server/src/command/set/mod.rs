//! Sets: members, each once.

mod algebra;
mod change;
mod combine;
mod intercard;
mod look;
mod random;
mod scan;
mod transfer;

use super::spec::CommandSpec;

/// The commands of this group, sorted by name.
pub(super) const GROUP: &[CommandSpec] = &[
    change::SADD,
    look::SCARD,
    combine::SDIFF,
    combine::SDIFFSTORE,
    combine::SINTER,
    intercard::SINTERCARD,
    combine::SINTERSTORE,
    look::SISMEMBER,
    look::SMEMBERS,
    look::SMISMEMBER,
    transfer::SMOVE,
    random::SPOP,
    random::SRANDMEMBER,
    change::SREM,
    scan::SSCAN,
    combine::SUNION,
    combine::SUNIONSTORE,
];
