//! P3: what durability costs a server, against itself without a log.

use crate::load::LoadSpec;
use crate::scenario::{Aim, Better, Bound, Figures, Measure, Plot, Rival, Scenario, Trial};
use crate::server::Durability;

const ALWAYS: &str = "SET/s, durable";
const OFF: &str = "SET/s, without log";

pub(super) const SCENARIO: Scenario = Scenario {
    id: "P3",
    title: "durable SET against SET without log, 50 connections, pipeline 16",
    how: "The same load on two fresh servers of the same kind, one with every SET on disk before its reply, \
          one without a log; 64-byte values, 1 M keys, closed loop.",
    figures: &[ALWAYS, OFF],
    aims: &[Aim {
        figure: ALWAYS,
        rival: Rival::Own(OFF),
        bound: Bound::AtLeast(0.85),
    }],
    plots: &[Plot::Bars {
        figures: &[ALWAYS, OFF],
        better: Better::More,
    }],
    rounds_max: u32::MAX,
    expect: |scale| scale.loads(2),
    measure: Measure::Servers(measure),
};

fn measure(trial: &Trial<'_>) -> anyhow::Result<Figures> {
    let mut figures = Figures::new();
    for (name, durability) in [(ALWAYS, Durability::Always), (OFF, Durability::Off)] {
        let running = trial.start_plain(durability)?;
        let outcome = trial.load(&LoadSpec {
            connections: 50,
            pipeline: 16,
            ..trial.spec(&running.server)
        })?;
        figures.push(name, outcome.per_second());
    }
    Ok(figures)
}
