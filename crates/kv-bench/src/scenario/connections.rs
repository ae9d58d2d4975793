//! CONNECTIONS: what a request costs the server, and how long it takes, when there are more connections.

use anyhow::Context;

use crate::load::{LoadSpec, Mix, Operation, open_files};
use crate::scenario::{Figures, Measure, Plot, Scenario, Trial};
use crate::server::Durability;

/// What is measured with one number of connections.
struct Step {
    connections: usize,
    get_cpu: &'static str,
    set_cpu: &'static str,
    get_p99: &'static str,
}

const STEPS: [Step; 4] = [
    Step {
        connections: 1,
        get_cpu: "GET CPU us, 1 connection",
        set_cpu: "SET CPU us, 1 connection",
        get_p99: "GET p99 us, 1 connection",
    },
    Step {
        connections: 50,
        get_cpu: "GET CPU us, 50 connections",
        set_cpu: "SET CPU us, 50 connections",
        get_p99: "GET p99 us, 50 connections",
    },
    Step {
        connections: 1_000,
        get_cpu: "GET CPU us, 1,000 connections",
        set_cpu: "SET CPU us, 1,000 connections",
        get_p99: "GET p99 us, 1,000 connections",
    },
    Step {
        connections: 10_000,
        get_cpu: "GET CPU us, 10,000 connections",
        set_cpu: "SET CPU us, 10,000 connections",
        get_p99: "GET p99 us, 10,000 connections",
    },
];

pub(super) const SCENARIO: Scenario = Scenario {
    id: "CONNECTIONS",
    title: "cost per request against the number of connections",
    how: "Server CPU per request with 1, 50, 1,000 and 10,000 connections that all are busy; the server on one core, \
          the generator on another, without log, 100 k keys with 64-byte values, no pipelining, closed loop.",
    figures: &[
        STEPS[0].get_cpu,
        STEPS[1].get_cpu,
        STEPS[2].get_cpu,
        STEPS[3].get_cpu,
        STEPS[0].set_cpu,
        STEPS[1].set_cpu,
        STEPS[2].set_cpu,
        STEPS[3].set_cpu,
        STEPS[0].get_p99,
        STEPS[1].get_p99,
        STEPS[2].get_p99,
        STEPS[3].get_p99,
    ],
    aims: &[],
    plots: &[
        Plot::Points {
            title: "server CPU us per GET by connections",
            x: "connections",
            points: &[
                (1.0, STEPS[0].get_cpu),
                (50.0, STEPS[1].get_cpu),
                (1e3, STEPS[2].get_cpu),
                (10e3, STEPS[3].get_cpu),
            ],
        },
        Plot::Points {
            title: "server CPU us per SET by connections",
            x: "connections",
            points: &[
                (1.0, STEPS[0].set_cpu),
                (50.0, STEPS[1].set_cpu),
                (1e3, STEPS[2].set_cpu),
                (10e3, STEPS[3].set_cpu),
            ],
        },
    ],
    rounds_max: 1,
    expect: |scale| scale.loads(8) + scale.fill(100_000),
    measure: Measure::Servers(measure),
};

fn measure(trial: &Trial<'_>) -> anyhow::Result<Figures> {
    let (running, split) = trial.start_split(Durability::Off)?;
    let mut spec = LoadSpec {
        cores: split.generator,
        ..trial.spec(&running.server)
    };
    spec.keys.count = trial.keys(100_000);
    trial.fill(&spec)?;
    let mut figures = Figures::new();
    for step in STEPS {
        // The server is held to the same limit as this process.
        if let Err(error) = open_files::allow(step.connections) {
            figures
                .notes
                .push(format!("{} connections: {error:#}", step.connections));
            continue;
        }
        spec.connections = step.connections;
        for (name, operation) in [
            (step.get_cpu, Operation::Get),
            (step.set_cpu, Operation::Set),
        ] {
            let outcome = trial.load(&LoadSpec {
                mix: Mix::only(operation),
                ..spec.clone()
            })?;
            let cpu_us = outcome.server_cpu_us();
            figures.push(name, cpu_us.context("the server's CPU time is not known")?);
            if operation == Operation::Get {
                figures.push(step.get_p99, outcome.latency_us(99.0));
            }
        }
    }
    Ok(figures)
}
