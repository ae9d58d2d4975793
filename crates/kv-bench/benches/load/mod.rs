//! What the in-process benches share: keys, values and threads, the same for every engine.

#![allow(
    dead_code,
    reason = "each bench is a program of its own and uses a part of this"
)]

use std::time::{Duration, Instant};

/// The length of values, in bytes.
pub(crate) const VALUE_BYTES: usize = 64;

/// The value that is stored.
pub(crate) const VALUE: [u8; VALUE_BYTES] = [b'v'; VALUE_BYTES];

/// How many threads the multi-threaded benches use.
pub(crate) const THREADS: u64 = 4;

/// The 16-byte key with this number.
pub(crate) fn key(number: u64) -> [u8; 16] {
    let mut key = *b"key:000000000000";
    let mut rest = number;
    for digit in key[4..].iter_mut().rev() {
        *digit = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
    }
    key
}

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

/// Runs `work(n)` for each `n` below `times`, shared out over [`THREADS`] threads; how long all of it took.
pub(crate) fn timed_on_threads(times: u64, work: impl Fn(u64) + Sync) -> Duration {
    let began = Instant::now();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let work = &work;
            scope.spawn(move || {
                let mut number = thread;
                while number < times {
                    work(number);
                    number += THREADS;
                }
            });
        }
    });
    began.elapsed()
}
