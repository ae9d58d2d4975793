//! Strings that count distinct elements: HyperLogLog, in the format in which Redis keeps it.
//!
//! A string of this group can be read with `GET` and written with `SET`, here and on a Redis, and goes on counting.

mod dense;
mod estimate;
mod hash;
mod header;
mod pfadd;
mod pfcount;
mod pfdebug;
mod pfmerge;
mod registers;
mod sketch;
mod sparse;

use super::spec::CommandSpec;

/// The commands of this group, sorted by name.
pub(super) const GROUP: &[CommandSpec] = &[
    pfadd::PFADD,
    pfcount::PFCOUNT,
    pfdebug::PFDEBUG,
    pfmerge::PFMERGE,
    pfdebug::PFSELFTEST,
];
