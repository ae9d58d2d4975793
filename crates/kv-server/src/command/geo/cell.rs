//! Cells of a grid over the earth, and the geohashes that name them.
//!
//! With each step of a geohash every cell is cut in four: one bit says in which half of the latitudes, one in which
//! half of the longitudes. A score is a geohash of 26 steps.

use std::ops::Range;

use super::position::{LAT_MAX, LON_MAX, Position};

/// Steps of the geohash that is a score.
pub(super) const STEPS_MAX: u32 = 26;

/// The span of degrees that a grid covers, from its negative to itself.
#[derive(Clone, Copy, Debug)]
struct Grid {
    lon_max: f64,
    lat_max: f64,
}

/// The grid of scores.
const SCORES: Grid = Grid {
    lon_max: LON_MAX,
    lat_max: LAT_MAX,
};

/// The grid of geohashes as the rest of the world writes them.
const WORLD: Grid = Grid {
    lon_max: 180.0,
    lat_max: 90.0,
};

/// A cell: how many cells of its size are to the south and to the west of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    south: u32,
    west: u32,
    steps: u32,
}

/// What a cell covers, in degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Edges {
    pub(super) west: f64,
    pub(super) south: f64,
    pub(super) east: f64,
    pub(super) north: f64,
}

impl Cell {
    /// The cell around `position`.
    pub(super) fn around(position: Position, steps: u32) -> Self {
        Self::in_grid(SCORES, position, steps)
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "positions lie in the grid, which has at most 2^26 cells a side"
    )]
    fn in_grid(grid: Grid, position: Position, steps: u32) -> Self {
        let place = |degrees: f64, max: f64| {
            let share = (degrees + max) / (max + max);
            (share * f64::from(1u32 << steps)) as u32
        };
        Self {
            south: place(position.lat, grid.lat_max),
            west: place(position.lon, grid.lon_max),
            steps,
        }
    }

    /// The cell that a score names.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a score that is no geohash names some cell"
    )]
    pub(super) fn of_score(score: f64) -> Self {
        let bits = score as u64;
        Self {
            south: every_other_bit(bits),
            west: every_other_bit(bits >> 1),
            steps: STEPS_MAX,
        }
    }

    /// The geohash: of each step a bit for the longitude, then one for the latitude, the first step highest.
    pub(super) fn bits(self) -> u64 {
        spread(self.south) | spread(self.west) << 1
    }

    /// The scores of all positions in it.
    pub(super) fn scores(self) -> Range<u64> {
        let shift = 2 * (STEPS_MAX - self.steps);
        self.bits() << shift..(self.bits() + 1) << shift
    }

    /// The cell so many cells to the east and to the north, round the earth where there is an edge. What lies on
    /// the very edge of the map is in a cell beyond it, which stays what it is in a direction that is not gone.
    pub(super) fn neighbour(self, east: i32, north: i32) -> Self {
        let mask = (1u32 << self.steps) - 1;
        let moved = |place: u32, by: i32| match by {
            0 => place,
            by => place.wrapping_add_signed(by) & mask,
        };
        Self {
            south: moved(self.south, north),
            west: moved(self.west, east),
            steps: self.steps,
        }
    }

    /// What it covers.
    pub(super) fn edges(self) -> Edges {
        let cells = f64::from(1u32 << self.steps);
        let edge = |cell: f64, max: f64| -max + cell / cells * (max + max);
        let (south, west) = (f64::from(self.south), f64::from(self.west));
        Edges {
            west: edge(west, SCORES.lon_max),
            south: edge(south, SCORES.lat_max),
            east: edge(west + 1.0, SCORES.lon_max),
            north: edge(south + 1.0, SCORES.lat_max),
        }
    }

    /// Its middle.
    pub(super) fn centre(self) -> Position {
        let Edges {
            west,
            south,
            east,
            north,
        } = self.edges();
        Position {
            lon: ((west + east) / 2.0).clamp(-LON_MAX, LON_MAX),
            lat: ((south + north) / 2.0).clamp(-LAT_MAX, LAT_MAX),
        }
    }
}

