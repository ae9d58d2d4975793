//! P5: what a GET and a SET cost the server when the network's share is small.

use anyhow::Context;

use crate::load::{LoadSpec, Mix, Operation};
use crate::scenario::{Aim, Better, Bound, Figures, Measure, Plot, Rival, Scenario, Trial};
use crate::server::{Durability, ServerKind};

const GET_16: &str = "GET CPU us, pipeline 16";
const GET_64: &str = "GET CPU us, pipeline 64";
const SET_16: &str = "SET CPU us, pipeline 16";
const SET_64: &str = "SET CPU us, pipeline 64";

/// Each load, with its figure.
const LOADS: [(&str, Operation, usize); 4] = [
    (GET_16, Operation::Get, 16),
    (GET_64, Operation::Get, 64),
    (SET_16, Operation::Set, 16),
    (SET_64, Operation::Set, 64),
];

const fn aim(figure: &'static str) -> Aim {
    Aim {
        figure,
        rival: Rival::Peer(ServerKind::Redis.name()),
        bound: Bound::AtMost(0.65),
    }
}

pub(super) const SCENARIO: Scenario = Scenario {
    id: "P5",
    title: "GET and SET without log, server CPU per request, pipeline 16 and 64",
    how: "The server on one core, the generator on another; 1 M keys with 64-byte values, 50 connections, \
          closed loop.",
    figures: &[GET_16, GET_64, SET_16, SET_64],
    aims: &[aim(GET_16), aim(GET_64), aim(SET_16), aim(SET_64)],
    plots: &[Plot::Bars {
        figures: &[GET_16, GET_64, SET_16, SET_64],
        better: Better::Less,
    }],
    rounds_max: u32::MAX,
    expect: |scale| scale.loads(4) + scale.fill(1_000_000),
    measure: Measure::Servers(measure),
};

fn measure(trial: &Trial<'_>) -> anyhow::Result<Figures> {
    cpu_of_each(trial, &LOADS)
}

/// Fills one server and puts `loads` on it one after the other; the CPU time per request of each.
pub(super) fn cpu_of_each(
    trial: &Trial<'_>,
    loads: &[(&'static str, Operation, usize)],
) -> anyhow::Result<Figures> {
    let (running, split) = trial.start_split(Durability::Off)?;
    let mut base = trial.spec(&running.server);
    base.cores = split.generator;
    base.keys.count = trial.keys(1_000_000);
    trial.fill(&base)?;
    let mut figures = Figures::new();
    for &(name, operation, pipeline) in loads {
        let outcome = trial.load(&LoadSpec {
            mix: Mix::only(operation),
            pipeline,
            ..base.clone()
        })?;
        let cpu_us = outcome
            .server_cpu_us()
            .context("the server's CPU time is not known")?;
        figures.push(name, cpu_us);
    }
    Ok(figures)
}
