//! What a load found: counts, latencies, and what the server spent.

use std::time::Duration;

use hdrhistogram::Histogram;

use super::worker::{Tally, coarse_latencies, latencies};
use super::{LoadSpec, Stop};

/// The figures of one load.
#[derive(Clone, Debug)]
pub struct LoadOutcome {
    /// Replies while it was measured.
    pub replies: u64,
    /// How long it was measured.
    pub measured: Duration,
    /// Error replies, warm-up included.
    pub errors: u64,
    /// The text of the first error reply.
    pub first_error: Option<String>,
    /// Requests that never got a reply.
    pub unanswered: u64,
    /// Requests that were due and could not be sent, because every connection was full to the end.
    pub missed: u64,
    /// CPU time of the server while it was measured; `None` where its process is not known.
    pub server_cpu: Option<Duration>,
    /// Values that were read and never written, in a load that verifies.
    pub wrong_values: u64,
    /// What is wrong with the first of them.
    pub first_wrong_value: Option<String>,
    latency_ns: Histogram<u64>,
    window: Duration,
    windows: Vec<Histogram<u64>>,
}

/// The percentiles of a curve, each about twice as rare as the one before.
const CURVE: [f64; 15] = [
    10.0, 25.0, 50.0, 75.0, 90.0, 95.0, 97.5, 99.0, 99.5, 99.75, 99.9, 99.95, 99.975, 99.99, 99.999,
];

/// So many requests must lie beyond a percentile for it to say anything.
const REQUESTS_BEYOND: f64 = 3.0;

impl LoadOutcome {
    /// Adds up what the workers counted.
    pub(super) fn new(
        spec: &LoadSpec,
        tallies: Vec<Tally>,
        server_cpu: Option<Duration>,
    ) -> anyhow::Result<Self> {
        let mut latency_ns = latencies()?;
        let (mut replies, mut errors, mut unanswered, mut missed) = (0, 0, 0, 0);
        let (mut first_error, mut last_reply_ns) = (None, 0);
        let (mut wrong_values, mut first_wrong_value) = (0, None);
        let mut windows = Vec::new();
        for tally in tallies {
            latency_ns.add(&tally.latency)?;
            add_windows(&mut windows, &tally.windows)?;
            wrong_values += tally.wrong_values;
            first_wrong_value = first_wrong_value.or(tally.first_wrong_value);
            replies += tally.replies;
            errors += tally.errors;
            unanswered += tally.unanswered;
            missed += tally.missed;
            first_error = first_error.or(tally.first_error);
            last_reply_ns = last_reply_ns.max(tally.last_reply_ns);
        }
        let measured = match spec.stop {
            Stop::After(duration) => duration,
            Stop::Requests(_) => Duration::from_nanos(last_reply_ns),
        };
        Ok(Self {
            replies,
            measured,
            errors,
            first_error,
            unanswered,
            missed,
            server_cpu,
            wrong_values,
            first_wrong_value,
            latency_ns,
            window: spec.window.unwrap_or_default(),
            windows,
        })
    }

    /// Replies per second.
    #[must_use]
    pub fn per_second(&self) -> f64 {
        ratio(self.replies, self.measured.as_secs_f64())
    }

    /// The latency in microseconds that `percent` of requests did not exceed.
    #[must_use]
    pub fn latency_us(&self, percent: f64) -> f64 {
        ratio(self.latency_ns.value_at_percentile(percent), 1e3)
    }

    /// The longest latency in microseconds.
    #[must_use]
    pub fn latency_max_us(&self) -> f64 {
        ratio(self.latency_ns.max(), 1e3)
    }

    /// A curve of latencies: percentiles and microseconds, as far as there are requests enough.
    #[must_use]
    pub fn percentiles_us(&self) -> Vec<(f64, f64)> {
        let all = ratio(self.latency_ns.len(), 1.0);
        CURVE
            .iter()
            .filter(|percent| all * (100.0 - **percent) / 100.0 >= REQUESTS_BEYOND)
            .map(|percent| (*percent, self.latency_us(*percent)))
            .collect()
    }

    /// The latency in microseconds that `percent` of the requests of each window did not exceed, by the second in
    /// the middle of the window. Windows without a request are left out.
    #[must_use]
    pub fn over_time_us(&self, percent: f64) -> Vec<(f64, f64)> {
        let window_s = self.window.as_secs_f64();
        let begins = std::iter::successors(Some(window_s / 2.0), |second| Some(second + window_s));
        begins
            .zip(&self.windows)
            .filter(|(_, latencies)| !latencies.is_empty())
            .map(|(second, latencies)| (second, ratio(latencies.value_at_percentile(percent), 1e3)))
            .collect()
    }

    /// CPU time of the server per reply in microseconds.
    #[must_use]
    pub fn server_cpu_us(&self) -> Option<f64> {
        let cpu = self.server_cpu?;
        #[expect(clippy::cast_precision_loss, reason = "fewer than 2^53 replies")]
        let replies = self.replies as f64;
        (self.replies > 0).then(|| cpu.as_secs_f64() * 1e6 / replies)
    }

