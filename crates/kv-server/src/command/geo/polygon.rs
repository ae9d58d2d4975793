//! Polygons: areas between straight lines on a map whose degrees are squares.

use super::area::Reach;
use super::position::{DEGREE, EARTH_RADIUS, Position};
use crate::command::args::{Args, integer};
use crate::command::error::CommandError;

/// A polygon.
///
/// Invariant: it has three corners or more.
#[derive(Clone, Debug)]
pub(super) struct Polygon {
    corners: Vec<Position>,
}

impl Polygon {
    /// Takes the number of corners and the corners.
    ///
    /// # Errors
    ///
    /// The next words are none.
    pub(super) fn eat(args: &mut Args<'_>) -> Result<Self, CommandError> {
        let count = integer(args.bytes()?).ok();
        let count = count
            .and_then(|count| i32::try_from(count).ok())
            .ok_or_else(|| CommandError::err("invalid number of vertices"))?;
        match usize::try_from(count) {
            Ok(count) if count >= 3 && count <= args.len() / 2 => {
                let corners = (0..count).map(|_| Position::eat(args));
                let corners = corners.collect::<Result<_, _>>()?;
                Ok(Self { corners })
            }
            _ => Err(CommandError::err(
                "GEOSEARCH BYPOLYGON must have at least 3 vertices",
            )),
        }
    }

    /// The middle of its corners, as points in space, seen from the middle of the earth.
    pub(super) fn centre(&self) -> Position {
        let (mut x, mut y, mut z) = (0.0, 0.0, 0.0);
        for corner in &self.corners {
            let (lon, lat) = (corner.lon * DEGREE, corner.lat * DEGREE);
            x += EARTH_RADIUS * lat.cos() * lon.cos();
            y += EARTH_RADIUS * lat.cos() * lon.sin();
            z += EARTH_RADIUS * lat.sin();
        }
        let count = self.corners.len() as f64;
        let (x, y, z) = (x / count, y / count, z / count);
        Position {
            lon: y.atan2(x) / DEGREE,
            lat: z.atan2((x * x + y * y).sqrt()) / DEGREE,
        }
    }

    /// Whether `position` lies within: a line from it to the east comes by an odd number of sides.
    pub(super) fn contains(&self, position: Position) -> bool {
        let Position { lon, lat } = position;
        let crosses = |one: &Position, other: &Position| {
            (one.lat > lat) != (other.lat > lat)
                && lon < (other.lon - one.lon) * (lat - one.lat) / (other.lat - one.lat) + one.lon
        };
        let before = self.corners.iter().cycle().skip(self.corners.len() - 1);
        let sides = self.corners.iter().zip(before);
        sides.filter(|(one, other)| crosses(one, other)).count() % 2 == 1
    }

    /// Metres from `centre` to the farthest corner of the box around it.
    pub(super) fn radius(&self, centre: Position) -> f64 {
        let Reach {
            west,
            south,
            east,
            north,
        } = self.reach();
        let corners = [(west, north), (east, north), (west, south), (east, south)];
        let distances = corners.map(|(lon, lat)| centre.distance(Position { lon, lat }));
        distances.into_iter().fold(0.0, f64::max)
    }

    /// How far it reaches.
    pub(super) fn reach(&self) -> Reach {
        let lons = self.corners.iter().map(|corner| corner.lon);
        let lats = self.corners.iter().map(|corner| corner.lat);
        Reach {
            west: lons.clone().fold(f64::INFINITY, f64::min),
            south: lats.clone().fold(f64::INFINITY, f64::min),
            east: lons.fold(f64::NEG_INFINITY, f64::max),
            north: lats.fold(f64::NEG_INFINITY, f64::max),
        }
    }
}
