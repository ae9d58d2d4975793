//! When requests begin: each after the reply to the one before, or at a fixed rate whatever the server does.
//!
//! At a fixed rate the latency of a request counts from the moment at which it was due, not from when it was
//! sent. So a server that stalls is charged for everybody who had to wait meanwhile; a generator that waits
//! with it would charge only the one request that was under way (coordinated omission).

use std::time::Duration;

/// How requests follow one another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// Closed loop: each connection sends a batch, waits for all its replies, sends the next.
    Closed,
    /// Open loop: this many requests a second, all connections together.
    Open {
        /// Requests a second, above 0.
        per_second: f64,
    },
}

/// The due times of the requests of one worker, evenly spaced. Times are in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schedule {
    first_ns: u64,
    interval_ns: f64,
    issued: u64,
}

impl Schedule {
    /// One that is due `per_second` times a second from `first_ns` on.
    pub(super) fn new(first_ns: u64, per_second: f64) -> Self {
        Self {
            first_ns,
            interval_ns: 1e9 / per_second,
            issued: 0,
        }
    }

    /// When the next request is due.
    pub(super) fn next_due_ns(&self) -> u64 {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "exact to a nanosecond for 104 days of load; the cast back saturates"
        )]
        let offset_ns = (self.issued as f64 * self.interval_ns) as u64;
        self.first_ns.saturating_add(offset_ns)
    }

    /// Passes to the next request.
    pub(super) fn issue(&mut self) {
        self.issued += 1;
    }

    /// How many requests were due before `end_ns` and were never issued, because no connection was free.
    pub(super) fn missed_before(&self, end_ns: u64) -> u64 {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "as in next_due_ns"
        )]
        let due = (end_ns.saturating_sub(self.first_ns) as f64 / self.interval_ns).ceil() as u64;
        due.saturating_sub(self.issued)
    }
}

/// How long a load goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// For this long, after the warm-up.
    After(Duration),
    /// Until this many requests have their replies; without a warm-up.
    Requests(u64),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn due_times_are_even() {
        let mut schedule = Schedule::new(1_000, 3e6);
        let due: Vec<u64> = (0..4)
            .map(|_| {
                let due_ns = schedule.next_due_ns();
                schedule.issue();
                due_ns
            })
            .collect();
        assert_eq!(due, [1_000, 1_333, 1_666, 2_000]);
    }

    #[test]
    fn what_was_never_issued_is_counted() {
        let mut schedule = Schedule::new(0, 1e6);
        schedule.issue();
        assert_eq!(schedule.missed_before(10_000), 9);
        assert_eq!(schedule.missed_before(0), 0);
    }
}
