//! What the search commands ask for, and how they answer it.
//!
//! Owns the options that all of them have; which area is searched the commands say themselves.
//! Invariant: without an order, members come cell by cell in Redis' order.

use kv_core::ZSet;

use super::area::Area;
use super::cell::Cell;
use super::position::Position;
use super::unit::{self, Unit};
use crate::command::prelude::*;

/// How the members that are found are sorted by their distances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Nearest,
    Farthest,
}

/// The options of a search but its area.
#[derive(Clone, Copy, Debug)]
pub(super) struct Query {
    order: Option<Order>,
    /// How many members at most.
    count: Option<usize>,
    /// Whether any will do, not only the nearest.
    any: bool,
    with_distance: bool,
    with_hash: bool,
    with_position: bool,
    /// The unit of distances.
    pub(super) unit: Unit,
}

/// A member that was found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hit<'z> {
    pub(super) member: &'z [u8],
    pub(super) score: f64,
    /// From the middle, in the unit that was asked for.
    pub(super) distance: f64,
    position: Position,
}

impl Query {
    /// The options where none is given.
    pub(super) const fn new() -> Self {
        Self {
            order: None,
            count: None,
            any: false,
            with_distance: false,
            with_hash: false,
            with_position: false,
            unit: Unit::METRE,
        }
    }

    /// Takes one option; `false` when the next word is none of these.
    ///
    /// # Errors
    ///
    /// The option's value cannot be one.
    pub(super) fn eat(&mut self, args: &mut Args<'_>) -> Result<bool, CommandError> {
        if args.eat(b"WITHDIST") {
            self.with_distance = true;
        } else if args.eat(b"WITHHASH") {
            self.with_hash = true;
        } else if args.eat(b"WITHCOORD") {
            self.with_position = true;
        } else if args.eat(b"ANY") {
            self.any = true;
        } else if args.eat(b"ASC") {
            self.order = Some(Order::Nearest);
        } else if args.eat(b"DESC") {
            self.order = Some(Order::Farthest);
        } else if args.eat(b"COUNT") {
            let count = usize::try_from(args.int()?).unwrap_or(0);
            if count == 0 {
                return Err(CommandError::err("COUNT must be > 0"));
            }
            self.count = Some(count);
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// Whether more than names is wanted.
    pub(super) fn shows_more(&self) -> bool {
        self.with_distance || self.with_hash || self.with_position
    }

    /// `ANY` goes with `COUNT` only.
    ///
    /// # Errors
    ///
    /// It stands alone.
    pub(super) fn check_any(&self) -> Result<(), CommandError> {
        if self.any && self.count.is_none() {
            return Err(CommandError::err(
                "the ANY argument requires COUNT argument",
            ));
        }
        Ok(())
    }

    /// The members of `zset` that lie in `area`.
    pub(super) fn find<'z>(&self, zset: &'z ZSet, area: &Area) -> Vec<Hit<'z>> {
        let enough = self.count.filter(|_| self.any).unwrap_or(usize::MAX);
        let mut hits = Vec::new();
        let mut last: Option<(usize, Cell)> = None;
        for (index, cell) in area.cells().into_iter().enumerate() {
            // Of a large area, neighbours may be the same cell, seen from both sides. The first one is not looked
            // at twice by chance only: Redis compares with all but that.
            if last.is_some_and(|(place, before)| place > 0 && before == cell) {
                continue;
            }
            if hits.len() >= enough {
                break;
            }
            self.look_through(zset, cell, area, enough, &mut hits);
            last = Some((index, cell));
        }
        self.sort(&mut hits);
        hits.truncate(self.count.unwrap_or(usize::MAX));
        hits
    }

    fn look_through<'z>(
        &self,
        zset: &'z ZSet,
        cell: Cell,
        area: &Area,
        enough: usize,
        hits: &mut Vec<Hit<'z>>,
    ) {
        let scores = cell.scores();
        // Geohashes have at most 53 bits.
        let (min, max) = (scores.start as f64, scores.end as f64);
        let start = zset.partition_point(|_, score| score < min);
        let end = zset.partition_point(|_, score| score < max);
        for (member, score) in zset.range(start..end.max(start)) {
            let position = Cell::of_score(score).centre();
            let Some(metres) = area.distance(position) else {
                continue;
            };
            hits.push(Hit {
                member,
                score,
                distance: metres / self.unit.metres,
                position,
            });
            if hits.len() >= enough {
                return;
            }
        }
    }

    fn sort(&self, hits: &mut [Hit<'_>]) {
        let nearest = self.count.filter(|_| !self.any).map(|_| Order::Nearest);
        match self.order.or(nearest) {
            None => {}
            Some(Order::Nearest) => hits.sort_by(|a, b| a.distance.total_cmp(&b.distance)),
            Some(Order::Farthest) => hits.sort_by(|a, b| b.distance.total_cmp(&a.distance)),
        }
    }

    /// Answers `hits`.
    pub(super) fn show(&self, hits: &[Hit<'_>], reply: &mut Reply<'_>) {
        let wanted = [self.with_distance, self.with_hash, self.with_position];
        let further = wanted.into_iter().filter(|wanted| *wanted).count();
        reply.array(hits.len());
        for hit in hits {
            if further > 0 {
                reply.array(1 + further);
            }
            reply.bulk(hit.member);
            if self.with_distance {
                reply.bulk(unit::shown(hit.distance).as_bytes());
            }
            if self.with_hash {
                reply.int(Cell::of_score(hit.score).bits() as i64);
            }
            if self.with_position {
                hit.position.show(reply);
            }
        }
    }
}

/// Puts `hits` at `destination`, whatever was there, and answers how many there are.
pub(super) fn store(
    txn: &mut Txn<'_>,
    destination: &[u8],
    hits: &[Hit<'_>],
    by_distance: bool,
    event: kv_core::Event,
    reply: &mut Reply<'_>,
) {
    let replaces = txn.exists(destination);
    let scored = hits.iter().map(|hit| match by_distance {
        true => (hit.distance, hit.member),
        false => (hit.score, hit.member),
    });
    txn.set_zset(destination, scored);
    if !hits.is_empty() {
        txn.announce(destination, event);
    } else if replaces {
        txn.announce(destination, event::DEL);
    }
    reply.int(hits.len() as i64);
}

/// Takes a length that is not negative; `otherwise` says that it is no number.
///
/// # Errors
///
/// The next word is no number.
pub(super) fn length(args: &mut Args<'_>, otherwise: &'static str) -> Result<f64, CommandError> {
    crate::command::zset::parse_score(args.bytes()?).ok_or_else(|| CommandError::err(otherwise))
}

/// Takes a radius and its unit.
///
/// # Errors
///
/// The next words are none.
pub(super) fn radius(args: &mut Args<'_>) -> Result<(f64, Unit), CommandError> {
    let radius = length(args, "need numeric radius")?;
    if radius < 0.0 {
        return Err(CommandError::err("radius cannot be negative"));
    }
    Ok((radius, Unit::eat(args)?))
}

/// Where `member` is, from which a search starts.
///
/// # Errors
///
/// There is no such member.
pub(super) fn start_at(zset: &ZSet, member: &[u8]) -> Result<Position, CommandError> {
    super::look::position(zset, member).ok_or_else(|| CommandError::no_such_member(member))
}
