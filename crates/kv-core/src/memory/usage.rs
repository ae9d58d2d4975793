//! When and how often entries are used, as far as 22 bits in each of them can say.
//!
//! Either the second of the last use, which comes round after 48 days; or a count of uses on a logarithmic scale,
//! which chance lets grow ever more slowly and time takes back, and the minute when it was last looked at, which
//! comes round after 11 days. What the bits mean is chosen for the whole store: [`Uses`]. After a change of mind
//! the old bits mean something else, until their entries are used again.
//!
//! Invariant: what is here says which entry goes first when room is made, and changes no data.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};

use crate::{Random, UnixMillis};

/// The bits of a stamp.
const STAMP_MASK: u32 = (1 << 22) - 1;

/// Beyond the bits of a stamp: set in one that counts uses.
const IS_COUNT: u32 = 1 << 31;

/// Bits of the count, below those of the minute.
const COUNT_BITS: u32 = 8;

/// The bits of a minute.
const MINUTE_MASK: u32 = STAMP_MASK >> COUNT_BITS;

/// The count of what is new: enough to outlive what is never used.
const COUNT_OF_NEW: u32 = 5;

/// What a store remembers of uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uses {
    /// When each entry was used last.
    Recency,
    /// How often each entry was used, of late.
    Frequency,
}

/// What is remembered, and how.
#[derive(Debug)]
pub(crate) struct Usage {
    counts: AtomicBool,
    /// How slowly counts grow.
    log_factor: AtomicU32,
    /// Minutes after which a count becomes less by one; 0: it does not.
    decay_minutes: AtomicU32,
}

impl Default for Usage {
    fn default() -> Self {
        Self {
            counts: AtomicBool::new(false),
            log_factor: AtomicU32::new(10),
            decay_minutes: AtomicU32::new(1),
        }
    }
}

impl Usage {
    pub(crate) fn remember(&self, uses: Uses, log_factor: u32, decay_minutes: u32) {
        self.counts.store(uses == Uses::Frequency, Relaxed);
        self.log_factor.store(log_factor, Relaxed);
        self.decay_minutes.store(decay_minutes, Relaxed);
    }

    /// What is remembered.
    pub(crate) fn remembered(&self) -> Uses {
        match self.counts() {
            true => Uses::Frequency,
            false => Uses::Recency,
        }
    }

    fn counts(&self) -> bool {
        self.counts.load(Relaxed)
    }

    /// The stamp of an entry that is made at `now`.
    #[inline]
    pub(crate) fn fresh(&self, now: UnixMillis) -> u32 {
        match self.counts() {
            false => second(now),
            true => counted(now, COUNT_OF_NEW) | IS_COUNT,
        }
    }

    /// Whether `stamp`, as [`Usage::fresh`] made it, counts uses: one that an entry has already is worth more.
    pub(crate) fn is_count(stamp: u32) -> bool {
        stamp & IS_COUNT != 0
    }

    /// The stamp of an entry that is used at `now`; `luck` is asked for when a count may grow.
    #[inline]
    pub(crate) fn used(&self, stamp: u32, now: UnixMillis, luck: impl FnOnce() -> Random) -> u32 {
        match self.counts() {
            false => second(now),
            true => self.used_again(stamp, now, luck),
        }
    }

    #[cold]
    fn used_again(&self, stamp: u32, now: UnixMillis, luck: impl FnOnce() -> Random) -> u32 {
        let count = self.count(stamp, now);
        let beyond = u64::from(count.saturating_sub(COUNT_OF_NEW));
        let one_in = beyond * u64::from(self.log_factor.load(Relaxed)) + 1;
        let one_in = usize::try_from(one_in).unwrap_or(usize::MAX);
        let grows = count < u8::MAX.into() && luck().below(one_in) == 0;
        counted(now, count + u32::from(grows))
    }

    /// How often an entry was used, of late, on a logarithmic scale from 0 to 255.
    pub(crate) fn count(&self, stamp: u32, now: UnixMillis) -> u32 {
        let decay_minutes = self.decay_minutes.load(Relaxed);
        let since = minute(now).wrapping_sub(stamp >> COUNT_BITS) & MINUTE_MASK;
        let lost = since.checked_div(decay_minutes).unwrap_or(0);
        (stamp & ((1 << COUNT_BITS) - 1)).saturating_sub(lost)
    }

    /// For how many seconds an entry has not been used.
    pub(crate) fn idle_s(stamp: u32, now: UnixMillis) -> u32 {
        second(now).wrapping_sub(stamp) & STAMP_MASK
    }

    /// The stamp of an entry that has not been used for `idle_s` seconds.
    pub(crate) fn idle_since(now: UnixMillis, idle_s: u32) -> u32 {
        second(now).wrapping_sub(idle_s.min(STAMP_MASK)) & STAMP_MASK
    }

    /// The larger it is, the sooner an entry of this stamp goes.
    pub(crate) fn staleness(&self, stamp: u32, now: UnixMillis) -> u32 {
        match self.counts() {
            false => Self::idle_s(stamp, now),
            true => u32::from(u8::MAX) - self.count(stamp, now),
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it comes round"
)]
fn second(now: UnixMillis) -> u32 {
    (now.0 / 1000) as u32 & STAMP_MASK
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it comes round"
)]
fn minute(now: UnixMillis) -> u32 {
    (now.0 / 60_000) as u32 & MINUTE_MASK
}

/// The stamp with this count, as of `now`.
pub(crate) fn counted(now: UnixMillis, count: u32) -> u32 {
    minute(now) << COUNT_BITS | count.min(u8::MAX.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: i64 = 86_400_000;

    #[test]
    fn seconds_come_round_after_weeks() {
        let usage = Usage::default();
        let begin = UnixMillis(DAY_MS * 20_000 + 999);
        let stamp = usage.fresh(begin);
        for seconds in [0, 1, 59, 86_400 * 40] {
            let now = UnixMillis(begin.0 + seconds * 1000);
            assert_eq!(i64::from(Usage::idle_s(stamp, now)), seconds);
        }
        assert_eq!(Usage::idle_s(Usage::idle_since(begin, 1000), begin), 1000);
    }

    #[test]
    fn counts_grow_by_use_and_shrink_with_time() {
        let usage = Usage::default();
        usage.remember(Uses::Frequency, 0, 1);
        let mut now = UnixMillis(DAY_MS * 20_000);
        let mut stamp = usage.fresh(now);
        for _ in 0..20 {
            stamp = usage.used(stamp, now, || Random::new(1));
        }
        assert_eq!(usage.count(stamp, now), 25);
        now.0 += 60_000 * 7;
        assert_eq!(usage.count(stamp, now), 18);
        assert!(usage.staleness(stamp, now) > usage.staleness(counted(now, 19), now));
        for _ in 0..1000 {
            stamp = usage.used(stamp, now, || Random::new(1));
        }
        assert_eq!(usage.count(stamp, now), 255);
        usage.remember(Uses::Frequency, 10, 0);
        now.0 += DAY_MS;
        assert_eq!(usage.count(stamp, now), 255);
    }
}
