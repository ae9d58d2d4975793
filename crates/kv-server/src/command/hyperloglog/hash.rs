//! The hash of an element: MurmurHash64A, and what a sketch takes from it.

/// The seed that every sketch uses, so that sketches made elsewhere can be merged.
const SEED: u64 = 0xadc8_3b19;

/// Bits of a hash that choose a register.
pub(super) const INDEX_BITS: u32 = 14;

/// The register of `element`, and the number that this register is at least: how many zeros the rest of the hash
/// ends with, and one.
#[expect(
    clippy::cast_possible_truncation,
    reason = "14 bits, and a number of at most 51"
)]
pub(super) fn register_of(element: &[u8]) -> (usize, u8) {
    let hash = murmur(element, SEED);
    let index = hash & ((1 << INDEX_BITS) - 1);
    // The bit behind the last one ends every run of zeros.
    let rest = hash >> INDEX_BITS | 1 << (64 - INDEX_BITS);
    (index as usize, rest.trailing_zeros() as u8 + 1)
}

fn murmur(bytes: &[u8], seed: u64) -> u64 {
    const FACTOR: u64 = 0xc6a4_a793_5bd1_e995;
    let mix = |word: u64| {
        let word = word.wrapping_mul(FACTOR);
        (word ^ word >> 47).wrapping_mul(FACTOR)
    };
    let mut hash = seed ^ (bytes.len() as u64).wrapping_mul(FACTOR);
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        hash = (hash ^ mix(u64::from_le_bytes(*word))).wrapping_mul(FACTOR);
    }
    if !rest.is_empty() {
        let mut word = [0; 8];
        word[..rest.len()].copy_from_slice(rest);
        hash = (hash ^ u64::from_le_bytes(word)).wrapping_mul(FACTOR);
    }
    hash = (hash ^ hash >> 47).wrapping_mul(FACTOR);
    hash ^ hash >> 47
}
