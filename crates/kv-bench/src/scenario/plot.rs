//! How the figures of a scenario are drawn in the report.

/// One plot.
#[derive(Clone, Copy, Debug)]
pub enum Plot {
    /// A bar for each entrant, each figure on a scale of its own.
    Bars {
        /// The figures.
        figures: &'static [&'static str],
        /// Which way is better.
        better: Better,
    },
    /// A line for each entrant through figures of the same kind.
    Points {
        /// What is drawn, unit included.
        title: &'static str,
        /// What changes from point to point.
        x: &'static str,
        /// Each point's place and figure.
        points: &'static [(f64, &'static str)],
    },
    /// Latencies by percentile, a line for each entrant; both axes logarithmic.
    Percentiles {
        /// What is drawn.
        title: &'static str,
        /// The line's name.
        line: &'static str,
    },
    /// Latency over time, a line for each entrant, with marked stretches of time.
    Time {
        /// What is drawn.
        title: &'static str,
        /// The line's name.
        line: &'static str,
    },
}

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// More.
    More,
    /// Less.
    Less,
}

impl Plot {
    /// The figures that it draws.
    #[must_use]
    pub fn figures(&self) -> Vec<&'static str> {
        match self {
            Self::Bars { figures, .. } => figures.to_vec(),
            Self::Points { points, .. } => points.iter().map(|(_, figure)| *figure).collect(),
            Self::Percentiles { .. } | Self::Time { .. } => Vec::new(),
        }
    }
}
