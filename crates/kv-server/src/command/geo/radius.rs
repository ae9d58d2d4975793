//! `GEORADIUS`, `GEORADIUSBYMEMBER` and their `_RO` forms: the older words for `GEOSEARCH` in a circle.

use kv_core::ZSet;

use super::area::{Area, Shape};
use super::position::Position;
use super::query::{self, Hit, Query};
use crate::command::prelude::*;

pub(super) const GEORADIUS: CommandSpec = CommandSpec {
    name: "GEORADIUS",
    group: Group::Geo,
    summary: "Returns the members that lie in a circle, or puts them at a key.",
    syntax: "GEORADIUS key longitude latitude radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] \
             [COUNT count [ANY]] [ASC | DESC] [STORE key | STOREDIST key]",
    complexity: COMPLEXITY,
    since: "0.1.0",
    compat: POSITIONS,
    arity: Arity::at_least(6),
    keys: Keys::Each(&[Keys::one(1, Access::READ), stored_behind(6)]),
    flags: Flags::NONE,
    run: Run::Write(|txn, args, reply| search_or_store(Start::Position, txn, args, reply)),
};

pub(super) const GEORADIUS_RO: CommandSpec = CommandSpec {
    name: "GEORADIUS_RO",
    group: Group::Geo,
    summary: "Returns the members that lie in a circle.",
    syntax: "GEORADIUS_RO key longitude latitude radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] \
             [COUNT count [ANY]] [ASC | DESC]",
    complexity: COMPLEXITY,
    since: "0.1.0",
    compat: POSITIONS,
    arity: Arity::at_least(6),
    keys: Keys::one(1, Access::READ),
    flags: Flags::NONE,
    run: Run::Read(|view, args, reply| search(Start::Position, view, args, reply)),
};

pub(super) const GEORADIUSBYMEMBER: CommandSpec = CommandSpec {
    name: "GEORADIUSBYMEMBER",
    group: Group::Geo,
    summary: "Returns the members that lie in a circle around one of them, or puts them at a key.",
    syntax: "GEORADIUSBYMEMBER key member radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] \
             [COUNT count [ANY]] [ASC | DESC] [STORE key | STOREDIST key]",
    complexity: COMPLEXITY,
    since: "0.1.0",
    compat: MEMBERS,
    arity: Arity::at_least(5),
    keys: Keys::Each(&[Keys::one(1, Access::READ), stored_behind(5)]),
    flags: Flags::NONE,
    run: Run::Write(|txn, args, reply| search_or_store(Start::Member, txn, args, reply)),
};

pub(super) const GEORADIUSBYMEMBER_RO: CommandSpec = CommandSpec {
    name: "GEORADIUSBYMEMBER_RO",
    group: Group::Geo,
    summary: "Returns the members that lie in a circle around one of them.",
    syntax: "GEORADIUSBYMEMBER_RO key member radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] \
             [COUNT count [ANY]] [ASC | DESC]",
    complexity: COMPLEXITY,
    since: "0.1.0",
    compat: MEMBERS,
    arity: Arity::at_least(5),
    keys: Keys::one(1, Access::READ),
    flags: Flags::NONE,
    run: Run::Read(|view, args, reply| search(Start::Member, view, args, reply)),
};

const COMPLEXITY: &str = "O(N+log(M)) in the number of members in the cells around the circle and the size of the sorted set";

const POSITIONS: Compat = Compat::Differs(
    "Coordinates have up to 17 places behind the point, as in Valkey; Redis shows fewer.",
);

const MEMBERS: Compat = Compat::Differs(
    "As Valkey: Redis says otherwise that the member is not there, and shows fewer places of coordinates.",
);

/// The key that the last of the two options names.
const fn stored_behind(from: usize) -> Keys {
    Keys::Behind {
        words: &["STORE", "STOREDIST"],
        from,
        access: Access::UPDATE.union(Access::BLIND).union(Access::BY_OPTION),
    }
}

/// What the middle of the circle is told by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    Position,
    Member,
}

/// What a search asks for.
struct Search<'r> {
    query: Query,
    /// `None`: there is nothing to search.
    area: Option<Area>,
    /// Where the members go, and whether with their distances as scores.
    store: Option<(&'r [u8], bool)>,
}

impl<'r> Search<'r> {
    /// Reads all words that are left.
    fn parse(start: Start, mut args: Args<'r>, zset: Option<&ZSet>) -> Result<Self, CommandError> {
        let mut query = Query::new();
        let circle = eat_circle(start, &mut args, zset, &mut query)?;
        let may_store = !args.spec().name.ends_with("_RO");
        let mut store = None;
        while args.len() > 0 {
            let left = args.len();
            if query.eat(&mut args)? {
            } else if may_store && left > 1 && args.eat(b"STORE") {
                store = Some((args.key()?, false));
            } else if may_store && left > 1 && args.eat(b"STOREDIST") {
                store = Some((args.key()?, true));
            } else {
                return Err(CommandError::SYNTAX);
            }
        }
        if store.is_some() && query.shows_more() {
            return Err(CommandError::err(
                "STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORD options",
            ));
        }
        query.check_any()?;
        Ok(Self {
            query,
            area: circle.filter(|_| zset.is_some()),
            store,
        })
    }

    fn find<'z>(&self, zset: Option<&'z ZSet>) -> Vec<Hit<'z>> {
        match (zset, &self.area) {
            (Some(zset), Some(area)) => self.query.find(zset, area),
            _ => Vec::new(),
        }
    }
}

/// Takes the words from the middle to the unit. Where there is no member to start from, they are passed over.
fn eat_circle(
    start: Start,
    args: &mut Args<'_>,
    zset: Option<&ZSet>,
    query: &mut Query,
) -> Result<Option<Area>, CommandError> {
    let centre = match (start, zset) {
        (Start::Position, _) => Position::eat(args)?,
        (Start::Member, Some(zset)) => query::start_at(zset, args.bytes()?)?,
        (Start::Member, None) => {
            args.take(3)?;
            return Ok(None);
        }
    };
    let (radius, unit) = query::radius(args)?;
    query.unit = unit;
    let shape = Shape::Circle {
        radius: radius * unit.metres,
    };
    Ok(Some(Area { shape, centre }))
}

fn search(start: Start, view: &mut View<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let zset = view.zset(key)?;
    let search = Search::parse(start, args, zset)?;
    search.query.show(&search.find(zset), reply);
    Ok(())
}

fn search_or_store(
    start: Start,
    txn: &mut Txn<'_>,
    mut args: Args<'_>,
    reply: &mut Reply<'_>,
) -> Outcome {
    let key = args.key()?;
    let zset = txn.zset(key)?.cloned();
    let search = Search::parse(start, args, zset.as_ref())?;
    event::announce_if_missing(txn, key);
    let hits = search.find(zset.as_ref());
    match search.store {
        None => search.query.show(&hits, reply),
        Some((destination, by_distance)) => {
            let event = event::GEORADIUSSTORE;
            query::store(txn, destination, &hits, by_distance, event, reply);
        }
    }
    Ok(())
}
