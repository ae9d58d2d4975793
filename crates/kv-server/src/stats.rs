//! Counters of what the server has done, for `INFO`.
//!
//! Each serving thread counts on a cache line of its own, once for a batch of requests; reading adds the
//! threads up.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use kv_core::MemoryStats;

use crate::meter::{ErrorCodes, Meters};

/// What one serving thread has done.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct WorkerStats {
    /// Requests that were run, failed ones included.
    pub(crate) commands: AtomicU64,
    /// Error replies.
    pub(crate) errors: AtomicU64,
    /// Bytes that came in.
    pub(crate) input_bytes: AtomicU64,
    /// Bytes that went out.
    pub(crate) output_bytes: AtomicU64,
    /// What each command cost.
    pub(crate) meters: Meters,
    /// Connections that this thread serves now.
    pub(crate) sessions: AtomicU64,
}

/// What all threads have done.
#[derive(Debug)]
pub(crate) struct Stats {
    workers: Box<[WorkerStats]>,
    /// How often errors of each code were answered.
    pub(crate) error_codes: ErrorCodes,
    /// Connections that were accepted.
    pub(crate) connections: AtomicU64,
    /// Connections that were turned away because there were too many.
    pub(crate) rejected: AtomicU64,
    /// Connections that were closed to save memory.
    pub(crate) evicted_clients: AtomicU64,
    /// Requests a second, as of the last look.
    commands_per_second: AtomicU64,
    /// Requests at the last look.
    commands_seen: AtomicU64,
    /// What the store had counted when the counters were last started again.
    pub(crate) store_before: Mutex<MemoryStats>,
}

/// The sums over all threads at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Totals {
    pub(crate) commands: u64,
    pub(crate) errors: u64,
    pub(crate) input_bytes: u64,
    pub(crate) output_bytes: u64,
}

impl Stats {
    pub(crate) fn new(workers: usize) -> Self {
        Self {
            workers: (0..workers).map(|_| WorkerStats::default()).collect(),
            error_codes: ErrorCodes::default(),
            connections: AtomicU64::new(0),
            rejected: AtomicU64::new(0),
            evicted_clients: AtomicU64::new(0),
            commands_per_second: AtomicU64::new(0),
            commands_seen: AtomicU64::new(0),
            store_before: Mutex::default(),
        }
    }

    /// The counters of thread `worker`.
    pub(crate) fn worker(&self, worker: usize) -> &WorkerStats {
        &self.workers[worker]
    }

    /// The counters of every thread, by number.
    pub(crate) fn workers(&self) -> &[WorkerStats] {
        &self.workers
    }

    pub(crate) fn totals(&self) -> Totals {
        self.workers
            .iter()
            .fold(Totals::default(), |sum, worker| Totals {
                commands: sum.commands + worker.commands.load(Ordering::Relaxed),
                errors: sum.errors + worker.errors.load(Ordering::Relaxed),
                input_bytes: sum.input_bytes + worker.input_bytes.load(Ordering::Relaxed),
                output_bytes: sum.output_bytes + worker.output_bytes.load(Ordering::Relaxed),
            })
    }

    /// Requests a second over the last second.
    pub(crate) fn commands_per_second(&self) -> u64 {
        self.commands_per_second.load(Ordering::Relaxed)
    }

    /// Takes the rate since the last call; to be called once a second.
    pub(crate) fn sample_rate(&self) {
        let commands = self.totals().commands;
        let before = self.commands_seen.swap(commands, Ordering::Relaxed);
        self.commands_per_second
            .store(commands.saturating_sub(before), Ordering::Relaxed);
    }

    /// Starts the counters again at zero, as `CONFIG RESETSTAT` does; what is open stays counted.
    pub(crate) fn reset(&self) {
        self.error_codes.reset();
        for worker in &self.workers {
            worker.meters.reset();
            for counter in [
                &worker.commands,
                &worker.errors,
                &worker.input_bytes,
                &worker.output_bytes,
            ] {
                counter.store(0, Ordering::Relaxed);
            }
        }
        for counter in [
            &self.connections,
            &self.rejected,
            &self.evicted_clients,
            &self.commands_seen,
        ] {
            counter.store(0, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_add_the_threads_up() {
        let stats = Stats::new(2);
        stats.worker(0).commands.store(3, Ordering::Relaxed);
        stats.worker(1).commands.store(4, Ordering::Relaxed);
        assert_eq!(stats.totals().commands, 7);
        stats.sample_rate();
        assert_eq!(stats.commands_per_second(), 7);
        stats.reset();
        assert_eq!(stats.totals().commands, 0);
    }
}
