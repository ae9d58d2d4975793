//! Moments at which the server took long, by what it was doing: `LATENCY` shows them.
//!
//! Invariant: of each event at most [`SAMPLES_MAX`] moments are kept, one a second.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Moments of one event that are kept.
pub(crate) const SAMPLES_MAX: usize = 160;

/// All events.
#[derive(Debug, Default)]
pub(crate) struct Latency {
    /// Milliseconds from which on a moment counts; 0: none does.
    pub(crate) threshold_ms: AtomicU64,
    events: Mutex<BTreeMap<&'static str, Series>>,
}

/// The moments of one event.
#[derive(Clone, Debug, Default)]
pub(crate) struct Series {
    /// Seconds since 1970, and milliseconds; the oldest first.
    pub(crate) samples: VecDeque<(i64, u64)>,
    /// The longest of all, those that are forgotten included.
    pub(crate) worst_ms: u64,
    /// The sum of all, in milliseconds.
    pub(crate) sum_ms: u64,
    /// How many there were.
    pub(crate) count: u64,
}

impl Latency {
    /// `event` took so long, and ended at `time_s`.
    pub(crate) fn took(&self, event: &'static str, time_s: i64, millis: u64) {
        let threshold_ms = self.threshold_ms.load(Relaxed);
        if threshold_ms == 0 || millis < threshold_ms {
            return;
        }
        let mut events = self.events();
        let series = events.entry(event).or_default();
        series.worst_ms = series.worst_ms.max(millis);
        series.sum_ms += millis;
        series.count += 1;
        match series.samples.back_mut() {
            Some((last_s, longest)) if *last_s == time_s => *longest = millis.max(*longest),
            _ => series.samples.push_back((time_s, millis)),
        }
        if series.samples.len() > SAMPLES_MAX {
            series.samples.pop_front();
        }
    }

    /// Every event that took long, by name.
    pub(crate) fn all(&self) -> Vec<(&'static str, Series)> {
        let events = self.events();
        events
            .iter()
            .map(|(event, series)| (*event, series.clone()))
            .collect()
    }

    /// What is known of `event`.
    pub(crate) fn of(&self, event: &[u8]) -> Option<Series> {
        let events = self.events();
        let mut found = events.iter();
        found
            .find(|(name, _)| name.as_bytes().eq_ignore_ascii_case(event))
            .map(|(_, series)| series.clone())
    }

    /// Forgets the events called so, all if none is named; how many there were.
    pub(crate) fn reset(&self, names: &[&[u8]]) -> usize {
        let mut events = self.events();
        let before = events.len();
        events.retain(|event, _| {
            !names.is_empty()
                && !names
                    .iter()
                    .any(|name| event.as_bytes().eq_ignore_ascii_case(name))
        });
        before - events.len()
    }

    fn events(&self) -> MutexGuard<'_, BTreeMap<&'static str, Series>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_takes_long_is_kept_once_a_second() {
        let latency = Latency::default();
        latency.took("command", 1, 1000);
        assert!(latency.all().is_empty());
        latency.threshold_ms.store(100, Relaxed);
        for (time_s, millis) in [(1, 99), (2, 100), (2, 300), (2, 200), (3, 150)] {
            latency.took("command", time_s, millis);
        }
        let series = latency.of(b"COMMAND").unwrap();
        assert_eq!(series.samples, [(2, 300), (3, 150)]);
        assert_eq!(
            (series.worst_ms, series.sum_ms, series.count),
            (300, 750, 4)
        );
        (0..200).for_each(|time_s| latency.took("fast-command", time_s, 100));
        assert_eq!(
            latency.of(b"fast-command").unwrap().samples.len(),
            SAMPLES_MAX
        );
        assert_eq!(latency.reset(&[b"nosuch"]), 0);
        assert_eq!(latency.reset(&[b"Command"]), 1);
        assert_eq!(latency.reset(&[]), 1);
    }
}
