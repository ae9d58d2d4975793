//! Strings as rows of bits. Bit 0 is the highest bit of the first byte.

mod bitcount;
mod bitfield;
mod bitop;
mod bitpos;
mod field;
mod getbit;
mod offset;
mod operation;
mod span;

use super::spec::CommandSpec;

/// The commands of this group, sorted by name.
pub(super) const GROUP: &[CommandSpec] = &[
    bitcount::BITCOUNT,
    bitfield::BITFIELD,
    bitfield::BITFIELD_RO,
    bitop::BITOP,
    bitpos::BITPOS,
    getbit::GETBIT,
    getbit::SETBIT,
];
