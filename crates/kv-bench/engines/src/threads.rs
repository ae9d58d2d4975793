//! The threads of the measurements, and the time that each of their operations took.

use std::time::{Duration, Instant};

use anyhow::anyhow;

use crate::keys::{VALUE, key};

/// How many threads there are.
pub(crate) const THREADS: u64 = 4;

/// What timed operations took.
pub(crate) struct Timed {
    /// From the first beginning to the last end.
    whole: Duration,
    /// Each operation, shortest first.
    latencies: Vec<Duration>,
}

impl Timed {
    /// Operations a second, all threads together.
    pub(crate) fn per_second(&self) -> f64 {
        self.latencies.len() as f64 / self.whole.as_secs_f64()
    }

    /// What an operation took on average, in microseconds.
    pub(crate) fn average_us(&self) -> f64 {
        let sum: Duration = self.latencies.iter().sum();
        sum.as_secs_f64() * 1e6 / self.latencies.len() as f64
    }

    /// What `percent` of operations did not exceed, in microseconds.
    pub(crate) fn latency_us(&self, percent: f64) -> f64 {
        let last = self.latencies.len() - 1;
        let place = (last as f64 * percent / 100.0).round() as usize;
        self.latencies[place].as_secs_f64() * 1e6
    }
}

/// How long work is repeated at least: starting threads takes as long as some thousand reads.
const LONG_ENOUGH: Duration = Duration::from_millis(500);

/// Does `work` `times` times, shared out over the threads, each time with another key; and all of that again until
/// it has been long enough.
pub(crate) fn timed_times(
    times: u64,
    work: impl Fn(&[u8; 16], &[u8]) -> anyhow::Result<()> + Sync,
) -> anyhow::Result<Timed> {
    let mut all = timed(&work, |number, _| number < times)?;
    while all.whole < LONG_ENOUGH {
        let mut again = timed(&work, |number, _| number < times)?;
        all.whole += again.whole;
        all.latencies.append(&mut again.latencies);
    }
    all.latencies.sort_unstable();
    Ok(all)
}

/// Does `work` on all threads until `long` has passed, each time with another key.
pub(crate) fn timed_for(
    long: Duration,
    work: impl Fn(&[u8; 16], &[u8]) -> anyhow::Result<()> + Sync,
) -> anyhow::Result<Timed> {
    timed(work, |_, passed| passed < long)
}

/// Goes on while `goes_on` says so of the number of the next operation and of the time that has passed.
fn timed(
    work: impl Fn(&[u8; 16], &[u8]) -> anyhow::Result<()> + Sync,
    goes_on: impl Fn(u64, Duration) -> bool + Sync,
) -> anyhow::Result<Timed> {
    let began = Instant::now();
    let one_thread = |thread: u64| {
        let mut latencies = Vec::new();
        let mut number = thread;
        while goes_on(number, began.elapsed()) {
            let name = key(number);
            let start = Instant::now();
            work(&name, &VALUE)?;
            latencies.push(start.elapsed());
            number += THREADS;
        }
        anyhow::Ok(latencies)
    };
    let mut latencies = Vec::new();
    std::thread::scope(|scope| {
        let one_thread = &one_thread;
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| scope.spawn(move || one_thread(thread)))
            .collect();
        for thread in threads {
            let mut found = thread.join().map_err(|_| anyhow!("a thread panicked"))??;
            latencies.append(&mut found);
        }
        anyhow::Ok(())
    })?;
    let whole = began.elapsed();
    latencies.sort_unstable();
    anyhow::ensure!(!latencies.is_empty(), "nothing was measured");
    Ok(Timed { whole, latencies })
}
