//! Commands on streams.

mod ack;
mod add;
mod claim;
mod delete;
mod delivery;
mod group;
mod id;
mod info;
mod look;
mod pending;
mod progress;
mod read;
mod read_group;
mod references;
mod set_id;
mod show;
mod sources;
mod trim;

use super::spec::CommandSpec;

/// The commands of this group, sorted by name.
pub(super) const GROUP: &[CommandSpec] = &[
    ack::XACK,
    delete::XACKDEL,
    add::XADD,
    claim::XAUTOCLAIM,
    claim::XCLAIM,
    delete::XDEL,
    delete::XDELEX,
    group::XGROUP,
    info::XINFO,
    look::XLEN,
    pending::XPENDING,
    look::XRANGE,
    read::XREAD,
    read_group::XREADGROUP,
    look::XREVRANGE,
    set_id::XSETID,
    trim::XTRIM,
];
