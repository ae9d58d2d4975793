//! What a comparison found, as data: medians per entrant and figure, lines, and how the aims fare. [`markdown`],
//! [`html`] and serde write it down.
//!
//! Invariant: a ratio is the median of the ratios of each round, so that a slow hour of the machine, which
//! slows both servers of a round, cancels out.

mod html;
mod machine;
mod markdown;
mod number;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::scenario::{Aim, Bound, Figures, Line, Plot, Rival, Scenario};
pub use html::html;
pub use machine::Machine;
pub use markdown::markdown;

/// Everything one comparison found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// When it ended, in seconds since 1970.
    pub measured_at_unix_s: u64,
    /// Where it ran.
    pub machine: Machine,
    /// What was measured: names and versions.
    pub versions: BTreeMap<String, String>,
    /// The command that measured it.
    pub command: String,
    /// How it was measured, in a sentence.
    pub settings: String,
    /// Whether it is a short look, whose figures are not for telling.
    pub is_short_look: bool,
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
    /// How long all its rounds took, in seconds.
    pub took_s: f64,
    /// Those that took part, ours first.
    pub entrants: Vec<&'static str>,
    /// A row for each figure that some entrant gave.
    pub rows: Vec<Row>,
    /// For each entrant, the lines of its last round.
    pub lines: Vec<Vec<Line>>,
    /// How it is drawn.
    #[serde(skip)]
    pub plots: &'static [Plot],
    /// How the aims fare.
    pub verdicts: Vec<Verdict>,
}

/// One figure over all entrants.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Its name, unit included.
    pub figure: &'static str,
    /// For each entrant of the scenario, its value in each round; empty where it gave none.
    pub rounds: Vec<Vec<f64>>,
    /// For each entrant of the scenario, the median of its rounds.
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
    /// The median of our figure.
    pub ours: Option<f64>,
    /// The median of what it is held against.
    pub theirs: Option<f64>,
    /// The ratio found; `None` where one of the two is missing.
    pub ratio: Option<f64>,
    /// Whether the bound holds.
    pub met: Option<bool>,
}

impl Verdict {
    /// Whether the aim is met, in words.
    #[must_use]
    pub fn told(&self) -> &'static str {
        match self.met {
            Some(true) => "met",
            Some(false) => "missed",
            None => "not measured",
        }
    }
}

impl ScenarioReport {
    /// The row of a figure.
    #[must_use]
    pub fn row(&self, figure: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.figure == figure)
    }
}

/// The figures of one scenario as they come in: for each entrant, those of each round.
#[derive(Clone, Debug)]
pub struct Samples {
    entrants: Vec<(&'static str, Vec<Figures>)>,
}

impl Samples {
    /// None yet, for `entrants`, ours first.
    #[must_use]
    pub fn new(entrants: impl IntoIterator<Item = &'static str>) -> Self {
        Self {
            entrants: entrants
                .into_iter()
                .map(|entrant| (entrant, Vec::new()))
                .collect(),
        }
    }

    /// Adds what one round found on `entrant`.
    pub fn add(&mut self, entrant: &str, figures: Figures) {
        if let Some((_, rounds)) = self
            .entrants
            .iter_mut()
            .find(|(known, _)| *known == entrant)
        {
            rounds.push(figures);
        }
    }

    /// The report on `scenario`, all of which `took` so long.
    #[must_use]
    pub fn report(&self, scenario: &Scenario, took: Duration) -> ScenarioReport {
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
            took_s: took.as_secs_f64(),
            entrants: self.entrants.iter().map(|(entrant, _)| *entrant).collect(),
            rows,
            lines: self
                .entrants
                .iter()
                .map(|(_, rounds)| {
                    rounds
                        .last()
                        .map(|last| last.lines.clone())
                        .unwrap_or_default()
                })
                .collect(),
            plots: scenario.plots,
            verdicts: scenario.aims.iter().map(|aim| self.verdict(aim)).collect(),
        }
    }

    fn row(&self, figure: &'static str) -> Row {
        let rounds: Vec<Vec<f64>> = self
            .entrants
            .iter()
            .map(|(entrant, _)| self.values(entrant, figure))
            .collect();
        Row {
            figure,
            medians: rounds.iter().map(|values| median(values)).collect(),
            rounds,
        }
    }

    fn values(&self, entrant: &str, figure: &str) -> Vec<f64> {
        self.entrants
            .iter()
            .filter(|(known, _)| *known == entrant)
            .flat_map(|(_, rounds)| rounds)
            .flat_map(|round| &round.values)
            .filter(|(name, _)| *name == figure)
            .map(|(_, value)| *value)
            .collect()
    }

