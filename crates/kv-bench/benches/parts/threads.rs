//! The threads of the in-process benches.

use std::time::{Duration, Instant};

/// How many threads the multi-threaded benches use.
pub(crate) const THREADS: u64 = 4;

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
