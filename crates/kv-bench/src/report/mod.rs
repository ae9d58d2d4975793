//! What a comparison found, as data: medians per server and figure, and how the aims fare. [`markdown`] and
//! serde write it down.
//!
//! Invariant: a ratio is the median of the ratios of each round, so that a slow hour of the machine, which
//! slows both servers of a round, cancels out.

mod machine;
mod markdown;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::scenario::{Aim, Bound, Figures, Rival, Scenario};
use crate::server::ServerKind;
pub use machine::Machine;
pub use markdown::markdown;

/// Everything one comparison found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// When it ended, in seconds since 1970.
    pub measured_at_unix_s: u64,
    /// Where it ran.
    pub machine: Machine,
    /// What the servers say about themselves, by name.
    pub servers: BTreeMap<&'static str, String>,
    /// How it was measured, in a sentence.
    pub settings: String,
    /// What each scenario found.
    pub scenarios: Vec<ScenarioReport>,
    /// What is missing and why.
    pub notes: Vec<String>,
}

/// What one scenario found.
#[derive(Clone, Debug, Serialize)]
pub struct ScenarioReport {
    /// Its name.
    pub id: &'static str,
    /// What it measures.
    pub title: &'static str,
    /// How.
    pub how: &'static str,
    /// The servers, ours first.
    pub servers: Vec<&'static str>,
    /// A row for each figure that some server gave.
    pub rows: Vec<Row>,
    /// How the aims fare.
    pub verdicts: Vec<Verdict>,
}

/// One figure over all servers.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Its name, unit included.
    pub figure: &'static str,
    /// For each server of the scenario, its value in each round; empty where it gave none.
    pub rounds: Vec<Vec<f64>>,
    /// For each server of the scenario, the median of its rounds.
    pub medians: Vec<Option<f64>>,
}

/// How one aim fares.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// Our figure.
    pub figure: &'static str,
    /// What it is held against.
    pub against: String,
    /// The bound on the ratio.
    pub aim: String,
    /// The ratio found; `None` where one of the two is missing.
    pub ratio: Option<f64>,
    /// Whether the bound holds.
    pub met: Option<bool>,
}

/// The figures of one scenario as they come in: for each server, those of each round.
#[derive(Clone, Debug)]
pub struct Samples {
    servers: Vec<(ServerKind, Vec<Figures>)>,
}

impl Samples {
    /// None yet, for `servers`, ours first.
    #[must_use]
    pub fn new(servers: impl IntoIterator<Item = ServerKind>) -> Self {
        Self {
            servers: servers
                .into_iter()
                .map(|server| (server, Vec::new()))
                .collect(),
        }
    }

    /// Adds what one round found on `server`.
    pub fn add(&mut self, server: ServerKind, figures: Figures) {
        if let Some((_, rounds)) = self.servers.iter_mut().find(|(known, _)| *known == server) {
            rounds.push(figures);
        }
    }

    /// The report on `scenario`.
    #[must_use]
    pub fn report(&self, scenario: &Scenario) -> ScenarioReport {
        let rows = scenario
            .figures
            .iter()
            .map(|figure| self.row(figure))
            .filter(|row| row.medians.iter().any(Option::is_some))
            .collect();
        ScenarioReport {
            id: scenario.id,
            title: scenario.title,
            how: scenario.how,
            servers: self
                .servers
                .iter()
                .map(|(server, _)| server.name())
                .collect(),
            rows,
            verdicts: scenario.aims.iter().map(|aim| self.verdict(aim)).collect(),
        }
    }

    fn row(&self, figure: &'static str) -> Row {
        let rounds: Vec<Vec<f64>> = self
            .servers
            .iter()
            .map(|(server, _)| self.values(*server, figure))
            .collect();
        Row {
            figure,
            medians: rounds.iter().map(|values| median(values)).collect(),
            rounds,
        }
    }

    fn values(&self, server: ServerKind, figure: &str) -> Vec<f64> {
        self.servers
            .iter()
            .filter(|(known, _)| *known == server)
            .flat_map(|(_, rounds)| rounds)
            .flatten()
            .filter(|(name, _)| *name == figure)
            .map(|(_, value)| *value)
            .collect()
    }

