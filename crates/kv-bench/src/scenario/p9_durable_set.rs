//! P9: durable writes in process, against embedded databases.

use crate::scenario::{Aim, Better, Bound, EngineTrial, Figures, Measure, Plot, Rival, Scenario};

const SETS: &str = "SET/s";
const P50: &str = "p50 us";
const P99: &str = "p99 us";

pub(super) const SCENARIO: Scenario = Scenario {
    id: "P9",
    title: "in process: durable SET from 4 threads",
    how: "Each SET is a commit of its own that is synced to disk before it returns; keys of 16 bytes, 64-byte values. \
          Each engine in a process of its own. sled promises less: its flush waits until the system has handed the \
          bytes to the disk (sync_file_range), not until the disk has them for good.",
    figures: &[SETS, P50, P99],
    aims: &[Aim {
        figure: SETS,
        // sled is shown beside them: it waits until the system has written, not until the disk has.
        rival: Rival::BestOf(&["redb", "fjall", "rocksdb", "lmdb"]),
        bound: Bound::AtLeast(3.0),
    }],
    plots: &[
        Plot::Bars {
            figures: &[SETS],
            better: Better::More,
        },
        Plot::Bars {
            figures: &[P50, P99],
            better: Better::Less,
        },
    ],
    rounds_max: u32::MAX,
    expect: |scale| scale.engine_time() * 2,
    measure: Measure::Engines(&["kv", "redb", "fjall", "rocksdb", "lmdb", "sled"], measure),
};

fn measure(trial: &EngineTrial<'_>) -> anyhow::Result<Figures> {
    trial.run_on_disk("durable-set", &["--milliseconds", &trial.milliseconds()])
}
