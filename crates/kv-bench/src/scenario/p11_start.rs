//! P11: how fast a server has its data back after a restart.

use std::time::Duration;

use anyhow::ensure;

use crate::scenario::{Aim, Better, Bound, Figures, Measure, Plot, Rival, Scenario, Trial};
use crate::server::{Durability, Server, ServerKind, Setup, ask};

const LOG: &str = "keys/s from the log";
const SNAPSHOT: &str = "keys/s from a snapshot";
const BOTH: &str = "keys/s from a snapshot and the log after it";

/// How many keys there are.
const KEYS: u64 = 5_000_000;

/// How long an answer may take: SAVE writes the whole snapshot first.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(600);

const fn aim(figure: &'static str) -> Aim {
    Aim {
        figure,
        rival: Rival::Peer(ServerKind::Valkey.name()),
        bound: Bound::AtLeast(2.0),
    }
}

pub(super) const SCENARIO: Scenario = Scenario {
    id: "P11",
    title: "keys loaded per second at start",
    how: "5 M keys with 64-byte values are set and the server is stopped; the time from its next start to \
          its first PONG: with the log of all writes, with a snapshot made by SAVE, and, where there is such a \
          thing, with a snapshot and the log of 1 M writes after it.",
    figures: &[LOG, SNAPSHOT, BOTH],
    aims: &[aim(LOG), aim(SNAPSHOT)],
    plots: &[Plot::Bars {
        figures: &[LOG, SNAPSHOT, BOTH],
        better: Better::More,
    }],
    rounds_max: 1,
    expect: |scale| scale.fill(KEYS) * 5,
    measure: Measure::Servers(measure),
};

fn measure(trial: &Trial<'_>) -> anyhow::Result<Figures> {
    // Redis and Valkey read their snapshot only when there is no log.
    let (with_snapshot, both) = match trial.entrant.kind {
        ServerKind::Kv => (Durability::Always, true),
        ServerKind::Redis | ServerKind::Valkey => (Durability::Off, false),
    };
    let data = trial.keys(KEYS);
    let mut figures = Figures::new();
    figures.extend(restart(trial, Durability::Always, None)?.map(|rate| (LOG, rate)));
    figures.extend(restart(trial, with_snapshot, Some(0))?.map(|rate| (SNAPSHOT, rate)));
    if both {
        let after = Some(data / 5);
        figures.extend(restart(trial, Durability::Always, after)?.map(|rate| (BOTH, rate)));
    }
    Ok(figures)
}

/// Fills a server, stops it, starts it again: keys per second. With `writes_after`, a snapshot is made and so
/// many keys are written again. `None` when it cannot make a snapshot.
fn restart(
    trial: &Trial<'_>,
    durability: Durability,
    writes_after: Option<u64>,
) -> anyhow::Result<Option<f64>> {
    let running = trial.start_plain(durability)?;
    let address = running.server.address();
    // No snapshot that nobody asked for.
    let never = ["CONFIG", "SET", "auto-aof-rewrite-percentage", "0"];
    let answer = ask(address, &never, ANSWER_TIMEOUT)?;
    ensure!(answer == "+OK", "it answers CONFIG SET with '{answer}'");
    let mut spec = trial.spec(&running.server);
    spec.keys.count = trial.keys(KEYS);
    trial.fill(&spec)?;
    if let Some(writes) = writes_after {
        trial.progress.step("SAVE");
        if ask(address, &["SAVE"], ANSWER_TIMEOUT)? != "+OK" {
            return Ok(None);
        }
        if writes > 0 {
            let mut again = spec.clone();
            again.keys.count = writes;
            trial.fill(&again)?;
        }
    }
    running.server.stop()?;
    trial.progress.step("starting with data");
    let setup = Setup::plain(durability);
    let server = Server::start(trial.entrant, &setup, running.dir.path(), trial.interrupt)?;
    let found = ask(server.address(), &["DBSIZE"], ANSWER_TIMEOUT)?;
    ensure!(
        found == format!(":{}", spec.keys.count),
        "after the restart DBSIZE is '{found}', not {}",
        spec.keys.count
    );
    #[expect(clippy::cast_precision_loss, reason = "keys below 2^53")]
    let keys = spec.keys.count as f64;
    Ok(Some(keys / server.start_took().as_secs_f64()))
}
