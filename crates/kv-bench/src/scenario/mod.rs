//! The scenarios: what is compared, in one table. A new one is a file here and a line in [`TABLE`].
//!
//! A scenario measures one entrant at a time, a server or an embedded engine, and knows nothing of rounds, medians
//! or the others; its aims say which of its figures is held against which other.

mod engine_trial;
mod figures;
mod plot;
mod trial;

// Durable writes.
mod p1_durable_pipelined;
mod p2_durable_single;
mod p3_cost_of_durability;
mod p4_slow_disk;

// The engine behind the socket.
mod p5_engine_pipelined;
mod p6_engine_single;
mod p7_memory;

// Snapshots and coming back.
mod p10_snapshot_under_load;
mod p11_start;

// What others wait for.
mod stalls;

// How cost grows.
mod connections;
mod keys;
mod p13_cores;

// In process.
mod p12_original;
mod p8_lookups;
mod p9_durable_set;

use std::time::Duration;

pub use engine_trial::{EngineTrial, Engines};
pub use figures::{Figures, Line};
pub use plot::{Better, Plot};
pub use trial::{Scale, Trial};

/// Every scenario, in the order of the report.
pub const TABLE: &[Scenario] = &[
    p1_durable_pipelined::SCENARIO,
    p2_durable_single::SCENARIO,
    p3_cost_of_durability::SCENARIO,
    p4_slow_disk::SCENARIO,
    p5_engine_pipelined::SCENARIO,
    p6_engine_single::SCENARIO,
    p7_memory::SCENARIO,
    p10_snapshot_under_load::SCENARIO,
    p11_start::SCENARIO,
    stalls::SCENARIO,
    p13_cores::SCENARIO,
    keys::SCENARIO,
    connections::SCENARIO,
    p8_lookups::SCENARIO,
    p9_durable_set::SCENARIO,
    p12_original::SCENARIO,
];

/// One thing that is compared.
#[derive(Debug)]
pub struct Scenario {
    /// The name by which `--only` selects it.
    pub id: &'static str,
    /// What it measures, in a few words.
    pub title: &'static str,
    /// How it does that, in a sentence.
    pub how: &'static str,
    /// The figures it may give, in the order of the report. The unit is part of the name.
    pub figures: &'static [&'static str],
    /// What the figures should show.
    pub aims: &'static [Aim],
    /// How they are drawn.
    pub plots: &'static [Plot],
    /// The most rounds that are worth their time.
    pub rounds_max: u32,
    /// How long one measurement of one entrant takes, about.
    pub expect: fn(&Scale) -> Duration,
    /// Measures one entrant once.
    pub measure: Measure,
}

/// Who takes part in a scenario, and how each is measured.
#[derive(Clone, Copy, Debug)]
pub enum Measure {
    /// Every server that is there.
    Servers(fn(&Trial<'_>) -> anyhow::Result<Figures>),
    /// These embedded engines, ours first, as far as they are built in.
    Engines(
        &'static [&'static str],
        fn(&EngineTrial<'_>) -> anyhow::Result<Figures>,
    ),
}

impl Scenario {
    /// Whether `pattern` selects it: its name, the beginning of its name before a `*`, or a part of its title, in
    /// large or small letters.
    #[must_use]
    pub fn is_selected_by(&self, pattern: &str) -> bool {
        let (id, pattern) = (self.id.to_lowercase(), pattern.trim().to_lowercase());
        match pattern.strip_suffix('*') {
            Some(beginning) => id.starts_with(beginning),
            None => {
                id == pattern
                    || (!pattern.is_empty() && self.title.to_lowercase().contains(&pattern))
            }
        }
    }

    /// Whether it measures embedded engines, not servers.
    #[must_use]
    pub fn is_in_process(&self) -> bool {
        matches!(self.measure, Measure::Engines(..))
    }
}

/// What one figure of ours should be, as a ratio to another.
#[derive(Clone, Copy, Debug)]
pub struct Aim {
    /// Our figure.
    pub figure: &'static str,
    /// What it is held against.
    pub rival: Rival,
    /// What the ratio of ours to the rival's should be.
    pub bound: Bound,
}

/// What a figure is held against.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rival {
    /// The same figure of the peer that does best at it.
    BestPeer,
    /// The same figure of the one of these that does best at it.
    BestOf(&'static [&'static str]),
    /// The same figure of this peer.
    Peer(&'static str),
    /// Another figure of ours.
    Own(&'static str),
    /// A figure that was measured elsewhere: whose, and its value.
    Told(&'static str, f64),
}

/// A bound on a ratio. It also says which direction is better.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// More is better.
    AtLeast(f64),
    /// Less is better.
    AtMost(f64),
}

impl Bound {
    /// Whether `ratio` is within it.
    #[must_use]
    pub fn holds(self, ratio: f64) -> bool {
        match self {
            Self::AtLeast(least) => ratio >= least,
            Self::AtMost(most) => ratio <= most,
        }
    }
}

impl std::fmt::Display for Bound {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AtLeast(least) => write!(out, ">= {least} x"),
            Self::AtMost(most) => write!(out, "<= {most} x"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_unique() {
        let ids: HashSet<_> = TABLE.iter().map(|scenario| scenario.id).collect();
        assert_eq!(ids.len(), TABLE.len());
        for scenario in TABLE {
            let figures: HashSet<_> = scenario.figures.iter().collect();
            assert_eq!(figures.len(), scenario.figures.len(), "{}", scenario.id);
        }
    }

    #[test]
    fn aims_speak_of_figures_that_are_there() {
        for scenario in TABLE {
            for aim in scenario.aims {
                let known = |figure: &str| scenario.figures.contains(&figure);
                assert!(known(aim.figure), "{}: {}", scenario.id, aim.figure);
                if let Rival::Own(other) = aim.rival {
                    assert!(known(other), "{}: {other}", scenario.id);
                }
            }
        }
    }

    #[test]
    fn plots_show_figures_that_are_there() {
        for scenario in TABLE {
            assert!(!scenario.plots.is_empty(), "{}", scenario.id);
            for figure in scenario.plots.iter().flat_map(Plot::figures) {
                assert!(
                    scenario.figures.contains(&figure),
                    "{}: {figure}",
                    scenario.id
                );
            }
        }
    }

    #[test]
    fn a_pattern_is_a_name_its_beginning_or_a_part_of_the_title() {
        let selected = |pattern: &str| -> Vec<&str> {
            let those = TABLE
                .iter()
                .filter(|scenario| scenario.is_selected_by(pattern));
            those.map(|scenario| scenario.id).collect()
        };
        assert_eq!(selected("p1"), ["P1"]);
        assert_eq!(selected("P1*"), ["P1", "P10", "P11", "P13", "P12"]);
        assert_eq!(selected("Snapshot"), ["P10"]);
        assert!(selected("").is_empty() && selected("P99").is_empty());
    }

    #[test]
    fn every_scenario_is_told_in_a_sentence() {
        for scenario in TABLE {
            assert!(scenario.how.ends_with('.'), "{}", scenario.id);
            assert!(!scenario.title.is_empty(), "{}", scenario.id);
        }
    }

    #[test]
    fn bounds_have_a_direction() {
        assert!(Bound::AtLeast(1.5).holds(1.5) && !Bound::AtLeast(1.5).holds(1.4));
        assert!(Bound::AtMost(0.2).holds(0.2) && !Bound::AtMost(0.2).holds(0.3));
    }
}