/// The score of a member that lies at `position`.
pub(super) fn score(position: Position) -> f64 {
    // At most 53 bits: a number of 64 bits holds it exactly.
    Cell::around(position, STEPS_MAX).bits() as f64
}

/// The geohash of `position` as the rest of the world writes it, with 11 letters, of which the last is not known.
pub(super) fn text(position: Position) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789bcdefghjkmnpqrstuvwxyz";

    let bits = Cell::in_grid(WORLD, position, STEPS_MAX).bits();
    let letter = |index: u32| {
        // 52 bits are ten letters of five bits and a rest.
        let place = match index {
            10 => 0,
            index => bits >> (52 - (index + 1) * 5),
        };
        let [low, ..] = place.to_le_bytes();
        char::from(ALPHABET[usize::from(low & 31)])
    };
    (0..11).map(letter).collect()
}

/// `number` with a 0 before each bit.
fn spread(number: u32) -> u64 {
    let mut bits = u64::from(number);
    for (shift, mask) in [
        (16, 0x0000_FFFF_0000_FFFF),
        (8, 0x00FF_00FF_00FF_00FF),
        (4, 0x0F0F_0F0F_0F0F_0F0F),
        (2, 0x3333_3333_3333_3333),
        (1, 0x5555_5555_5555_5555),
    ] {
        bits = (bits | bits << shift) & mask;
    }
    bits
}

/// The number that [`spread`] makes the bits 0, 2, 4 and so on of.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the last mask leaves 32 bits"
)]
fn every_other_bit(bits: u64) -> u32 {
    let mut bits = bits & 0x5555_5555_5555_5555;
    for (shift, mask) in [
        (1, 0x3333_3333_3333_3333),
        (2, 0x0F0F_0F0F_0F0F_0F0F),
        (4, 0x00FF_00FF_00FF_00FF),
        (8, 0x0000_FFFF_0000_FFFF),
        (16, 0x0000_0000_FFFF_FFFF),
    ] {
        bits = (bits | bits >> shift) & mask;
    }
    bits as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    const PALERMO: Position = Position {
        lon: 13.361_389,
        lat: 38.115_556,
    };

    #[test]
    fn the_score_and_the_text_of_a_place() {
        assert_eq!(score(PALERMO), 3_479_099_956_230_698.0);
        let centre = Cell::of_score(score(PALERMO)).centre();
        assert!(PALERMO.distance(centre) < 1.0);
        assert_eq!(text(centre), "sqc8b49rny0");
    }

    #[test]
    fn bits_come_back() {
        for number in [0, 1, 2, 0x3FF_FFFF, 0xAAAA_AAAA, u32::MAX] {
            assert_eq!(every_other_bit(spread(number)), number);
            assert_eq!(every_other_bit(spread(number) << 1), 0);
        }
    }

    #[test]
    fn neighbours_go_round_the_earth() {
        let cell = Cell::around(PALERMO, 3);
        assert_eq!(cell.neighbour(8, -8), cell);
        assert_eq!(cell.neighbour(1, 2).neighbour(-1, -2), cell);
        let (here, east) = (cell.edges(), cell.neighbour(1, 0).edges());
        assert_eq!((here.east, here.north), (east.west, east.north));
        let all = cell.scores();
        assert!(all.contains(&Cell::around(PALERMO, STEPS_MAX).bits()));
    }

    #[test]
    fn the_corners_of_the_map_have_scores() {
        for (lon, lat) in [
            (-180.0, -LAT_MAX),
            (180.0, LAT_MAX),
            (180.0, -LAT_MAX),
            (0.0, 0.0),
        ] {
            let corner = Position { lon, lat };
            let centre = Cell::of_score(score(corner)).centre();
            assert!(corner.distance(centre) < 1.0, "{lon} {lat}");
        }
        Cell::of_score(f64::INFINITY).centre();
        Cell::of_score(-1.0).centre();
    }
}
