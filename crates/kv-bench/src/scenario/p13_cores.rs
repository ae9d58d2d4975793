//! P13: what a server makes of more cores.

use crate::load::{LoadSpec, Mix, Operation};
use crate::scenario::{Aim, Bound, Figures, Measure, Plot, Rival, Scenario, Trial};
use crate::server::pin::Split;
use crate::server::{Durability, Setup};

/// So many cores, with the figures for them: of all together, and of each.
const STEPS: [(usize, &str, &str); 5] = [
    (1, "GET/s, 1 core", "GET/s per core, 1 core"),
    (2, "GET/s, 2 cores", "GET/s per core, 2 cores"),
    (4, "GET/s, 4 cores", "GET/s per core, 4 cores"),
    (8, "GET/s, 8 cores", "GET/s per core, 8 cores"),
    (16, "GET/s, 16 cores", "GET/s per core, 16 cores"),
];

/// The aim for a number of cores: what each of them does, against the only one.
const fn aim(step: usize) -> Aim {
    Aim {
        figure: STEPS[step].2,
        rival: Rival::Own(STEPS[0].2),
        bound: Bound::AtLeast(0.8),
    }
}

/// For each core of the server, so many are wanted for the generator before a figure says anything of the server.
const GENERATOR_SHARE: f64 = 0.5;

pub(super) const SCENARIO: Scenario = Scenario {
    id: "P13",
    title: "scaling: GET with 1, 2, 4, 8 and 16 cores",
    how: "The server on so many cores, the generator on the others, or on the same where none is left; without log, \
          100 k keys with 64-byte values, 64 connections, pipeline 16, closed loop. Figures per core are given where \
          the generator has cores of its own, half as many as the server.",
    figures: &[
        STEPS[0].1, STEPS[1].1, STEPS[2].1, STEPS[3].1, STEPS[4].1, STEPS[0].2, STEPS[1].2,
        STEPS[2].2, STEPS[3].2, STEPS[4].2,
    ],
    aims: &[aim(1), aim(2), aim(3)],
    plots: &[Plot::Points {
        title: "GET/s by cores",
        x: "cores",
        points: &[
            (1.0, STEPS[0].1),
            (2.0, STEPS[1].1),
            (4.0, STEPS[2].1),
            (8.0, STEPS[3].1),
            (16.0, STEPS[4].1),
        ],
    }],
    rounds_max: 1,
    expect: |scale| scale.loads(2),
    measure: Measure::Servers(measure),
};

fn measure(trial: &Trial<'_>) -> anyhow::Result<Figures> {
    let mut figures = Figures::new();
    for (cores, together, each) in STEPS {
        let Some(split) = Split::with_server_cores(cores)? else {
            continue;
        };
        let running = trial.start(&Setup {
            cores: split.server,
            ..Setup::plain(Durability::Off)
        })?;
        let mut spec = LoadSpec {
            connections: 64,
            pipeline: 16,
            threads: split.generator.len().min(64),
            cores: split.generator.clone(),
            mix: Mix::only(Operation::Get),
            ..trial.spec(&running.server)
        };
        spec.keys.count = trial.keys(100_000);
        trial.fill(&spec)?;
        let per_second = trial.load(&spec)?.per_second();
        figures.push(together, per_second);
        #[expect(clippy::cast_precision_loss, reason = "few cores")]
        let (server, generator) = (cores as f64, split.generator.len() as f64);
        if split.is_apart && generator >= server * GENERATOR_SHARE {
            figures.push(each, per_second / server);
        }
    }
    Ok(figures)
}
