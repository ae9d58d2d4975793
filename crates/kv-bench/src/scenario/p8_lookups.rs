//! P8: random lookups in memory, in process, one thread.

use crate::scenario::{Aim, Better, Bound, EngineTrial, Figures, Measure, Plot, Rival, Scenario};

const GET: &str = "M get/s";
const BATCH: &str = "M keys/s, 16 together";
const SET: &str = "M set/s";

pub(super) const SCENARIO: Scenario = Scenario {
    id: "P8",
    title: "in process: lookups at 1 M keys, one thread",
    how: "Random keys of 16 bytes, 64-byte values; 16 together are one get_many where there is such a thing, else 16 \
          lookups one after the other. Each engine in a process of its own.",
    figures: &[GET, BATCH, SET],
    aims: &[
        Aim {
            figure: GET,
            rival: Rival::BestOf(&["dashmap", "papaya"]),
            bound: Bound::AtLeast(1.5),
        },
        Aim {
            figure: BATCH,
            rival: Rival::BestOf(&["dashmap", "papaya"]),
            bound: Bound::AtLeast(3.0),
        },
    ],
    plots: &[Plot::Bars {
        figures: &[GET, BATCH, SET],
        better: Better::More,
    }],
    rounds_max: u32::MAX,
    expect: |scale| scale.engine_time() * 3 + scale.fill(1_000_000),
    measure: Measure::Engines(&["kv", "dashmap", "papaya", "moka"], measure),
};

fn measure(trial: &EngineTrial<'_>) -> anyhow::Result<Figures> {
    trial.run(
        "lookups",
        &["--keys", "1000000", "--milliseconds", &trial.milliseconds()],
    )
}
