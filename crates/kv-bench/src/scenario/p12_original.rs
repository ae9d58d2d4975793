//! P12: the table of the Python database that this project began as.

use crate::scenario::{Aim, Better, Bound, EngineTrial, Figures, Measure, Plot, Rival, Scenario};

const SET: &str = "SET/s without fsync";
const SET_AVERAGE: &str = "SET average us without fsync";
const SET_P95: &str = "SET p95 us without fsync";
const GET: &str = "GET/s without fsync";
const GET_AVERAGE: &str = "GET average us without fsync";
const GET_P95: &str = "GET p95 us without fsync";
const SYNC_SET: &str = "SET/s with fsync";
const SYNC_SET_AVERAGE: &str = "SET average us with fsync";
const SYNC_SET_P95: &str = "SET p95 us with fsync";
const SYNC_GET: &str = "GET/s with fsync";
const SYNC_GET_AVERAGE: &str = "GET average us with fsync";
const SYNC_GET_P95: &str = "GET p95 us with fsync";

/// The entrant that this project writes itself, in the original's place.
const PYTHON: &str = "python stand-in";

/// What it runs.
const STAND_IN: &str = include_str!("p12_stand_in.py");

/// The figures of the original itself, without fsync, on a virtual machine with two cores at 2.5 GHz.
const ORIGINAL: &str = "the Python original, as measured in November 2026";
const ORIGINAL_SET: f64 = 7_800.0;
const ORIGINAL_GET: f64 = 122_000.0;

const fn more(figure: &'static str) -> Aim {
    Aim {
        figure,
        rival: Rival::Peer(PYTHON),
        bound: Bound::AtLeast(20.0),
    }
}

const fn less(figure: &'static str) -> Aim {
    Aim {
        figure,
        rival: Rival::Peer(PYTHON),
        bound: Bound::AtMost(0.05),
    }
}

const fn told(figure: &'static str, value: f64) -> Aim {
    Aim {
        figure,
        rival: Rival::Told(ORIGINAL, value),
        bound: Bound::AtLeast(20.0),
    }
}

pub(super) const SCENARIO: Scenario = Scenario {
    id: "P12",
    title: "in process: the Python original's table, 4 threads",
    how: "40,000 SETs, then 40,000 GETs, shared out over 4 threads and timed one by one, with and without fsync, each \
          again until half a second has passed. The \
          Python figures are those of a stand-in written for this comparison (a dict, a lock, a log of JSON lines), \
          not of the original.",
    figures: &[
        SET,
        SET_AVERAGE,
        SET_P95,
        GET,
        GET_AVERAGE,
        GET_P95,
        SYNC_SET,
        SYNC_SET_AVERAGE,
        SYNC_SET_P95,
        SYNC_GET,
        SYNC_GET_AVERAGE,
        SYNC_GET_P95,
    ],
    aims: &[
        told(SET, ORIGINAL_SET),
        told(GET, ORIGINAL_GET),
        more(SET),
        less(SET_AVERAGE),
        less(SET_P95),
        more(GET),
        less(GET_AVERAGE),
        less(GET_P95),
        more(SYNC_SET),
        less(SYNC_SET_AVERAGE),
        less(SYNC_SET_P95),
        more(SYNC_GET),
        less(SYNC_GET_AVERAGE),
        less(SYNC_GET_P95),
    ],
    plots: &[Plot::Bars {
        figures: &[SET, GET, SYNC_SET, SYNC_GET],
        better: Better::More,
    }],
    rounds_max: u32::MAX,
    expect: |scale| scale.fill(3_000_000),
    measure: Measure::Engines(&["kv", PYTHON], measure),
};

fn measure(trial: &EngineTrial<'_>) -> anyhow::Result<Figures> {
    let operations = trial.scale.fewer(40_000).max(10_000).to_string();
    if trial.engine == PYTHON {
        trial.python(STAND_IN, &[&operations])
    } else {
        trial.run_on_disk("four-threads", &["--operations", &operations])
    }
}
