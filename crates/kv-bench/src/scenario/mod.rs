//! The scenarios: what is compared, in one table. A new one is a file here and a line in [`TABLE`].
//!
//! A scenario measures one server at a time and knows nothing of rounds, medians or the other servers; its
//! aims say which of its figures is held against which other.

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

use crate::server::ServerKind;
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
];

/// One thing that is compared.
#[derive(Debug)]
pub struct Scenario {
    /// The name by which `--scenario` selects it.
    pub id: &'static str,
    /// What it measures, in a few words.
    pub title: &'static str,
    /// How it does that, in a sentence.
    pub how: &'static str,
    /// The figures it may give, in the order of the report. The unit is part of the name.
    pub figures: &'static [&'static str],
    /// What the figures should show.
    pub aims: &'static [Aim],
    /// Measures one server once.
    pub measure: fn(&Trial<'_>) -> anyhow::Result<Figures>,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rival {
    /// The same figure of the peer that does best at it.
    BestPeer,
    /// The same figure of this peer.
    Peer(ServerKind),
    /// Another figure of ours.
    Own(&'static str),
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

/// What one measurement of one server found: figures by name.
pub type Figures = Vec<(&'static str, f64)>;

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
            assert!(!scenario.aims.is_empty(), "{}", scenario.id);
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
