//! Wall-clock time as an argument: the store asks a [`Clock`], so that tests own the time.

use std::sync::atomic::{AtomicI64, Ordering};

/// Milliseconds since 1970-01-01 UTC; negative before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMillis(pub i64);

impl UnixMillis {
    /// The time `millis` later, or `None` when that cannot be expressed.
    #[must_use]
    pub fn checked_add(self, millis: i64) -> Option<Self> {
        self.0.checked_add(millis).map(Self)
    }
}

/// Where the time comes from.
pub trait Clock: Send + Sync + 'static {
    /// The time now. An implementation must be cheap and must not block.
    fn now(&self) -> UnixMillis;

    /// The time a few milliseconds ago at most: enough to say when something was used, and cheaper where that is
    /// asked for each look.
    fn lately(&self) -> UnixMillis {
        self.now()
    }
}

/// The operating system's wall clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> UnixMillis {
        let since_epoch = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        UnixMillis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }

    /// The time of the kernel's last tick: a read of memory, where [`SystemClock::now`] asks the processor's counter.
    #[cfg(target_os = "linux")]
    fn lately(&self) -> UnixMillis {
        let tick = rustix::time::clock_gettime(rustix::time::ClockId::RealtimeCoarse);
        UnixMillis(tick.tv_sec * 1_000 + tick.tv_nsec / 1_000_000)
    }
}

/// A clock that stands still until it is told: for tests and simulations.
#[derive(Debug, Default)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that shows `now`.
    #[must_use]
    pub fn new(now: UnixMillis) -> Self {
        Self(AtomicI64::new(now.0))
    }

    /// Moves the clock by `millis`.
    pub fn advance(&self, millis: i64) {
        self.0.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.0.load(Ordering::SeqCst))
    }
}