    /// Goes on unless what was measured cannot be believed.
    ///
    /// # Errors
    ///
    /// When there were error replies, wrong values, requests without a reply, or no replies at all.
    pub fn believed(self) -> anyhow::Result<Self> {
        if let Some(wrong) = &self.first_wrong_value {
            anyhow::bail!(
                "{} values were read that were never written: {wrong}",
                self.wrong_values
            );
        }
        if let Some(error) = &self.first_error {
            anyhow::bail!("the server answered {} errors: {error}", self.errors);
        }
        anyhow::ensure!(
            self.unanswered == 0,
            "the server left {} requests without a reply",
            self.unanswered
        );
        anyhow::ensure!(self.replies > 0, "the server sent no replies");
        Ok(self)
    }
}

/// Adds the latencies of each window to those of the same window.
fn add_windows(all: &mut Vec<Histogram<u64>>, some: &[Histogram<u64>]) -> anyhow::Result<()> {
    while all.len() < some.len() {
        all.push(coarse_latencies()?);
    }
    for (sum, part) in all.iter_mut().zip(some) {
        sum.add(part)?;
    }
    Ok(())
}

fn ratio(count: u64, unit: f64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "counts below 2^53")]
    let count = count as f64;
    count / unit
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(latencies_us: &[u64], first_error: Option<&str>) -> Tally {
        let mut latency = latencies().unwrap();
        for us in latencies_us {
            latency.record(us * 1_000).unwrap();
        }
        Tally {
            latency,
            windows: Vec::new(),
            wrong_values: 0,
            first_wrong_value: None,
            replies: latencies_us.len() as u64,
            errors: u64::from(first_error.is_some()),
            first_error: first_error.map(str::to_owned),
            unanswered: 0,
            missed: 0,
            last_reply_ns: 2_000_000_000,
        }
    }

    fn outcome(tallies: Vec<Tally>) -> LoadOutcome {
        let spec = LoadSpec {
            stop: Stop::After(Duration::from_secs(2)),
            ..LoadSpec::new(([127, 0, 0, 1], 1).into())
        };
        LoadOutcome::new(&spec, tallies, Some(Duration::from_micros(500))).unwrap()
    }

    fn near(found: f64, wanted: f64) {
        assert!(
            (found - wanted).abs() <= wanted * 0.002,
            "{found} instead of {wanted}"
        );
    }

    #[test]
    fn percentiles_are_over_all_workers() {
        let low: Vec<u64> = (1..=500).collect();
        let high: Vec<u64> = (501..=1_000).collect();
        let outcome = outcome(vec![tally(&high, None), tally(&low, None)]);
        near(outcome.latency_us(50.0), 500.0);
        near(outcome.latency_us(99.0), 990.0);
        near(outcome.latency_us(99.9), 999.0);
        near(outcome.latency_max_us(), 1_000.0);
        near(outcome.per_second(), 500.0);
        near(outcome.server_cpu_us().unwrap(), 0.5);
    }

    #[test]
    fn a_curve_ends_where_requests_are_too_few() {
        let latencies: Vec<u64> = (1..=10_000).collect();
        let curve = outcome(vec![tally(&latencies, None)]).percentiles_us();
        let percents: Vec<f64> = curve.iter().map(|(percent, _)| *percent).collect();
        assert_eq!(percents, CURVE[..12]);
        near(curve[2].1, 5_000.0);
    }

    #[test]
    fn windows_are_added_up_and_have_their_second() {
        let with_windows = |windows: &[&[u64]]| {
            let mut tally = tally(&[1], None);
            for (window, latencies_us) in windows.iter().enumerate() {
                for us in *latencies_us {
                    tally.record_over_time(window as u64, us * 1_000);
                }
            }
            tally
        };
        let spec = LoadSpec {
            window: Some(Duration::from_millis(500)),
            ..LoadSpec::new(([127, 0, 0, 1], 1).into())
        };
        let tallies = vec![
            with_windows(&[&[100], &[], &[7, 7]]),
            with_windows(&[&[300]]),
        ];
        let outcome = LoadOutcome::new(&spec, tallies, None).unwrap();
        let (seconds, us): (Vec<f64>, Vec<f64>) = outcome.over_time_us(99.9).into_iter().unzip();
        assert_eq!(seconds, [0.25, 1.25]);
        assert!((298.0..=303.0).contains(&us[0]), "{us:?}");
        assert!((6.0..=8.0).contains(&us[1]), "{us:?}");
    }

    #[test]
    fn errors_and_silence_are_not_believed() {
        let error = outcome(vec![tally(&[1], Some("NOAUTH first"))]).believed();
        assert!(error.unwrap_err().to_string().contains("NOAUTH first"));
        assert!(outcome(vec![tally(&[], None)]).believed().is_err());
        assert!(outcome(vec![tally(&[1], None)]).believed().is_ok());
    }
}
