//! P1: how many durable writes a second, and how long the slowest take.

use crate::load::{LoadSpec, Pace};
use crate::scenario::{Aim, Better, Bound, Figures, Measure, Plot, Rival, Scenario, Trial};
use crate::server::Durability;

const SETS: &str = "SET/s";
const P50: &str = "p50 us";
const P999: &str = "p99.9 us";
const CPU: &str = "server CPU us/SET";
const OPEN_P50: &str = "p50 us at 100 k SET/s";
const OPEN_P999: &str = "p99.9 us at 100 k SET/s";
const CURVE: &str = "latency, closed loop";
const OPEN_CURVE: &str = "latency at 100 k SET/s";

/// The fixed arrival rate of the second load: a quarter of what the peers can do at best on two cores.
const OPEN_RATE: f64 = 100_000.0;

pub(super) const SCENARIO: Scenario = Scenario {
    id: "P1",
    title: "durable SET, 50 connections, pipeline 16",
    how: "Every SET is on disk before its reply; 64-byte values, 1 M keys, once as fast as it goes (closed \
          loop) and once at a fixed arrival rate (open loop).",
    figures: &[SETS, P50, P999, CPU, OPEN_P50, OPEN_P999],
    aims: &[
        Aim {
            figure: SETS,
            rival: Rival::BestPeer,
            bound: Bound::AtLeast(1.5),
        },
        Aim {
            figure: P999,
            rival: Rival::BestPeer,
            bound: Bound::AtMost(0.2),
        },
        Aim {
            figure: OPEN_P999,
            rival: Rival::BestPeer,
            bound: Bound::AtMost(0.2),
        },
    ],
    plots: &[
        Plot::Bars {
            figures: &[SETS],
            better: Better::More,
        },
        Plot::Bars {
            figures: &[P999, OPEN_P999],
            better: Better::Less,
        },
        Plot::Percentiles {
            title: "latency of durable SETs, as fast as it goes",
            line: CURVE,
        },
        Plot::Percentiles {
            title: "latency of durable SETs at 100,000 a second",
            line: OPEN_CURVE,
        },
    ],
    rounds_max: u32::MAX,
    expect: |scale| scale.loads(2),
    measure: Measure::Servers(measure),
};

fn measure(trial: &Trial<'_>) -> anyhow::Result<Figures> {
    let running = trial.start_plain(Durability::Always)?;
    let closed = LoadSpec {
        connections: 50,
        pipeline: 16,
        ..trial.spec(&running.server)
    };
    let open = LoadSpec {
        pace: Pace::Open {
            per_second: OPEN_RATE,
        },
        ..closed.clone()
    };
    let fast = trial.load(&closed)?;
    let even = trial.load(&open)?;
    let mut figures = Figures::from(vec![
        (SETS, fast.per_second()),
        (P50, fast.latency_us(50.0)),
        (P999, fast.latency_us(99.9)),
        (OPEN_P50, even.latency_us(50.0)),
        (OPEN_P999, even.latency_us(99.9)),
    ]);
    figures.draw(CURVE, fast.percentiles_us());
    figures.draw(OPEN_CURVE, even.percentiles_us());
    figures.extend(fast.server_cpu_us().map(|cpu_us| (CPU, cpu_us)));
    Ok(figures)
}
