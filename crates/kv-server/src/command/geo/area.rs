//! Parts of the earth that are searched: what lies in them, and which cells to look through.
//!
//! Invariant: every position of the area lies in one of its cells.

use super::cell::{Cell, STEPS_MAX};
use super::polygon::Polygon;
use super::position::{DEGREE, EARTH_RADIUS, Position, distance_of_latitudes};

/// A part of the earth.
#[derive(Clone, Debug)]
pub(super) struct Area {
    pub(super) shape: Shape,
    /// Its middle, from which distances are told.
    pub(super) centre: Position,
}

/// What an area looks like; lengths in metres.
#[derive(Clone, Debug)]
pub(super) enum Shape {
    Circle { radius: f64 },
    Box { width: f64, height: f64 },
    Polygon(Polygon),
}

/// How far an area reaches, in degrees; beyond the edges of the map, too.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reach {
    pub(super) west: f64,
    pub(super) south: f64,
    pub(super) east: f64,
    pub(super) north: f64,
}

/// Half of the way round the earth on a Mercator map, in metres.
const MERCATOR_MAX: f64 = 20_037_726.37;

impl Area {
    /// Metres from the middle to `position`, if that lies in the area.
    pub(super) fn distance(&self, position: Position) -> Option<f64> {
        let lies_within = match &self.shape {
            Shape::Circle { radius } => {
                let distance = self.centre.distance(position);
                return (distance <= *radius).then_some(distance);
            }
            Shape::Box { width, height } => {
                let beside = Position {
                    lon: self.centre.lon,
                    lat: position.lat,
                };
                distance_of_latitudes(self.centre.lat, position.lat) <= height / 2.0
                    && beside.distance(position) <= width / 2.0
            }
            Shape::Polygon(polygon) => polygon.contains(position),
        };
        lies_within.then(|| self.centre.distance(position))
    }

    /// The cells to look through, in Redis' order; some may be the same.
    pub(super) fn cells(&self) -> Vec<Cell> {
        let reach = self.reach();
        let mut steps = steps_for(self.radius(), self.centre.lat);
        let mut cell = Cell::around(self.centre, steps);
        if steps > 1 && !reaches(cell, reach) {
            steps -= 1;
            cell = Cell::around(self.centre, steps);
        }
        let edges = cell.edges();
        // Where the cell in the middle goes beyond the area, there is nothing to find in its neighbours.
        let small = steps >= 2;
        let no_south = small && edges.south < reach.south;
        let no_north = small && edges.north > reach.north;
        let no_west = small && edges.west < reach.west;
        let no_east = small && edges.east > reach.east;
        [
            (0, 0),
            (0, 1),
            (0, -1),
            (1, 0),
            (-1, 0),
            (1, 1),
            (-1, 1),
            (1, -1),
            (-1, -1),
        ]
        .into_iter()
        .filter(|(east, north)| {
            let left_out = (no_south && *north < 0)
                || (no_north && *north > 0)
                || (no_west && *east < 0)
                || (no_east && *east > 0);
            !left_out
        })
        .map(|(east, north)| cell.neighbour(east, north))
        .collect()
    }

    /// Metres from the middle to the place that is farthest from it.
    fn radius(&self) -> f64 {
        match &self.shape {
            Shape::Circle { radius } => *radius,
            Shape::Box { width, height } => {
                ((width / 2.0) * (width / 2.0) + (height / 2.0) * (height / 2.0)).sqrt()
            }
            Shape::Polygon(polygon) => polygon.radius(self.centre),
        }
    }

    fn reach(&self) -> Reach {
        let (across, along) = match &self.shape {
            Shape::Circle { radius } => (*radius, *radius),
            Shape::Box { width, height } => (width / 2.0, height / 2.0),
            Shape::Polygon(polygon) => return polygon.reach(),
        };
        let Position { lon, lat } = self.centre;
        let lat_delta = along / EARTH_RADIUS / DEGREE;
        // A degree of longitude is shortest at the side that is nearer to its pole.
        let far = if lat < 0.0 {
            lat - lat_delta
        } else {
            lat + lat_delta
        };
        let lon_delta = across / EARTH_RADIUS / (far * DEGREE).cos() / DEGREE;
        Reach {
            west: lon - lon_delta,
            south: lat - lat_delta,
            east: lon + lon_delta,
            north: lat + lat_delta,
        }
    }
}

/// The finest steps at which nine cells cover a circle of `radius` metres, or nearly so.
fn steps_for(radius: f64, lat: f64) -> u32 {
    if radius == 0.0 {
        return STEPS_MAX;
    }
    let mut steps: i32 = 1;
    let mut covered = radius;
    while covered < MERCATOR_MAX {
        covered *= 2.0;
        steps += 1;
    }
    steps -= 2;
    // Cells are narrower towards the poles.
    steps -= i32::from(lat.abs() > 66.0) + i32::from(lat.abs() > 80.0);
    steps.clamp(1, STEPS_MAX as i32).unsigned_abs()
}

/// Whether `cell` and its neighbours go as far as `reach`.
fn reaches(cell: Cell, reach: Reach) -> bool {
    cell.neighbour(0, 1).edges().north >= reach.north
        && cell.neighbour(0, -1).edges().south <= reach.south
        && cell.neighbour(1, 0).edges().east >= reach.east
        && cell.neighbour(-1, 0).edges().west <= reach.west
}
