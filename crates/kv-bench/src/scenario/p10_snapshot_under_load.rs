//! P10: whether a snapshot shows: in the latency of writers and in memory.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{anyhow, ensure};

use crate::load::{LoadSpec, Pace, Stop};
use crate::scenario::{Aim, Bound, Figures, Rival, Scenario, Trial};
use crate::server::{Durability, Server, ask};
use crate::usage::Usage;

const BEFORE: &str = "SET p99.9 us";
const BESIDE: &str = "SET p99.9 us beside BGSAVE";
const RESIDENT: &str = "resident MiB";
const RESIDENT_BESIDE: &str = "most resident MiB beside BGSAVE";

/// 2 GiB in values of this length.
const KEYS: u64 = 2 << 20;
const VALUE_BYTES: usize = 1024;

/// What clients ask for, well below what a server can do.
const SETS_PER_SECOND: f64 = 10_000.0;

/// Loads last so many times as long as others, to see most of the snapshot.
const TIMES_LONGER: u32 = 3;

/// How long an answer may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// How long between two looks at the memory.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

pub(super) const SCENARIO: Scenario = Scenario {
    id: "P10",
    title: "a snapshot of 2 GiB beside durable writers",
    how: "2 M keys with 1 KiB values; an open loop of 10,000 SET/s on 50 connections, first alone, then from \
          the BGSAVE on; latency counts from when a request was due, memory is looked at 20 times a second. \
          The children that peers fork are not counted.",
    figures: &[BEFORE, BESIDE, RESIDENT, RESIDENT_BESIDE],
    aims: &[
        Aim {
            figure: BESIDE,
            rival: Rival::Own(BEFORE),
            bound: Bound::AtMost(2.0),
        },
        Aim {
            figure: RESIDENT_BESIDE,
            rival: Rival::Own(RESIDENT),
            bound: Bound::AtMost(1.1),
        },
    ],
    measure,
};

fn measure(trial: &Trial<'_>) -> anyhow::Result<Figures> {
    let running = trial.start_plain(Durability::Always)?;
    let server = &running.server;
    // No snapshot but the one that is measured.
    let never = ["CONFIG", "SET", "auto-aof-rewrite-percentage", "0"];
    let answer = ask(server.address(), &never, ANSWER_TIMEOUT)?;
    ensure!(answer == "+OK", "it answers CONFIG SET with '{answer}'");
    let mut spec = trial.spec(server);
    spec.keys.count = trial.keys(KEYS);
    spec.value_bytes = VALUE_BYTES;
    trial.fill(&spec)?;
    let spec = LoadSpec {
        pace: Pace::Open {
            per_second: SETS_PER_SECOND,
        },
        pipeline: 16,
        stop: Stop::After(trial.scale.measure * TIMES_LONGER),
        ..spec
    };
    let before = trial.load(&spec)?;
    let resident = resident_mib(server)?;
    let answer = ask(server.address(), &["BGSAVE"], ANSWER_TIMEOUT)?;
    ensure!(answer.starts_with('+'), "it answers BGSAVE with '{answer}'");
    let (beside, most_resident) = watching_memory(server, || {
        trial.load(&LoadSpec {
            warmup: Duration::ZERO,
            ..spec.clone()
        })
    })?;
    Ok(vec![
        (BEFORE, before.latency_us(99.9)),
        (BESIDE, beside.latency_us(99.9)),
        (RESIDENT, resident),
        (RESIDENT_BESIDE, most_resident),
    ])
}

/// Does `work`; what came of it, and the most memory that the server had meanwhile, in MiB.
fn watching_memory<T>(
    server: &Server,
    work: impl FnOnce() -> anyhow::Result<T>,
) -> anyhow::Result<(T, f64)> {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut most = resident_mib(server)?;
            while !done.load(Ordering::Relaxed) {
                std::thread::sleep(LOOK_AGAIN);
                most = most.max(resident_mib(server)?);
            }
            anyhow::Ok(most)
        });
        let outcome = work();
        done.store(true, Ordering::Relaxed);
        let most = watch.join().map_err(|_| anyhow!("the watch panicked"))?;
        Ok((outcome?, most?))
    })
}

#[expect(clippy::cast_precision_loss, reason = "bytes below 2^53")]
fn resident_mib(server: &Server) -> anyhow::Result<f64> {
    Ok(Usage::of(server.pid())?.resident_bytes as f64 / f64::from(1 << 20))
}
