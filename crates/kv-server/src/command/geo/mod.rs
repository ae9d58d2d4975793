//! Places on earth: members of sorted sets whose scores are geohashes of 52 bits.

mod add;
mod area;
mod cell;
mod look;
mod polygon;
mod position;
mod query;
mod radius;
mod search;
mod unit;

use super::spec::CommandSpec;

/// The commands of this group, sorted by name.
pub(super) const GROUP: &[CommandSpec] = &[
    add::GEOADD,
    look::GEODIST,
    look::GEOHASH,
    look::GEOPOS,
    radius::GEORADIUS,
    radius::GEORADIUSBYMEMBER,
    radius::GEORADIUSBYMEMBER_RO,
    radius::GEORADIUS_RO,
    search::GEOSEARCH,
    search::GEOSEARCHSTORE,
];
