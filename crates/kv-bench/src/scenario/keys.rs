//! KEYS: what a request costs the server when there are more keys.

use anyhow::Context;

use crate::load::{LoadSpec, Mix, Operation};
use crate::scenario::{Figures, Measure, Plot, Scenario, Trial};
use crate::server::Durability;

/// So many keys, with the figures for them.
const STEPS: [(u64, &str, &str); 3] = [
    (100_000, "GET CPU us, 100 k keys", "SET CPU us, 100 k keys"),
    (1_000_000, "GET CPU us, 1 M keys", "SET CPU us, 1 M keys"),
    (10_000_000, "GET CPU us, 10 M keys", "SET CPU us, 10 M keys"),
];

pub(super) const SCENARIO: Scenario = Scenario {
    id: "KEYS",
    title: "cost per request against the number of keys",
    how: "Server CPU per request at 100 k, 1 M and 10 M keys; the server on one core, the generator on another, \
          without log, 64-byte values, 50 connections, pipeline 16, closed loop.",
    figures: &[
        STEPS[0].1, STEPS[1].1, STEPS[2].1, STEPS[0].2, STEPS[1].2, STEPS[2].2,
    ],
    aims: &[],
    plots: &[
        Plot::Points {
            title: "server CPU us per GET by number of keys",
            x: "keys",
            points: &[(100e3, STEPS[0].1), (1e6, STEPS[1].1), (10e6, STEPS[2].1)],
        },
        Plot::Points {
            title: "server CPU us per SET by number of keys",
            x: "keys",
            points: &[(100e3, STEPS[0].2), (1e6, STEPS[1].2), (10e6, STEPS[2].2)],
        },
    ],
    rounds_max: 1,
    expect: |scale| {
        let steps = STEPS.iter().filter(|(keys, ..)| *keys <= scale.keys_max);
        steps
            .map(|(keys, ..)| scale.loads(2) + scale.time_to_set(*keys))
            .sum()
    },
    measure: Measure::Servers(measure),
};

fn measure(trial: &Trial<'_>) -> anyhow::Result<Figures> {
    let (running, split) = trial.start_split(Durability::Off)?;
    let mut figures = Figures::new();
    for (keys, get, set) in STEPS {
        if keys > trial.scale.keys_max {
            continue;
        }
        // One server for all: it grows.
        let mut spec = LoadSpec {
            cores: split.generator.clone(),
            connections: 50,
            pipeline: 16,
            ..trial.spec(&running.server)
        };
        spec.keys.count = keys;
        trial.fill(&spec)?;
        for (name, operation) in [(get, Operation::Get), (set, Operation::Set)] {
            let outcome = trial.load(&LoadSpec {
                mix: Mix::only(operation),
                ..spec.clone()
            })?;
            let cpu_us = outcome.server_cpu_us();
            figures.push(name, cpu_us.context("the server's CPU time is not known")?);
        }
    }
    Ok(figures)
}
