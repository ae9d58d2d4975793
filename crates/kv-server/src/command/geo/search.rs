//! `GEOSEARCH`, `GEOSEARCHSTORE`: the members in an area.

use kv_core::ZSet;

use super::area::{Area, Shape};
use super::polygon::Polygon;
use super::position::Position;
use super::query::{self, Query};
use super::unit::Unit;
use crate::command::prelude::*;

pub(super) const GEOSEARCH: CommandSpec = CommandSpec {
    name: "GEOSEARCH",
    group: Group::Geo,
    summary: "Returns the members that lie in an area.",
    syntax: "GEOSEARCH key <<FROMMEMBER member | FROMLONLAT longitude latitude> <BYRADIUS radius <M | KM | FT | MI> | \
             BYBOX width height <M | KM | FT | MI>> | BYPOLYGON num-vertices longitude latitude longitude latitude \
             longitude latitude [longitude latitude ...]> [ASC | DESC] [COUNT count [ANY]] [WITHCOORD] [WITHDIST] [WITHHASH]",
    complexity: COMPLEXITY,
    since: "0.1.0",
    compat: Compat::Differs(
        "As Valkey: Redis has no BYPOLYGON, says otherwise that FROMMEMBER is not there, and shows fewer places of \
         coordinates.",
    ),
    arity: Arity::at_least(7),
    keys: Keys::one(1, Access::READ),
    flags: Flags::NONE,
    run: Run::Read(geosearch),
};

pub(super) const GEOSEARCHSTORE: CommandSpec = CommandSpec {
    name: "GEOSEARCHSTORE",
    group: Group::Geo,
    summary: "Puts the members that lie in an area at a key, whatever was there, and returns how many there are.",
    syntax: "GEOSEARCHSTORE destination source <<FROMMEMBER member | FROMLONLAT longitude latitude> <BYRADIUS radius \
             <M | KM | FT | MI> | BYBOX width height <M | KM | FT | MI>> | BYPOLYGON num-vertices longitude latitude \
             longitude latitude longitude latitude [longitude latitude ...]> [ASC | DESC] [COUNT count [ANY]] [STOREDIST]",
    complexity: COMPLEXITY,
    since: "0.1.0",
    compat: Compat::Differs(
        "As Valkey: Redis has no BYPOLYGON and says otherwise that FROMMEMBER is not there. The last digits of a \
         distance that STOREDIST stores may be other ones.",
    ),
    arity: Arity::at_least(8),
    keys: Keys::Each(&[
        Keys::one(1, Access::UPDATE.union(Access::BLIND)),
        Keys::one(2, Access::READ),
    ]),
    flags: Flags::NONE,
    run: Run::Write(geosearchstore),
};

const COMPLEXITY: &str = "O(N+log(M)) in the number of members in the cells around the area and the size of the sorted set";

/// What a search asks for.
struct Search {
    query: Query,
    /// `None`: there is nothing to search.
    area: Option<Area>,
    by_distance: bool,
}

/// Reads all words that are left. Where there is no sorted set, there is no member to start from either.
fn parse(mut args: Args<'_>, zset: Option<&ZSet>) -> Result<Search, CommandError> {
    let stores = args.spec().name == "GEOSEARCHSTORE";
    let mut query = Query::new();
    let mut centre: Option<Position> = None;
    let mut shape: Option<Shape> = None;
    let mut by_distance = false;
    while args.len() > 0 {
        let is_polygon = matches!(shape, Some(Shape::Polygon(_)));
        let left = args.len();
        if query.eat(&mut args)? {
        } else if stores && args.eat(b"STOREDIST") {
            by_distance = true;
        } else if centre.is_none() && !is_polygon && left > 1 && args.eat(b"FROMMEMBER") {
            let member = args.bytes()?;
            let start = zset.map(|zset| query::start_at(zset, member));
            centre = Some(start.transpose()?.unwrap_or_default());
        } else if centre.is_none() && !is_polygon && left > 2 && args.eat(b"FROMLONLAT") {
            centre = Some(Position::eat(&mut args)?);
        } else if shape.is_none() && left > 2 && args.eat(b"BYRADIUS") {
            let (radius, unit) = query::radius(&mut args)?;
            query.unit = unit;
            let radius = radius * unit.metres;
            shape = Some(Shape::Circle { radius });
        } else if shape.is_none() && left > 3 && args.eat(b"BYBOX") {
            shape = Some(eat_box(&mut args, &mut query.unit)?);
        } else if shape.is_none() && centre.is_none() && left > 1 && args.eat(b"BYPOLYGON") {
            shape = Some(Shape::Polygon(Polygon::eat(&mut args)?));
        } else {
            return Err(CommandError::SYNTAX);
        }
    }
    if stores && query.shows_more() {
        return Err(CommandError::err(
            "GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and WITHCOORD options",
        ));
    }
    let (centre, shape) = complete(&args, centre, shape)?;
    query.check_any()?;
    Ok(Search {
        query,
        area: zset.map(|_| Area { shape, centre }),
        by_distance,
    })
}

/// There is a place to start from, and how far to go.
fn complete(
    args: &Args<'_>,
    centre: Option<Position>,
    shape: Option<Shape>,
) -> Result<(Position, Shape), CommandError> {
    let centre = match &shape {
        Some(Shape::Polygon(polygon)) => Some(polygon.centre()),
        _ => centre,
    };
    let name = String::from_utf8_lossy(args.name());
    let missing = |what: &str| {
        CommandError::err(format!("exactly one of {what} can be specified for {name}"))
    };
    let centre = centre.ok_or_else(|| missing("FROMMEMBER or FROMLONLAT"))?;
    let shape = shape.ok_or_else(|| missing("BYRADIUS, BYBOX and BYPOLYGON"))?;
    Ok((centre, shape))
}

fn eat_box(args: &mut Args<'_>, unit: &mut Unit) -> Result<Shape, CommandError> {
    let width = query::length(args, "need numeric width")?;
    let height = query::length(args, "need numeric height")?;
    if width < 0.0 || height < 0.0 {
        return Err(CommandError::err("height or width cannot be negative"));
    }
    *unit = Unit::eat(args)?;
    Ok(Shape::Box {
        width: width * unit.metres,
        height: height * unit.metres,
    })
}

fn geosearch(view: &mut View<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let zset = view.zset(key)?;
    let search = parse(args, zset)?;
    match (zset, search.area) {
        (Some(zset), Some(area)) => {
            let hits = search.query.find(zset, &area);
            search.query.show(&hits, reply);
        }
        _ => reply.array(0),
    }
    Ok(())
}

fn geosearchstore(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let (destination, source) = (args.key()?, args.key()?);
    let zset = txn.zset(source)?.cloned();
    let search = parse(args, zset.as_ref())?;
    event::announce_if_missing(txn, source);
    let hits = match (&zset, &search.area) {
        (Some(zset), Some(area)) => search.query.find(zset, area),
        _ => Vec::new(),
    };
    let event = event::GEOSEARCHSTORE;
    query::store(txn, destination, &hits, search.by_distance, event, reply);
    Ok(())
}
