//! P4: whether reads wait for other clients' writes when the disk is slow.

use std::time::Duration;

use anyhow::anyhow;

use crate::load::{KeyRange, LoadSpec, Mix, Operation};
use crate::progress::Progress;
use crate::scenario::{Aim, Better, Bound, Figures, Measure, Plot, Rival, Scenario, Trial};
use crate::server::{Durability, ServerKind, Setup};

const READS: &str = "GET/s";
const READ_P50: &str = "GET p50 us";
const READ_P999: &str = "GET p99.9 us";
const WRITES: &str = "SET/s";
const CURVE: &str = "latency of GETs";

/// How much longer every fsync takes.
const FSYNC_DELAY_US: u32 = 1_000;

/// How many keys are read; they are filled once, through the slow disk.
const READ_KEYS: u64 = 100_000;

pub(super) const SCENARIO: Scenario = Scenario {
    id: "P4",
    title: "50 readers beside 8 durable writers on a slow disk",
    how: "strace makes every fdatasync and fsync 1 ms slower; readers and writers use different keys, \
          64-byte values, no pipelining, closed loop.",
    figures: &[READS, READ_P50, READ_P999, WRITES],
    aims: &[
        Aim {
            figure: READS,
            rival: Rival::Peer(ServerKind::Redis.name()),
            bound: Bound::AtLeast(5.0),
        },
        Aim {
            figure: READ_P50,
            rival: Rival::Peer(ServerKind::Redis.name()),
            bound: Bound::AtMost(0.25),
        },
    ],
    plots: &[
        Plot::Bars {
            figures: &[READS, WRITES],
            better: Better::More,
        },
        Plot::Percentiles {
            title: "latency of GETs beside writers on a slow disk",
            line: CURVE,
        },
    ],
    rounds_max: u32::MAX,
    expect: |scale| scale.loads(1) + Duration::from_secs(1),
    measure: Measure::Servers(measure),
};

fn measure(trial: &Trial<'_>) -> anyhow::Result<Figures> {
    let running = trial.start(&Setup {
        fsync_delay_us: Some(FSYNC_DELAY_US),
        ..Setup::plain(Durability::Always)
    })?;
    let base = trial.spec(&running.server);
    let readers = LoadSpec {
        mix: Mix::only(Operation::Get),
        keys: KeyRange {
            prefix: *b"read",
            count: READ_KEYS,
            ..base.keys
        },
        connections: 50,
        ..base.clone()
    };
    let writers = LoadSpec {
        connections: 8,
        ..base
    };
    trial.fill(&readers)?;
    let (reads, writes) = std::thread::scope(|scope| {
        let writing = scope
            .spawn(|| crate::load::run(&writers, trial.interrupt, &Progress::hidden())?.believed());
        let reads = trial.load(&readers);
        let writes = writing
            .join()
            .map_err(|_| anyhow!("the writers' generator panicked"))?;
        anyhow::Ok((reads?, writes?))
    })?;
    let mut figures = Figures::from(vec![
        (READS, reads.per_second()),
        (READ_P50, reads.latency_us(50.0)),
        (READ_P999, reads.latency_us(99.9)),
        (WRITES, writes.per_second()),
    ]);
    figures.draw(CURVE, reads.percentiles_us());
    Ok(figures)
}
