//! What one measurement of one entrant found: figures, lines to be drawn, and what is missing.

use serde::Serialize;

/// The findings of one measurement.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    /// Figures by name.
    pub values: Vec<(&'static str, f64)>,
    /// Lines by name.
    pub lines: Vec<Line>,
    /// What could not be measured and why, a sentence each.
    pub notes: Vec<String>,
}

/// A line of a plot.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// Which line of its scenario.
    pub name: &'static str,
    /// Its points, x and y.
    pub points: Vec<(f64, f64)>,
    /// Stretches of x in which something happened: from, to and what.
    pub spans: Vec<(f64, f64, &'static str)>,
}

impl Figures {
    /// Nothing found yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a figure.
    pub fn push(&mut self, name: &'static str, value: f64) {
        self.values.push((name, value));
    }

    /// Adds a line without spans.
    pub fn draw(&mut self, name: &'static str, points: Vec<(f64, f64)>) {
        self.lines.push(Line {
            name,
            points,
            spans: Vec::new(),
        });
    }
}

impl From<Vec<(&'static str, f64)>> for Figures {
    fn from(values: Vec<(&'static str, f64)>) -> Self {
        Self {
            values,
            ..Self::default()
        }
    }
}

impl FromIterator<(&'static str, f64)> for Figures {
    fn from_iter<T: IntoIterator<Item = (&'static str, f64)>>(values: T) -> Self {
        Self::from(values.into_iter().collect::<Vec<_>>())
    }
}

impl Extend<(&'static str, f64)> for Figures {
    fn extend<T: IntoIterator<Item = (&'static str, f64)>>(&mut self, values: T) {
        self.values.extend(values);
    }
}
