//! A point on earth, how clients write it and how far it is from another.
//!
//! Owns the shape of the earth: a ball.

use kv_proto::Reply;

use crate::command::args::Args;
use crate::command::error::CommandError;
use crate::command::zset::parse_score;

/// The highest longitude, in degrees.
pub(super) const LON_MAX: f64 = 180.0;
/// The highest latitude, in degrees: that at which a Mercator map of the world is a square.
pub(super) const LAT_MAX: f64 = 85.051_128_78;
/// Metres.
pub(super) const EARTH_RADIUS: f64 = 6_372_797.560_856;

/// Radians in a degree.
pub(super) const DEGREE: f64 = std::f64::consts::PI / 180.0;

/// A point, in degrees.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Position {
    pub(super) lon: f64,
    pub(super) lat: f64,
}

impl Position {
    /// Takes a longitude and a latitude.
    ///
    /// # Errors
    ///
    /// The next two words are none.
    pub(super) fn eat(args: &mut Args<'_>) -> Result<Self, CommandError> {
        let mut degrees = || parse_score(args.bytes()?).ok_or(CommandError::NOT_A_FLOAT);
        let (lon, lat) = (degrees()?, degrees()?);
        if lon.abs() > LON_MAX || lat.abs() > LAT_MAX {
            let message = format!("invalid longitude,latitude pair {lon:.6},{lat:.6}");
            return Err(CommandError::err(message));
        }
        Ok(Self { lon, lat })
    }

    /// Metres from here to `other`, along the surface.
    pub(super) fn distance(self, other: Self) -> f64 {
        let across = ((other.lon * DEGREE - self.lon * DEGREE) / 2.0).sin();
        if across == 0.0 {
            return distance_of_latitudes(self.lat, other.lat);
        }
        let (from, to) = (self.lat * DEGREE, other.lat * DEGREE);
        let along = ((to - from) / 2.0).sin();
        // The haversine formula.
        let square = along * along + from.cos() * to.cos() * across * across;
        2.0 * EARTH_RADIUS * square.sqrt().asin()
    }

    /// Answers the longitude and the latitude.
    pub(super) fn show(self, reply: &mut Reply<'_>) {
        reply.array(2);
        for degrees in [self.lon, self.lat] {
            let text = format!("{degrees:.17}");
            let text = text.trim_end_matches('0').trim_end_matches('.');
            reply.double_text(if text == "-0" { "0" } else { text });
        }
    }
}

/// Metres from one parallel to another.
pub(super) fn distance_of_latitudes(from: f64, to: f64) -> f64 {
    EARTH_RADIUS * (to * DEGREE - from * DEGREE).abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_palermo_to_catania() {
        let palermo = Position {
            lon: 13.361_389,
            lat: 38.115_556,
        };
        let catania = Position {
            lon: 15.087_269,
            lat: 37.502_669,
        };
        let metres = palermo.distance(catania);
        assert!((metres - 166_274.0).abs() < 1.0, "{metres}");
        assert!((catania.distance(palermo) - metres).abs() < 1e-6);
        assert_eq!(palermo.distance(palermo), 0.0);
        let pole = Position {
            lat: LAT_MAX,
            ..palermo
        };
        let metres = palermo.distance(pole);
        assert!((metres - distance_of_latitudes(38.115_556, LAT_MAX)).abs() < 1e-6);
    }
}
