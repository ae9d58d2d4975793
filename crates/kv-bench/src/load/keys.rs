//! Which key the next request names.
//!
//! Invariant: a key is 16 bytes: four that name the range, then its number in twelve digits.

use rand::Rng as _;
use rand::rngs::StdRng;
use rand_distr::{Distribution as _, Zipf};

/// The length of every key, in bytes.
pub(super) const KEY_BYTES: usize = 16;

/// The most keys that twelve digits can number.
pub const KEYS_MAX: u64 = 1_000_000_000_000;

/// The exponent of the zipf distribution: that of YCSB, where one in a million keys gets 7 % of requests.
const ZIPF_EXPONENT: f64 = 0.99;

/// How requests spread over keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum KeyDistribution {
    /// Every key as often as any other.
    Uniform,
    /// Few keys very often, most keys rarely.
    Zipf,
    /// Each key once, in order, then again from the first: what fills a server.
    Sequential,
}

/// The keys of a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyRange {
    /// The first four bytes of every key.
    pub prefix: [u8; 4],
    /// How many keys, 1 to [`KEYS_MAX`].
    pub count: u64,
    /// How requests spread over them.
    pub distribution: KeyDistribution,
}

/// Draws key numbers. Several pickers of one range, told apart by their number, share a sequence evenly.
#[derive(Debug)]
pub(super) struct KeyPicker {
    count: u64,
    draw: Draw,
}

#[derive(Debug)]
enum Draw {
    Uniform,
    Zipf(Zipf<f64>),
    Sequential { next: u64, stride: u64 },
}

impl KeyPicker {
    /// The picker `number` of `pickers`.
    pub(super) fn new(range: KeyRange, number: u64, pickers: u64) -> Self {
        let draw = match range.distribution {
            KeyDistribution::Uniform => Draw::Uniform,
            KeyDistribution::Zipf => zipf(range.count),
            KeyDistribution::Sequential => Draw::Sequential {
                next: number % range.count,
                stride: pickers,
            },
        };
        Self {
            count: range.count,
            draw,
        }
    }

    /// The next key's number, below the range's count.
    pub(super) fn next(&mut self, rng: &mut StdRng) -> u64 {
        match &mut self.draw {
            // A bias of count / 2^64 is nothing here, and this is half the cost of an even draw.
            Draw::Uniform => {
                let wide = u128::from(rng.next_u64()) * u128::from(self.count);
                u64::try_from(wide >> 64).unwrap_or(0)
            }
            Draw::Zipf(zipf) => rank(zipf.sample(rng), self.count),
            Draw::Sequential { next, stride } => {
                let number = *next;
                *next = (number + *stride) % self.count;
                number
            }
        }
    }
}

fn zipf(count: u64) -> Draw {
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts stay below 2^53, see KEYS_MAX"
    )]
    let n = count as f64;
    Zipf::new(n, ZIPF_EXPONENT).map_or(Draw::Uniform, Draw::Zipf)
}

/// The key number of a zipf sample, which counts from 1.
fn rank(sample: f64, count: u64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float to int cast saturates, and the result is bounded below"
    )]
    let place = sample as u64;
    place.saturating_sub(1).min(count - 1)
}

/// Writes the name of key `number` of the range `prefix`.
pub(super) fn key_name(prefix: [u8; 4], number: u64) -> [u8; KEY_BYTES] {
    let mut name = [b'0'; KEY_BYTES];
    name[..4].copy_from_slice(&prefix);
    let mut rest = number;
    for digit in name[4..].iter_mut().rev() {
        *digit = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
    }
    name
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    fn range(count: u64, distribution: KeyDistribution) -> KeyRange {
        KeyRange {
            prefix: *b"key:",
            count,
            distribution,
        }
    }

    #[test]
    fn names_are_sixteen_bytes() {
        assert_eq!(&key_name(*b"key:", 0), b"key:000000000000");
        assert_eq!(&key_name(*b"ctr:", KEYS_MAX - 1), b"ctr:999999999999");
    }

    #[test]
    fn pickers_share_a_sequence_without_overlap() {
        let mut rng = StdRng::seed_from_u64(1);
        let mut seen: Vec<u64> = Vec::new();
        for number in 0..3 {
            let mut picker = KeyPicker::new(range(9, KeyDistribution::Sequential), number, 3);
            seen.extend((0..3).map(|_| picker.next(&mut rng)));
        }
        seen.sort_unstable();
        assert_eq!(seen, (0..9).collect::<Vec<_>>());
    }

    #[test]
    fn draws_stay_in_range_and_zipf_prefers_the_first() {
        let mut rng = StdRng::seed_from_u64(1);
        let mut uniform = KeyPicker::new(range(1_000, KeyDistribution::Uniform), 0, 1);
        let mut zipf = KeyPicker::new(range(1_000, KeyDistribution::Zipf), 0, 1);
        let (mut first_uniform, mut first_zipf) = (0, 0);
        for _ in 0..10_000 {
            let (even, skewed) = (uniform.next(&mut rng), zipf.next(&mut rng));
            assert!(even < 1_000 && skewed < 1_000);
            first_uniform += u32::from(even == 0);
            first_zipf += u32::from(skewed == 0);
        }
        assert!(first_uniform < 50, "{first_uniform}");
        assert!(first_zipf > 500, "{first_zipf}");
    }

    #[test]
    fn one_key_is_always_that_key() {
        let mut rng = StdRng::seed_from_u64(1);
        for distribution in [
            KeyDistribution::Uniform,
            KeyDistribution::Zipf,
            KeyDistribution::Sequential,
        ] {
            let mut picker = KeyPicker::new(range(1, distribution), 0, 2);
            assert_eq!(picker.next(&mut rng), 0);
            assert_eq!(picker.next(&mut rng), 0);
        }
    }
}
