//! P11: how fast a server has its data back after a restart.

use std::time::Duration;

use anyhow::ensure;

use crate::scenario::{Aim, Bound, Figures, Rival, Scenario, Trial};
use crate::server::{Durability, Server, ServerKind, Setup, ask};

const LOG: &str = "keys/s from the log";
const SNAPSHOT: &str = "keys/s from a snapshot";

/// How long an answer may take: SAVE writes the whole snapshot first.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(600);

const fn aim(figure: &'static str) -> Aim {
    Aim {
        figure,
        rival: Rival::Peer(ServerKind::Valkey),
        bound: Bound::AtLeast(2.0),
    }
}

pub(super) const SCENARIO: Scenario = Scenario {
    id: "P11",
    title: "keys loaded per second at start",
    how: "5 M keys with 64-byte values are set and the server is stopped; the time from its next start to \
          its first PONG, once with the log of all writes and once with a snapshot made by SAVE.",
    figures: &[LOG, SNAPSHOT],
    aims: &[aim(LOG), aim(SNAPSHOT)],
    measure,
};

fn measure(trial: &Trial<'_>) -> anyhow::Result<Figures> {
    let mut figures = Figures::new();
    figures.extend(restart(trial, Durability::Always, false)?.map(|rate| (LOG, rate)));
    // Redis and Valkey read their snapshot only when there is no log.
    let with_snapshot = match trial.entrant.kind {
        ServerKind::Kv => Durability::Always,
        ServerKind::Redis | ServerKind::Valkey => Durability::Off,
    };
    figures.extend(restart(trial, with_snapshot, true)?.map(|rate| (SNAPSHOT, rate)));
    Ok(figures)
}

/// Fills a server, stops it, starts it again: keys per second. `None` when it cannot make a snapshot.
fn restart(
    trial: &Trial<'_>,
    durability: Durability,
    snapshot: bool,
) -> anyhow::Result<Option<f64>> {
    let running = trial.start_plain(durability)?;
    let mut spec = trial.spec(&running.server);
    spec.keys.count = trial.keys(5_000_000);
    trial.fill(&spec)?;
    if snapshot {
        trial.progress.step("SAVE");
        if ask(running.server.address(), &["SAVE"], ANSWER_TIMEOUT)? != "+OK" {
            return Ok(None);
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
