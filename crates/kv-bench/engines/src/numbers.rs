//! Which keys the in-process benches look at, the same for every engine.

/// A cheap sequence of numbers in random order (splitmix64).
pub(crate) struct Numbers(u64);

impl Numbers {
    /// The sequence that `seed` begins.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number below `count`.
    pub(crate) fn below(&mut self, count: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let wide = u128::from(mixed ^ (mixed >> 31)) * u128::from(count);
        u64::try_from(wide >> 64).unwrap_or(0)
    }
}
