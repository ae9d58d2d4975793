//! `GEOPOS`, `GEODIST`, `GEOHASH`: where members are.

use kv_core::ZSet;

use super::cell::{self, Cell};
use super::position::Position;
use super::unit::{self, Unit};
use crate::command::prelude::*;

pub(super) const GEOPOS: CommandSpec = CommandSpec {
    name: "GEOPOS",
    group: Group::Geo,
    summary: "Returns the longitudes and latitudes of members.",
    syntax: "GEOPOS key [member ...]",
    complexity: "O(N) in the number of members given",
    since: "0.1.0",
    compat: Compat::Differs(
        "Coordinates have up to 17 places behind the point, as in Valkey; Redis shows fewer.",
    ),
    arity: Arity::at_least(2),
    keys: Keys::one(1, Access::READ),
    flags: Flags::NONE,
    run: Run::Read(geopos),
};

pub(super) const GEODIST: CommandSpec = CommandSpec {
    name: "GEODIST",
    group: Group::Geo,
    summary: "Returns how far one member is from another.",
    syntax: "GEODIST key member1 member2 [M | KM | FT | MI]",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(4),
    keys: Keys::one(1, Access::READ),
    flags: Flags::NONE,
    run: Run::Read(geodist),
};

pub(super) const GEOHASH: CommandSpec = CommandSpec {
    name: "GEOHASH",
    group: Group::Geo,
    summary: "Returns the geohashes of members, with 11 letters.",
    syntax: "GEOHASH key [member ...]",
    complexity: "O(N) in the number of members given",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(2),
    keys: Keys::one(1, Access::READ),
    flags: Flags::NONE,
    run: Run::Read(geohash),
};

/// Where `member` is.
pub(super) fn position(zset: &ZSet, member: &[u8]) -> Option<Position> {
    zset.score(member)
        .map(|score| Cell::of_score(score).centre())
}

fn geopos(view: &mut View<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let zset = view.zset(key)?;
    reply.array(args.len());
    for member in args.rest() {
        match zset.and_then(|zset| position(zset, member)) {
            Some(position) => position.show(reply),
            None => reply.null_array(),
        }
    }
    Ok(())
}

fn geodist(view: &mut View<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let (key, first, second) = (args.key()?, args.bytes()?, args.bytes()?);
    let unit = match args.len() {
        0 => Unit::METRE,
        1 => Unit::eat(&mut args)?,
        _ => return Err(CommandError::SYNTAX),
    };
    let zset = view.zset(key)?;
    let ends = zset.and_then(|zset| Some((position(zset, first)?, position(zset, second)?)));
    match ends {
        Some((first, second)) => {
            let length = first.distance(second) / unit.metres;
            reply.bulk(unit::shown(length).as_bytes());
        }
        None => reply.null(),
    }
    Ok(())
}

fn geohash(view: &mut View<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let zset = view.zset(key)?;
    reply.array(args.len());
    for member in args.rest() {
        match zset.and_then(|zset| position(zset, member)) {
            Some(position) => reply.bulk(cell::text(position).as_bytes()),
            None => reply.null(),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn where_members_are() {
        let shell = Shell::new();
        shell.run("GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania");
        assert_eq!(shell.run("GEODIST g Palermo Catania"), "$11|166274.1516|");
        assert_eq!(shell.run("GEODIST g Palermo Catania mi"), "$8|103.3182|");
        assert_eq!(
            shell.run("GEOPOS g Palermo none"),
            "*2|*2|$20|13.36138933897018433|$20|38.11555639549629859|*-1|"
        );
        assert_eq!(
            shell.run("GEOHASH g Catania none"),
            "*2|$11|sqdtr74hyu0|$-1|"
        );
    }
}
