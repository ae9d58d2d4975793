//! How many distinct elements a sketch has seen, from its registers.
//!
//! The estimator of Otmar Ertl, "New cardinality estimation algorithms for HyperLogLog sketches" (2017), in its
//! improved raw form: no corrections, no tables.

use super::hash::INDEX_BITS;
use super::registers::REGISTERS;

/// The most zeros that the rest of a hash can end with.
const ZEROS_MAX: usize = 64 - INDEX_BITS as usize;

/// 1 / (2 ln 2)
const ALPHA: f64 = 0.721_347_520_444_481_7;

/// The estimate for registers of which `histogram` says how many hold each number.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float becomes the nearest integer there is"
)]
pub(super) fn estimate(histogram: &[u32; 64]) -> u64 {
    let registers = REGISTERS as f64;
    let full = f64::from(histogram[ZEROS_MAX + 1]);
    let empty = f64::from(histogram[0]);
    let mut sum = registers * tau((registers - full) / registers);
    for count in histogram[1..=ZEROS_MAX].iter().rev() {
        sum = (sum + f64::from(*count)) * 0.5;
    }
    sum += registers * sigma(empty / registers);
    (ALPHA * registers * registers / sum).round() as u64
}

/// x + the sum of x^(2^k) * 2^(k-1) over all k > 0.
fn sigma(mut x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut weight, mut sum) = (1.0, x);
    loop {
        x *= x;
        let before = sum;
        sum += x * weight;
        weight += weight;
        if sum == before {
            return sum;
        }
    }
}

/// A third of: 1 - x - the sum of (1 - x^(2^-k))^2 * 2^-k over all k > 0.
fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut weight, mut sum) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = sum;
        weight *= 0.5;
        sum -= (1.0 - x).powi(2) * weight;
        if sum == before {
            return sum / 3.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::hash::register_of;
    use super::super::registers::Registers;
    use super::*;

    #[test]
    fn estimates_are_near_the_truth() {
        let mut registers = Registers::new();
        assert_eq!(estimate(&registers.histogram()), 0);
        let mut added = 0_u32;
        for until in [1_u32, 10, 100, 1_000, 10_000, 100_000] {
            while added < until {
                let (index, value) = register_of(&added.to_le_bytes());
                registers.raise(index, value);
                added += 1;
            }
            let error = estimate(&registers.histogram()) as f64 / f64::from(until) - 1.0;
            assert!(error.abs() < 0.03, "{until}: {error}");
        }
    }

    #[test]
    fn full_registers_end_the_sum() {
        let mut histogram = [0; 64];
        histogram[ZEROS_MAX + 1] = u32::try_from(REGISTERS).unwrap();
        assert!(estimate(&histogram) > 1 << 60);
    }
}
