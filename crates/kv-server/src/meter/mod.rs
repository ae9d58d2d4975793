//! What each command cost: how often it ran, how long it took, how often it failed; and what stood out.
//!
//! Each serving thread counts in tables of its own; reading adds the threads up. A request that comes alone is
//! timed with the exact clock. Requests that come many at a time are timed with one that is nearly free and
//! moves on every few milliseconds: single times are rough then, sums are not, and what takes long is found
//! all the same.

pub(crate) mod journal;
pub(crate) mod latency;
mod stopwatch;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

pub(crate) use self::stopwatch::Stopwatch;
use crate::command::spec::CommandSpec;
use crate::command::table;

/// How many powers of two of microseconds are told apart: the last is more than half an hour.
const BUCKETS: usize = 32;

/// The table of one serving thread.
#[derive(Debug)]
pub(crate) struct Meters(Box<[Meter]>);

impl Default for Meters {
    fn default() -> Self {
        Self(NUMBERS.specs.iter().map(|_| Meter::default()).collect())
    }
}

/// What one thread counts of one command. Only that thread counts; others read, and reset.
#[derive(Debug, Default)]
struct Meter {
    calls: AtomicU64,
    nanos: AtomicU64,
    rejected: AtomicU64,
    failed: AtomicU64,
    buckets: [AtomicU64; BUCKETS],
}

/// What all threads have counted of one command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Metered {
    /// How often it ran, failures included.
    pub(crate) calls: u64,
    /// How long it ran in all, in nanoseconds.
    pub(crate) nanos: u64,
    /// How often it was refused before it ran.
    pub(crate) rejected: u64,
    /// How often it failed.
    pub(crate) failed: u64,
    /// How often it took up to 1, 2, 4, ... microseconds and no less than half of that.
    pub(crate) buckets: [u64; BUCKETS],
}

impl Meters {
    /// `spec` ran.
    #[inline]
    pub(crate) fn ran(&self, spec: &CommandSpec, nanos: u64, failed: bool) {
        let Some(meter) = self.of(spec) else { return };
        add(&meter.calls, 1);
        add(&meter.nanos, nanos);
        if failed {
            add(&meter.failed, 1);
        }
        add(&meter.buckets[bucket(nanos)], 1);
    }

    /// `spec` ran so many times, each time for a microsecond at most and without failing.
    pub(crate) fn ran_quickly(&self, spec: &CommandSpec, calls: u64, nanos: u64) {
        let Some(meter) = self.of(spec) else { return };
        add(&meter.calls, calls);
        add(&meter.nanos, nanos);
        add(&meter.buckets[0], calls);
    }

    /// `spec` was refused.
    pub(crate) fn rejected(&self, spec: &CommandSpec) {
        if let Some(meter) = self.of(spec) {
            add(&meter.rejected, 1);
        }
    }

    /// Counts from zero again.
    pub(crate) fn reset(&self) {
        for meter in &self.0 {
            let counters = [&meter.calls, &meter.nanos, &meter.rejected, &meter.failed];
            for counter in counters.into_iter().chain(&meter.buckets) {
                counter.store(0, Relaxed);
            }
        }
    }

    fn of(&self, spec: &CommandSpec) -> Option<&Meter> {
        self.0.get(NUMBERS.of(spec)?)
    }
}

/// One writer only: no other thread's addition can be lost.
fn add(counter: &AtomicU64, more: u64) {
    counter.store(counter.load(Relaxed).wrapping_add(more), Relaxed);
}

/// The number of the first power of two of microseconds that is no less than `nanos`.
fn bucket(nanos: u64) -> usize {
    let micros = nanos.div_ceil(1000).max(1);
    (micros.next_power_of_two().trailing_zeros() as usize).min(BUCKETS - 1)
}

/// What the threads have counted of every command that was asked for, by name.
pub(crate) fn sums<'m>(
    tables: impl Iterator<Item = &'m Meters>,
) -> Vec<(&'static CommandSpec, Metered)> {
    let mut sums = vec![Metered::default(); NUMBERS.specs.len()];
    for table in tables {
        for (sum, meter) in sums.iter_mut().zip(&table.0) {
            sum.calls += meter.calls.load(Relaxed);
            sum.nanos += meter.nanos.load(Relaxed);
            sum.rejected += meter.rejected.load(Relaxed);
            sum.failed += meter.failed.load(Relaxed);
            for (sum, bucket) in sum.buckets.iter_mut().zip(&meter.buckets) {
                *sum += bucket.load(Relaxed);
            }
        }
    }
    let all = NUMBERS.specs.iter().copied().zip(sums);
    let mut asked: Vec<_> = all
        .filter(|(_, sum)| sum.calls + sum.rejected + sum.failed > 0)
        .collect();
    asked.sort_unstable_by_key(|(spec, _)| spec.name);
    asked
}

