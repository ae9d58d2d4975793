//! Chance inside of scripts: the same numbers after each start as in Redis, and the same after each `randomseed`.
//!
//! The generator is the one of 48 bits that `drand48` of the C library names: a state times a constant plus another.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

const FACTOR: u64 = 0x5_DEEC_E66D;
const SUMMAND: u64 = 0xB;
const STATE: u64 = (1 << 48) - 1;

/// The largest number drawn, and one more than the largest result of a draw.
const DRAWN_MAX: u64 = i32::MAX as u64;

/// One stream of numbers, which all interpreters draw from.
#[derive(Debug)]
pub(super) struct Chance(AtomicU64);

impl Chance {
    /// The stream that nobody has seeded.
    pub(super) fn new() -> Self {
        Self(AtomicU64::new(0x1234_ABCD_330E))
    }

    /// Begins the stream of `seed`.
    pub(super) fn seed(&self, seed: u32) {
        self.0.store((u64::from(seed) << 16) | 0x330E, Relaxed);
    }

    /// The next number, at least 0 and below 1.
    pub(super) fn draw(&self) -> f64 {
        let next = |state: u64| state.wrapping_mul(FACTOR).wrapping_add(SUMMAND) & STATE;
        let before = self
            .0
            .fetch_update(Relaxed, Relaxed, |state| Some(next(state)));
        let state = before.map_or(0, next);
        let drawn = (state >> 17) % DRAWN_MAX;
        drawn as f64 / DRAWN_MAX as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_redis() {
        let chance = Chance::new();
        let drawn = [chance.draw(), chance.draw()].map(|drawn| format!("{drawn:.14}"));
        assert_eq!(drawn, ["0.39646477363839", "0.84048536971234"]);
        chance.seed(5);
        assert_eq!(format!("{:.14}", chance.draw()), "0.52483957937213");
    }
}