    fn verdict(&self, aim: &Aim) -> Verdict {
        let own = self.entrants.first().map_or("", |(own, _)| own);
        let ours = self.values(own, aim.figure);
        let (against, theirs) = match aim.rival {
            Rival::Own(other) => (other.to_owned(), self.values(own, other)),
            Rival::Peer(peer) => (peer.to_owned(), self.values(peer, aim.figure)),
            Rival::Told(whose, value) => (whose.to_owned(), vec![value; ours.len()]),
            Rival::BestPeer => {
                self.of_best(aim, self.entrants.iter().skip(1).map(|(peer, _)| *peer))
            }
            Rival::BestOf(peers) => self.of_best(aim, peers.iter().copied()),
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
            ours: median(&ours),
            theirs: median(&theirs),
            ratio,
            met: ratio.map(|ratio| aim.bound.holds(ratio)),
        }
    }

    /// The peer whose median is best at the aim's figure, and its values.
    fn of_best(&self, aim: &Aim, peers: impl Iterator<Item = &'static str>) -> (String, Vec<f64>) {
        let medians =
            peers.filter_map(|peer| Some((peer, median(&self.values(peer, aim.figure))?)));
        let best = match aim.bound {
            Bound::AtLeast(_) => medians.max_by(|one, other| one.1.total_cmp(&other.1)),
            Bound::AtMost(_) => medians.min_by(|one, other| one.1.total_cmp(&other.1)),
        };
        match best {
            Some((peer, _)) => (peer.to_owned(), self.values(peer, aim.figure)),
            None => ("the best peer".to_owned(), Vec::new()),
        }
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
    use crate::scenario::{Better, Measure};

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
                rival: Rival::Peer("redis-server"),
                bound: Bound::AtLeast(5.0),
            },
            Aim {
                figure: SLOWER,
                rival: Rival::Own(SPEED),
                bound: Bound::AtLeast(0.85),
            },
            Aim {
                figure: SPEED,
                rival: Rival::BestOf(&["valkey-server", "nobody"]),
                bound: Bound::AtLeast(3.0),
            },
            Aim {
                figure: SPEED,
                rival: Rival::Told("a paper", 100.0),
                bound: Bound::AtLeast(20.0),
            },
        ],
        plots: &[
            Plot::Bars {
                figures: &[SPEED],
                better: Better::More,
            },
            Plot::Points {
                title: "speed by size",
                x: "size",
                points: &[(1.0, SPEED), (10.0, SLOWER)],
            },
            Plot::Percentiles {
                title: "delays <all>",
                line: DELAY,
            },
            Plot::Time {
                title: "delay over time",
                line: SPEED,
            },
        ],
        rounds_max: 3,
        expect: |_| Duration::ZERO,
        measure: Measure::Servers(|_| Ok(Figures::new())),
    };

    /// Three rounds on three servers. The machine is half as fast in the second round.
    pub(crate) fn samples() -> Samples {
        let [kv, redis, valkey] = ["kv-server", "redis-server", "valkey-server"];
        let mut samples = Samples::new([kv, redis, valkey]);
        for speed in [1.0, 0.5, 0.9] {
            let mut ours = Figures::from(vec![
                (SPEED, 600.0 * speed),
                (DELAY, 30.0),
                (SLOWER, 540.0 * speed),
            ]);
            ours.draw(DELAY, vec![(50.0, 10.0), (99.0, 30.0), (99.9, 300.0)]);
            ours.lines.push(Line {
                name: SPEED,
                points: vec![(0.5, 20.0), (1.0, 2_000.0)],
                spans: vec![(0.5, 1.0, "snapshot")],
            });
            samples.add(kv, ours);
            samples.add(redis, vec![(SPEED, 300.0 * speed), (DELAY, 90.0)].into());
            samples.add(valkey, vec![(SPEED, 200.0 * speed), (DELAY, 60.0)].into());
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
        let verdicts = samples().report(&SCENARIO, Duration::ZERO).verdicts;
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
                ("valkey-server", Some(300.0), Some(true)),
                ("a paper", Some(540.0), Some(false)),
            ]
        );
    }

    #[test]
    fn without_a_rival_there_is_no_verdict() {
        let mut samples = Samples::new(["kv-server"]);
        samples.add("kv-server", vec![(SPEED, 1.0)].into());
        let report = samples.report(&SCENARIO, Duration::ZERO);
        assert_eq!(report.rows.len(), 1);
        let told = report
            .verdicts
            .iter()
            .filter(|verdict| verdict.met.is_some());
        assert!(told.eq(report.verdicts.last()), "{:?}", report.verdicts);
    }
}
