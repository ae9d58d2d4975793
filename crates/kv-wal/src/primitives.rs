//! What the threads of the log meet at: locks, atomics, parking, time. Those of the standard library, and
//! under `--cfg kv_shuttle` or `--cfg kv_loom` those of a scheduler that a test owns, so that the code which is shipped is the
//! code whose schedules are searched (`schedules`).
//!
//! Invariant: nothing but names is here in an ordinary build.

#[cfg(not(any(kv_shuttle, kv_loom)))]
mod chosen {
    pub(crate) use std::sync::{Condvar, Mutex, MutexGuard, atomic};
    pub(crate) use std::thread;
    pub(crate) use std::time::Instant;
}

#[cfg(kv_shuttle)]
mod chosen {
    pub(crate) use shuttle::sync::{Condvar, Mutex, MutexGuard, atomic};

    pub(crate) use super::virtual_time::Instant;

    /// As [`std::thread`], but a pause that ends by itself lets virtual time pass.
    pub(crate) mod thread {
        use std::time::Duration;

        pub(crate) use shuttle::thread::*;

        pub(crate) fn park_timeout(at_most: Duration) {
            super::super::virtual_time::pass(at_most);
            yield_now();
        }
    }
}

#[cfg(kv_loom)]
mod chosen {
    pub(crate) use loom::sync::{Condvar, Mutex, MutexGuard, atomic};

    pub(crate) use super::virtual_time::Instant;

    /// As [`std::thread`], but a pause that ends by itself lets virtual time pass.
    pub(crate) mod thread {
        use std::time::Duration;

        pub(crate) use loom::thread::*;
        pub(crate) use std::thread::panicking;

        pub(crate) fn park_timeout(at_most: Duration) {
            super::super::virtual_time::pass(at_most);
            yield_now();
        }
    }
}

/// Time that passes only when a test lets it, the same for all threads of one schedule.
#[cfg(any(kv_shuttle, kv_loom))]
mod virtual_time {
    use std::cell::Cell;
    use std::time::Duration;

    thread_local! {
        // A scheduler runs all its threads on one thread of the operating system.
        static NOW: Cell<Duration> = const { Cell::new(Duration::ZERO) };
    }

    pub(crate) fn pass(time: Duration) {
        NOW.set(NOW.get() + time);
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    pub(crate) struct Instant(Duration);

    impl Instant {
        pub(crate) fn now() -> Self {
            Self(NOW.get())
        }

        pub(crate) fn elapsed(&self) -> Duration {
            NOW.get().saturating_sub(self.0)
        }
    }
}

pub(crate) use chosen::{Condvar, Instant, Mutex, MutexGuard, atomic, thread};
#[cfg(all(test, any(kv_shuttle, kv_loom)))]
pub(crate) use virtual_time::pass as let_time_pass;
