//! The one status line of a long run, on standard error: how far it is, what it does, how long it will still take.
//! Where that is no terminal, each part of the run gets a line of its own.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// A bar over the whole of a run, whose parts have expected times.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    clock: RefCell<Clock>,
}

/// How far the run is, in expected time. The time that it really takes may be another.
#[derive(Debug)]
struct Clock {
    began: Instant,
    whole: Duration,
    /// The expected time of the parts that are done.
    done: Duration,
    /// When the part that is under way began, and its expected time.
    part: (Instant, Duration),
}

impl Progress {
    /// A bar for a run that is expected to take `whole`.
    #[must_use]
    pub fn new(whole: Duration) -> Self {
        let bar = ProgressBar::new(millis(whole).max(1));
        if let Ok(style) = ProgressStyle::with_template("{bar:20} {percent:>3} % {wide_msg}") {
            bar.set_style(style);
        }
        Self::of(bar, whole)
    }

    /// A bar that is never shown.
    #[must_use]
    pub fn hidden() -> Self {
        Self::of(ProgressBar::hidden(), Duration::ZERO)
    }

    fn of(bar: ProgressBar, whole: Duration) -> Self {
        let now = Instant::now();
        let clock = Clock {
            began: now,
            whole,
            done: Duration::ZERO,
            part: (now, Duration::ZERO),
        };
        Self {
            bar,
            clock: RefCell::new(clock),
        }
    }

    /// The part before is done; begins the next, such as "P1 kv-server, round 2 of 3", which is expected to take
    /// `expected`.
    pub fn begin(&self, what: &str, expected: Duration) {
        let now = Instant::now();
        {
            let mut clock = self.clock.borrow_mut();
            let before = clock.part.1;
            clock.done += before;
            clock.part = (now, expected);
        }
        if self.bar.is_hidden() {
            eprintln!("{what} ({} left)", told(self.clock.borrow().left(now)));
        }
        self.bar.set_prefix(what.to_owned());
        self.step("starting");
    }

    /// Shows what is going on now.
    pub fn step(&self, what: &str) {
        let now = Instant::now();
        let clock = self.clock.borrow();
        self.bar.set_position(millis(clock.position(now)));
        let left = told(clock.left(now));
        self.bar
            .set_message(format!("{left} left - {}: {what}", self.bar.prefix()));
    }

    /// Shows how far a timed load is.
    pub fn load(&self, passed: Duration, whole: Duration, replies: u64) {
        self.step(&format!(
            "{:.0} of {:.0} s, {replies} replies",
            passed.as_secs_f64(),
            whole.as_secs_f64()
        ));
    }

    /// Takes the bar away.
    pub fn end(&self) {
        self.bar.finish_and_clear();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.end();
    }
}

impl Clock {
    /// How much of the expected time is behind; a part never counts for more than was expected of it.
    fn position(&self, now: Instant) -> Duration {
        let (began, expected) = self.part;
        self.done + now.saturating_duration_since(began).min(expected)
    }

    /// How long the run will still take: what is expected, by as much longer as what is behind took longer.
    fn left(&self, now: Instant) -> Duration {
        let left = self.whole.saturating_sub(self.position(now));
        let behind = self.done.as_secs_f64();
        if behind == 0.0 {
            return left;
        }
        let took = self.part.0.saturating_duration_since(self.began);
        left.mul_f64(took.as_secs_f64() / behind)
    }
}

/// A duration as people say it.
#[must_use]
pub fn told(duration: Duration) -> String {
    match duration.as_secs() {
        seconds @ 0..100 => format!("{seconds} s"),
        seconds => format!("{} min", (seconds + 30) / 60),
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[test]
    fn what_took_longer_so_far_makes_the_rest_longer() {
        let began = Instant::now();
        let clock = Clock {
            began,
            whole: seconds(100),
            done: seconds(10),
            // Ten expected seconds took twenty.
            part: (began + seconds(20), seconds(40)),
        };
        let now = began + seconds(20);
        assert_eq!(clock.position(now), seconds(10));
        assert_eq!(clock.left(now), seconds(180));
        // A part that does not end stands still at its expected time.
        let later = began + seconds(500);
        assert_eq!(clock.position(later), seconds(50));
        assert_eq!(clock.left(later), seconds(100));
    }

    #[test]
    fn durations_are_told_in_seconds_or_minutes() {
        assert_eq!(told(seconds(99)), "99 s");
        assert_eq!(told(seconds(100)), "2 min");
        assert_eq!(told(seconds(1_530)), "26 min");
    }
}