    fn verdict(&self, aim: &Aim) -> Verdict {
        let ours = self.values(ServerKind::Kv, aim.figure);
        let (against, theirs) = match aim.rival {
            Rival::Own(other) => (other.to_owned(), self.values(ServerKind::Kv, other)),
            Rival::Peer(peer) => (peer.name().to_owned(), self.values(peer, aim.figure)),
            Rival::BestPeer => match self.best_peer(aim) {
                Some(peer) => (peer.name().to_owned(), self.values(peer, aim.figure)),
                None => ("the best peer".to_owned(), Vec::new()),
            },
        };
        let ratios: Vec<f64> = ours
            .iter()
            .zip(&theirs)
            .filter(|(_, theirs)| **theirs > 0.0)
            .map(|(ours, theirs)| ours / theirs)
            .collect();
        let ratio = median(&ratios);
        Verdict {
            figure: aim.figure,
            against,
            aim: aim.bound.to_string(),
            ratio,
            met: ratio.map(|ratio| aim.bound.holds(ratio)),
        }
    }

    /// The peer whose median is best at the aim's figure.
    fn best_peer(&self, aim: &Aim) -> Option<ServerKind> {
        let medians = self
            .servers
            .iter()
            .filter(|(server, _)| *server != ServerKind::Kv)
            .filter_map(|(server, _)| Some((*server, median(&self.values(*server, aim.figure))?)));
        let best = match aim.bound {
            Bound::AtLeast(_) => medians.max_by(|one, other| one.1.total_cmp(&other.1)),
            Bound::AtMost(_) => medians.min_by(|one, other| one.1.total_cmp(&other.1)),
        };
        best.map(|(server, _)| server)
    }
}

/// The middle value, or the mean of the two in the middle; `None` of none.
fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let upper = *sorted.get(middle)?;
    if sorted.len() % 2 == 1 {
        Some(upper)
    } else {
        Some(f64::midpoint(sorted[middle - 1], upper))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    const SPEED: &str = "SET/s";
    const DELAY: &str = "p99 us";
    const SLOWER: &str = "SET/s, durable";

    /// A scenario with an aim of each kind.
    pub(crate) const SCENARIO: Scenario = Scenario {
        id: "T1",
        title: "a test",
        how: "By hand.",
        figures: &[SPEED, DELAY, SLOWER],
        aims: &[
            Aim {
                figure: SPEED,
                rival: Rival::BestPeer,
                bound: Bound::AtLeast(1.5),
            },
            Aim {
                figure: DELAY,
                rival: Rival::BestPeer,
                bound: Bound::AtMost(0.2),
            },
            Aim {
                figure: SPEED,
                rival: Rival::Peer(ServerKind::Redis),
                bound: Bound::AtLeast(5.0),
            },
            Aim {
                figure: SLOWER,
                rival: Rival::Own(SPEED),
                bound: Bound::AtLeast(0.85),
            },
        ],
        measure: |_| Ok(Figures::new()),
    };

    /// Three rounds on three servers. The machine is half as fast in the second round.
    pub(crate) fn samples() -> Samples {
        let mut samples = Samples::new([ServerKind::Kv, ServerKind::Redis, ServerKind::Valkey]);
        for speed in [1.0, 0.5, 0.9] {
            samples.add(
                ServerKind::Kv,
                vec![
                    (SPEED, 600.0 * speed),
                    (DELAY, 30.0),
                    (SLOWER, 540.0 * speed),
                ],
            );
            samples.add(
                ServerKind::Redis,
                vec![(SPEED, 300.0 * speed), (DELAY, 90.0)],
            );
            samples.add(
                ServerKind::Valkey,
                vec![(SPEED, 200.0 * speed), (DELAY, 60.0)],
            );
        }
        samples
    }

    #[test]
    fn medians() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
    }

    #[test]
    fn each_aim_is_held_against_its_rival() {
        let verdicts = samples().report(&SCENARIO).verdicts;
        let told: Vec<_> = verdicts
            .iter()
            .map(|verdict| {
                let hundredths = verdict.ratio.map(|ratio| (ratio * 100.0).round());
                (verdict.against.as_str(), hundredths, verdict.met)
            })
            .collect();
        assert_eq!(
            told,
            [
                ("redis-server", Some(200.0), Some(true)),
                ("valkey-server", Some(50.0), Some(false)),
                ("redis-server", Some(200.0), Some(false)),
                (SPEED, Some(90.0), Some(true)),
            ]
        );
    }

    #[test]
    fn without_a_rival_there_is_no_verdict() {
        let mut samples = Samples::new([ServerKind::Kv]);
        samples.add(ServerKind::Kv, vec![(SPEED, 1.0)]);
        let report = samples.report(&SCENARIO);
        assert_eq!(report.rows.len(), 1);
        assert!(report.verdicts.iter().all(|verdict| verdict.met.is_none()));
    }
}
