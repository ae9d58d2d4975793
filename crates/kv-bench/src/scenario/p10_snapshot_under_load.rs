//! P10: whether a snapshot shows: in the latency of writers and in memory.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{anyhow, ensure};

use crate::load::{LoadOutcome, LoadSpec, Pace, Stop, ValueSizes};
use crate::scenario::{Aim, Better, Bound, Figures, Line, Measure, Plot, Rival, Scenario, Trial};
use crate::server::{Durability, Server, ask, ask_text};
use crate::usage::Usage;

const BEFORE: &str = "SET p99.9 us";
const BESIDE: &str = "SET p99.9 us beside BGSAVE";
const RESIDENT: &str = "resident MiB";
const RESIDENT_BESIDE: &str = "most resident MiB beside BGSAVE";
const OVER_TIME: &str = "p99.9 over time";

/// 2 GiB in values of this length.
const KEYS: u64 = 2 << 20;
const VALUE_BYTES: u32 = 1024;

/// What clients ask for, well below what a server can do.
const SETS_PER_SECOND: f64 = 10_000.0;

/// Loads last so many times as long as others: the second, to see most of the snapshot.
const TIMES_LONGER: u32 = 3;
const TIMES_LONGER_BESIDE: u32 = 6;

/// The latencies of so long a time make one point of the plot: 5,000 requests.
const WINDOW: Duration = Duration::from_millis(500);

/// How long an answer may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// How long between two looks at the server.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

pub(super) const SCENARIO: Scenario = Scenario {
    id: "P10",
    title: "a snapshot of 2 GiB beside durable writers",
    how: "2 M keys with 1 KiB values; an open loop of 10,000 SET/s on 50 connections, first alone, then from \
          the BGSAVE on; latency counts from when a request was due, memory is looked at 20 times a second. \
          The children that peers fork are not counted.",
    figures: &[BEFORE, BESIDE, RESIDENT, RESIDENT_BESIDE],
    aims: &[
        Aim {
            figure: BESIDE,
            rival: Rival::Own(BEFORE),
            bound: Bound::AtMost(2.0),
        },
        Aim {
            figure: RESIDENT_BESIDE,
            rival: Rival::Own(RESIDENT),
            bound: Bound::AtMost(1.1),
        },
    ],
    plots: &[
        Plot::Time {
            title: "p99.9 of durable SETs over time, us",
            line: OVER_TIME,
        },
        Plot::Bars {
            figures: &[BEFORE, BESIDE, RESIDENT, RESIDENT_BESIDE],
            better: Better::Less,
        },
    ],
    rounds_max: u32::MAX,
    // Values of 1 KiB take three times as long to set as those of 64 bytes.
    expect: |scale| {
        let loads = scale.measure * (TIMES_LONGER + TIMES_LONGER_BESIDE - 1);
        scale.loads(1) + loads + scale.fill(KEYS) * 3
    },
    measure: Measure::Servers(measure),
};

fn measure(trial: &Trial<'_>) -> anyhow::Result<Figures> {
    let running = trial.start_plain(Durability::Always)?;
    let server = &running.server;
    // No snapshot but the one that is measured.
    let never = ["CONFIG", "SET", "auto-aof-rewrite-percentage", "0"];
    let answer = ask(server.address(), &never, ANSWER_TIMEOUT)?;
    ensure!(answer == "+OK", "it answers CONFIG SET with '{answer}'");
    let mut spec = trial.spec(server);
    spec.keys.count = trial.keys(KEYS);
    spec.value_bytes = ValueSizes::exactly(VALUE_BYTES);
    trial.fill(&spec)?;
    let long = trial.scale.measure * TIMES_LONGER;
    let longer = trial.scale.measure * TIMES_LONGER_BESIDE;
    let spec = LoadSpec {
        pace: Pace::Open {
            per_second: SETS_PER_SECOND,
        },
        pipeline: 16,
        stop: Stop::After(long),
        window: Some(WINDOW.min(long / 4)),
        ..spec
    };
    let before = trial.load(&spec)?;
    let resident = resident_mib(server)?;
    let answer = ask(server.address(), &["BGSAVE"], ANSWER_TIMEOUT)?;
    ensure!(answer.starts_with('+'), "it answers BGSAVE with '{answer}'");
    let (beside, watched) = watching(server, || {
        trial.load(&LoadSpec {
            warmup: Duration::ZERO,
            stop: Stop::After(longer),
            ..spec.clone()
        })
    })?;
    let mut figures = Figures::from(vec![
        (BEFORE, before.latency_us(99.9)),
        (BESIDE, beside.latency_us(99.9)),
        (RESIDENT, resident),
        (RESIDENT_BESIDE, watched.most_resident_mib),
    ]);
    figures
        .lines
        .push(over_time(&before, &beside, watched.saved_after));
    Ok(figures)
}

/// One load after the other on one axis of seconds, and where the snapshot was made.
fn over_time(before: &LoadOutcome, beside: &LoadOutcome, saved_after: Option<Duration>) -> Line {
    let begin_s = before.measured.as_secs_f64();
    let mut points = before.over_time_us(99.9);
    let after = beside.over_time_us(99.9).into_iter();
    points.extend(after.map(|(second, us)| (begin_s + second, us)));
    let end_s = begin_s
        + saved_after
            .unwrap_or(beside.measured)
            .min(beside.measured)
            .as_secs_f64();
    Line {
        name: OVER_TIME,
        points,
        spans: vec![(begin_s, end_s, "snapshot")],
    }
}

/// What was seen of a server while something else was done.
struct Watched {
    most_resident_mib: f64,
    /// When its snapshot was done; `None`: not yet.
    saved_after: Option<Duration>,
}

/// Does `work`; what came of it, and what was seen of the server meanwhile.
fn watching<T>(
    server: &Server,
    work: impl FnOnce() -> anyhow::Result<T>,
) -> anyhow::Result<(T, Watched)> {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let began = Instant::now();
            let mut watched = Watched {
                most_resident_mib: resident_mib(server)?,
                saved_after: None,
            };
            while !done.load(Ordering::Relaxed) {
                std::thread::sleep(LOOK_AGAIN);
                watched.most_resident_mib = watched.most_resident_mib.max(resident_mib(server)?);
                if watched.saved_after.is_none() && !is_saving(server)? {
                    watched.saved_after = Some(began.elapsed());
                }
            }
            anyhow::Ok(watched)
        });
        let outcome = work();
        done.store(true, Ordering::Relaxed);
        let watched = watch.join().map_err(|_| anyhow!("the watch panicked"))?;
        Ok((outcome?, watched?))
    })
}

fn is_saving(server: &Server) -> anyhow::Result<bool> {
    let info = ask_text(server.address(), &["INFO", "persistence"], ANSWER_TIMEOUT)?;
    Ok(info.lines().any(|line| line == "rdb_bgsave_in_progress:1"))
}

#[expect(clippy::cast_precision_loss, reason = "bytes below 2^53")]
fn resident_mib(server: &Server) -> anyhow::Result<f64> {
    Ok(Usage::of(server.pid())?.resident_bytes as f64 / f64::from(1 << 20))
}
