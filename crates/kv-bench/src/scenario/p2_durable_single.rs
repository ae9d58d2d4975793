//! P2: durable writes of clients that wait for each reply.

use crate::load::LoadSpec;
use crate::scenario::{Aim, Better, Bound, Figures, Measure, Plot, Rival, Scenario, Trial};
use crate::server::Durability;

const MANY: &str = "SET/s, 50 connections";
const MANY_P50: &str = "p50 us, 50 connections";
const MANY_P999: &str = "p99.9 us, 50 connections";
const ONE: &str = "SET/s, 1 connection";
const ONE_P50: &str = "p50 us, 1 connection";
const ONE_CPU: &str = "server CPU us/SET, 1 connection";
const CURVE: &str = "latency, 50 connections";

pub(super) const SCENARIO: Scenario = Scenario {
    id: "P2",
    title: "durable SET without pipelining, 50 connections and 1",
    how: "Every SET is on disk before its reply; 64-byte values, 1 M keys, closed loop.",
    figures: &[MANY, MANY_P50, MANY_P999, ONE, ONE_P50, ONE_CPU],
    aims: &[
        Aim {
            figure: MANY,
            rival: Rival::BestPeer,
            bound: Bound::AtLeast(1.2),
        },
        Aim {
            figure: ONE,
            rival: Rival::BestPeer,
            bound: Bound::AtLeast(1.0),
        },
    ],
    plots: &[
        Plot::Bars {
            figures: &[MANY, ONE],
            better: Better::More,
        },
        Plot::Percentiles {
            title: "latency of durable SETs, 50 connections",
            line: CURVE,
        },
    ],
    rounds_max: u32::MAX,
    expect: |scale| scale.loads(2),
    measure: Measure::Servers(measure),
};

fn measure(trial: &Trial<'_>) -> anyhow::Result<Figures> {
    let running = trial.start_plain(Durability::Always)?;
    let many = trial.load(&trial.spec(&running.server))?;
    let one = trial.load(&LoadSpec {
        connections: 1,
        ..trial.spec(&running.server)
    })?;
    let mut figures = Figures::from(vec![
        (MANY, many.per_second()),
        (MANY_P50, many.latency_us(50.0)),
        (MANY_P999, many.latency_us(99.9)),
        (ONE, one.per_second()),
        (ONE_P50, one.latency_us(50.0)),
    ]);
    figures.draw(CURVE, many.percentiles_us());
    figures.extend(one.server_cpu_us().map(|cpu_us| (ONE_CPU, cpu_us)));
    Ok(figures)
}
