//! Numbers drawn by lot, for commands that are to answer something arbitrary. Not for secrets.

use std::hash::{BuildHasher, RandomState};

/// A number, all equally likely.
pub(crate) fn draw() -> u64 {
    // Each state has keys of its own.
    RandomState::new().hash_one(0_u8)
}

/// A number below `count`; 0 when there is none.
pub(crate) fn below(count: usize) -> usize {
    let product = u128::from(draw()) * count as u128;
    usize::try_from(product >> u64::BITS).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::below;

    #[test]
    fn every_number_comes_and_no_other() {
        let mut seen = [false; 5];
        (0..1_000).for_each(|_| seen[below(5)] = true);
        assert_eq!(seen, [true; 5]);
        assert_eq!(below(0), 0);
        assert_eq!(below(1), 0);
    }
}
