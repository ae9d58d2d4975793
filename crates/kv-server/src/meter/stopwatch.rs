//! How long a request takes, measured exactly where that costs nothing to speak of, and cheaply elsewhere.

use rustix::time::{ClockId, clock_gettime};

/// Measures one request after the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch {
    clock: ClockId,
    begun: u64,
}

impl Stopwatch {
    /// Begins; `exact`: with the clock that shows every nanosecond, or with one that costs a tenth of it and
    /// moves on every few milliseconds.
    pub(crate) fn begin(exact: bool) -> Self {
        let clock = match exact {
            true => ClockId::Monotonic,
            false => ClockId::MonotonicCoarse,
        };
        let begun = nanos(clock);
        Self { clock, begun }
    }

    /// The nanoseconds since it began.
    pub(crate) fn nanos(&self) -> u64 {
        nanos(self.clock).saturating_sub(self.begun)
    }
}

fn nanos(clock: ClockId) -> u64 {
    let time = clock_gettime(clock);
    let (seconds, nanos) = (time.tv_sec.cast_unsigned(), time.tv_nsec.cast_unsigned());
    seconds.wrapping_mul(1_000_000_000).wrapping_add(nanos)
}
