//! P7: how much memory a key takes.

use std::time::Duration;

use crate::load::{LoadSpec, ValueSizes};
use crate::scenario::{Aim, Better, Bound, Figures, Measure, Plot, Rival, Scale, Scenario, Trial};
use crate::server::Durability;
use crate::usage::Usage;

const SMALL: &str = "bytes/key, 8-byte values";
const MIDDLE: &str = "bytes/key, 64-byte values";
const EXPIRING: &str = "bytes/key, 8-byte values with TTL";
const LARGE: &str = "bytes/key, 256-byte values";

/// Each shape: its figure, the length of the values and the time to live.
const SHAPES: [(&str, u32, Option<u64>); 4] = [
    (SMALL, 8, None),
    (MIDDLE, 64, None),
    (EXPIRING, 8, Some(1_000_000)),
    (LARGE, 256, None),
];

/// How long a filled server may take to finish what it does in the background, such as growing its table.
const SETTLE: Duration = Duration::from_secs(2);

/// The same, shorter in a short look.
fn settle(scale: &Scale) -> Duration {
    SETTLE.min(scale.measure * 2)
}

const fn aim(figure: &'static str) -> Aim {
    Aim {
        figure,
        rival: Rival::BestPeer,
        bound: Bound::AtMost(0.8),
    }
}

pub(super) const SCENARIO: Scenario = Scenario {
    id: "P7",
    title: "memory per key",
    how: "Resident memory of a fresh server without log, after setting 1 M keys of 16 bytes less before it, \
          per key.",
    figures: &[SMALL, MIDDLE, EXPIRING, LARGE],
    aims: &[aim(SMALL), aim(MIDDLE), aim(EXPIRING), aim(LARGE)],
    plots: &[Plot::Bars {
        figures: &[SMALL, MIDDLE, EXPIRING, LARGE],
        better: Better::Less,
    }],
    rounds_max: u32::MAX,
    expect: |scale| (scale.fill(1_000_000) + settle(scale)) * 4,
    measure: Measure::Servers(measure),
};

fn measure(trial: &Trial<'_>) -> anyhow::Result<Figures> {
    SHAPES
        .into_iter()
        .map(|(name, value_bytes, ttl_s)| Ok((name, bytes_per_key(trial, value_bytes, ttl_s)?)))
        .collect()
}

fn bytes_per_key(trial: &Trial<'_>, value_bytes: u32, ttl_s: Option<u64>) -> anyhow::Result<f64> {
    let running = trial.start_plain(Durability::Off)?;
    let mut spec = LoadSpec {
        value_bytes: ValueSizes::exactly(value_bytes),
        ttl_s,
        ..trial.spec(&running.server)
    };
    spec.keys.count = trial.keys(1_000_000);
    let resident = || Usage::of(running.server.pid()).map(|usage| usage.resident_bytes);
    let before = resident()?;
    trial.fill(&spec)?;
    std::thread::sleep(settle(&trial.scale));
    let grown = resident()?.saturating_sub(before);
    #[expect(clippy::cast_precision_loss, reason = "bytes below 2^53")]
    let per_key = grown as f64 / spec.keys.count as f64;
    Ok(per_key)
}
