//! Lists: elements in order, quick at both ends.

mod blocking;
mod index;
mod insert;
mod mpop;
mod pop;
mod position;
mod push;
mod range;
mod remove;
mod side;
mod transfer;

use super::spec::CommandSpec;

/// The commands of this group, sorted by name.
pub(super) const GROUP: &[CommandSpec] = &[
    blocking::BLMOVE,
    blocking::BLMPOP,
    blocking::BLPOP,
    blocking::BRPOP,
    blocking::BRPOPLPUSH,
    index::LINDEX,
    insert::LINSERT,
    index::LLEN,
    transfer::LMOVE,
    mpop::LMPOP,
    pop::LPOP,
    position::LPOS,
    push::LPUSH,
    push::LPUSHX,
    range::LRANGE,
    remove::LREM,
    index::LSET,
    range::LTRIM,
    pop::RPOP,
    transfer::RPOPLPUSH,
    push::RPUSH,
    push::RPUSHX,
];