impl Metered {
    /// How often it took no longer than so many microseconds, for each power of two that makes a difference.
    pub(crate) fn histogram(&self) -> Vec<(u64, u64)> {
        let mut so_far = 0;
        let mut rows = Vec::new();
        for (power, &count) in self.buckets.iter().enumerate() {
            if count > 0 {
                so_far += count;
                rows.push((1 << power, so_far));
            }
        }
        rows
    }

    /// The microseconds within which `percent` of the calls were done, to the next power of two.
    pub(crate) fn percentile(&self, percent: f64) -> u64 {
        let needed = self.calls as f64 * percent / 100.0;
        let rows = self.histogram();
        let found = rows.iter().find(|(_, count)| *count as f64 >= needed);
        found.or(rows.last()).map_or(0, |(micros, _)| *micros)
    }
}

/// How often errors of each code were answered.
#[derive(Debug, Default)]
pub(crate) struct ErrorCodes(Mutex<BTreeMap<String, u64>>);

/// How many codes are told apart: more can only come from clients that make them up.
const CODES_MAX: usize = 128;

impl ErrorCodes {
    /// An error with this code was answered.
    pub(crate) fn add(&self, code: &str) {
        self.add_many(code, 1);
    }

    /// So many errors with this code were answered.
    pub(crate) fn add_many(&self, code: &str, more: u64) {
        let mut codes = self.codes();
        let has_room = codes.len() < CODES_MAX;
        match codes.get_mut(code) {
            Some(count) => *count += more,
            None if has_room => drop(codes.insert(code.to_owned(), more)),
            None => {}
        }
    }

    /// Every code and how often it was answered, by name.
    pub(crate) fn all(&self) -> Vec<(String, u64)> {
        let codes = self.codes();
        codes
            .iter()
            .map(|(code, count)| (code.clone(), *count))
            .collect()
    }

    /// Counts from zero again.
    pub(crate) fn reset(&self) {
        self.codes().clear();
    }

    fn codes(&self) -> MutexGuard<'_, BTreeMap<String, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

static NUMBERS: LazyLock<Numbers> = LazyLock::new(Numbers::new);

/// A number for each command and subcommand, found by where its spec is.
struct Numbers {
    specs: Vec<&'static CommandSpec>,
    /// Open-addressed, a quarter full: addresses and numbers.
    slots: Box<[(usize, usize)]>,
}

impl Numbers {
    fn new() -> Self {
        let specs: Vec<&CommandSpec> = table::commands()
            .flat_map(|spec| std::iter::once(spec).chain(spec.subcommands()))
            .collect();
        let mut slots = vec![(0, 0); (specs.len() * 4).next_power_of_two()];
        for (number, spec) in specs.iter().enumerate() {
            let address = address(spec);
            let mut place = home(address) & (slots.len() - 1);
            while slots[place].0 != 0 {
                place = (place + 1) & (slots.len() - 1);
            }
            slots[place] = (address, number);
        }
        Self {
            specs,
            slots: slots.into(),
        }
    }

    fn of(&self, spec: &CommandSpec) -> Option<usize> {
        let (address, mask) = (address(spec), self.slots.len() - 1);
        let mut place = home(address) & mask;
        loop {
            match self.slots[place] {
                (found, number) if found == address => return Some(number),
                (0, _) => return None,
                _ => place = (place + 1) & mask,
            }
        }
    }
}

fn address(spec: &CommandSpec) -> usize {
    std::ptr::from_ref(spec).addr()
}

fn home(address: usize) -> usize {
    (address / size_of::<CommandSpec>()).wrapping_mul(0x9E37_79B9) >> 4
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(name: &str) -> &'static CommandSpec {
        table::find_by_name(name.as_bytes()).unwrap()
    }

    #[test]
    fn every_command_has_a_number_of_its_own() {
        for (number, spec) in NUMBERS.specs.iter().enumerate() {
            assert_eq!(NUMBERS.of(spec), Some(number), "{}", spec.name);
        }
    }

    #[test]
    fn threads_are_added_up() {
        let threads = [Meters::default(), Meters::default()];
        threads[0].ran(spec("get"), 1_500, false);
        threads[1].ran(spec("get"), 40_000, true);
        threads[1].ran_quickly(spec("get"), 3, 500);
        threads[1].rejected(spec("client|list"));
        let sums = sums(threads.iter());
        let names: Vec<_> = sums.iter().map(|(spec, _)| spec.name).collect();
        assert_eq!(names, ["CLIENT|LIST", "GET"]);
        let get = &sums[1].1;
        assert_eq!((get.calls, get.nanos, get.failed), (5, 42_000, 1));
        assert_eq!(get.histogram(), [(1, 3), (2, 4), (64, 5)]);
        assert_eq!((get.percentile(50.0), get.percentile(99.0)), (1, 64));
        threads.iter().for_each(Meters::reset);
        assert!(super::sums(threads.iter()).is_empty());
    }

    #[test]
    fn times_fall_into_powers_of_two() {
        for (nanos, power) in [(0, 0), (1_000, 0), (1_001, 1), (2_000, 1), (2_001, 2)] {
            assert_eq!(bucket(nanos), power, "{nanos}");
        }
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }
}
