//! Luck, for transactions that choose by chance: from a seed, so that a test can have the same luck twice.
//!
//! Not for secrets.

/// A stream of numbers that look as if nobody had chosen them.
#[derive(Clone, Debug)]
pub struct Random(u64);

/// How far the state moves with each number: odd, so that it comes by every state.
pub(crate) const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

impl Random {
    /// The stream of this seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        // SplitMix64: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014.
        self.0 = self.0.wrapping_add(STEP);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, each as likely as any other; 0 when there is none.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the product's upper half is below `end`"
    )]
    pub fn below(&mut self, end: usize) -> usize {
        let end = end as u64;
        loop {
            let product = u128::from(self.number()) * u128::from(end);
            // Of the lower halves, the first few would come up once more often than others.
            if product as u64 >= end.wrapping_neg().checked_rem(end).unwrap_or(0) {
                return (product >> 64) as usize;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_below_has_its_share() {
        let mut random = Random::new(7);
        let mut counts = [0; 6];
        for _ in 0..6_000 {
            counts[random.below(6)] += 1;
        }
        assert!(
            counts.iter().all(|count| (850..1_150).contains(count)),
            "{counts:?}"
        );
        assert_eq!((random.below(1), random.below(0)), (0, 0));
        assert_eq!(Random::new(3).number(), Random::new(3).number());
    }
}
