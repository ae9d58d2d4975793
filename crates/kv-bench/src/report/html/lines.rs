//! Plots with a line for each entrant.

use super::axis::{Axis, rarity};
use super::svg::{Anchor, Svg};
use crate::report::ScenarioReport;
use crate::report::number::{brief, microseconds, tick};

const WIDTH: f64 = 780.0;
const HEIGHT: f64 = 300.0;
/// The field that lines are drawn in.
const LEFT: f64 = 62.0;
const RIGHT: f64 = WIDTH - 24.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = HEIGHT - 42.0;

/// A line of one entrant, with what is shown when a pointer rests on a point.
struct Drawn {
    place: usize,
    points: Vec<(f64, f64, String)>,
}

/// What is drawn.
struct Chart<'a> {
    title: &'a str,
    x_label: &'a str,
    x: Axis,
    y: Axis,
    lines: Vec<Drawn>,
    spans: Vec<(f64, f64, &'a str)>,
}

/// Figures of the same kind, by what changes between them.
pub(super) fn points(
    scenario: &ScenarioReport,
    title: &str,
    x_label: &str,
    points: &[(f64, &'static str)],
) -> String {
    let found = |place: usize, entrant: &str| {
        let points = points.iter().filter_map(|(x, figure)| {
            let value = (*scenario.row(figure)?.medians.get(place)?)?;
            let hint = format!("{entrant}, {} {x_label}: {}", tick(*x), brief(value));
            Some((*x, value, hint))
        });
        points.collect()
    };
    let lines = drawn(scenario, found);
    let mut xs: Vec<f64> = all(&lines).map(|(x, _)| x).collect();
    xs.sort_by(f64::total_cmp);
    xs.dedup();
    Chart {
        title,
        x_label,
        x: Axis::over(&xs),
        y: Axis::from_zero(most(&lines)),
        lines,
        spans: Vec::new(),
    }
    .draw()
}

/// Latencies by percentile.
pub(super) fn percentiles(scenario: &ScenarioReport, title: &str, line: &str) -> String {
    let found = |place: usize, entrant: &str| {
        let points = line_points(scenario, place, line).iter();
        let hint = |percent: f64, us| format!("{entrant}, {percent} %: {}", microseconds(us));
        points
            .map(|(percent, us)| (*percent, *us, hint(*percent, *us)))
            .collect()
    };
    let mut lines = drawn(scenario, found);
    let least = all(&lines)
        .map(|(percent, _)| percent)
        .fold(100.0, f64::min);
    let last = all(&lines).map(|(percent, _)| percent).fold(0.0, f64::max);
    for (percent, ..) in lines.iter_mut().flat_map(|line| &mut line.points) {
        *percent = rarity(*percent);
    }
    Chart {
        title,
        x_label: "of requests are faster",
        x: Axis::percentiles(least, last),
        y: Axis::microseconds(fastest(&lines), most(&lines)),
        lines,
        spans: Vec::new(),
    }
    .draw()
}

/// Latency over time.
pub(super) fn time(scenario: &ScenarioReport, title: &str, line: &str) -> String {
    let found = |place: usize, entrant: &str| {
        let points = line_points(scenario, place, line).iter();
        let hint = |second: f64, us| format!("{entrant}, {second:.1} s: {}", microseconds(us));
        points
            .map(|(second, us)| (*second, *us, hint(*second, *us)))
            .collect()
    };
    let lines = drawn(scenario, found);
    let last = all(&lines).map(|(second, _)| second).fold(0.0, f64::max);
    // Entrants differ in how long a snapshot takes them; the band is ours.
    let ours = scenario.lines.first().into_iter().flatten();
    let spans = ours
        .filter(|own| own.name == line)
        .flat_map(|own| own.spans.iter().copied());
    Chart {
        title,
        x_label: "seconds",
        x: Axis::from_zero(last),
        y: Axis::microseconds(fastest(&lines), most(&lines)),
        spans: spans.collect(),
        lines,
    }
    .draw()
}

fn drawn(
    scenario: &ScenarioReport,
    found: impl Fn(usize, &str) -> Vec<(f64, f64, String)>,
) -> Vec<Drawn> {
    let entrants = scenario.entrants.iter().enumerate();
    entrants
        .map(|(place, entrant)| Drawn {
            place,
            points: found(place, entrant),
        })
        .filter(|line| !line.points.is_empty())
        .collect()
}

fn line_points<'a>(scenario: &'a ScenarioReport, place: usize, name: &str) -> &'a [(f64, f64)] {
    let lines = scenario.lines.get(place);
    let mut lines = lines.into_iter().flatten();
    lines
        .find(|line| line.name == name)
        .map_or(&[], |line| &line.points)
}

fn all(lines: &[Drawn]) -> impl Iterator<Item = (f64, f64)> {
    let points = lines.iter().flat_map(|line| &line.points);
    points.map(|(x, y, _)| (*x, *y))
}

fn most(lines: &[Drawn]) -> f64 {
    all(lines).map(|(_, y)| y).fold(0.0, f64::max)
}

fn fastest(lines: &[Drawn]) -> f64 {
    all(lines).map(|(_, y)| y).fold(f64::MAX, f64::min)
}

impl Chart<'_> {
    /// The drawing; a sentence when there is nothing to draw.
    fn draw(&self) -> String {
        if self.lines.is_empty() {
            return format!(
                "<p>Nothing measured of: {}.</p>\n",
                super::escaped(self.title)
            );
        }
        let mut svg = Svg::new(WIDTH, HEIGHT, self.title);
        svg.text((0.0, 14.0), Anchor::Start, "title", self.title);
        self.draw_spans(&mut svg);
        self.draw_axes(&mut svg);
        // Ours last, on top of the others.
        for line in self.lines.iter().rev() {
            self.draw_line(&mut svg, line);
        }
        svg.end()
    }

    fn at(&self, x: f64, y: f64) -> (f64, f64) {
        (self.x.place(x, LEFT, RIGHT), self.y.place(y, BOTTOM, TOP))
    }

    fn draw_spans(&self, svg: &mut Svg) {
        for (from, to, what) in &self.spans {
            let (from, to) = (
                self.x.place(*from, LEFT, RIGHT),
                self.x.place(*to, LEFT, RIGHT),
            );
            svg.rect((from, TOP), (to - from, BOTTOM - TOP), "span", what);
            svg.text((from + 4.0, TOP + 12.0), Anchor::Start, "small", what);
        }
    }

    fn draw_axes(&self, svg: &mut Svg) {
        for (value, word) in &self.y.ticks {
            let y = self.y.place(*value, BOTTOM, TOP);
            svg.line((LEFT, y), (RIGHT, y), "grid");
            svg.text((LEFT - 6.0, y + 4.0), Anchor::End, "small", word);
        }
        for (value, word) in &self.x.ticks {
            let x = self.x.place(*value, LEFT, RIGHT);
            svg.line((x, BOTTOM), (x, BOTTOM + 4.0), "grid");
            svg.text((x, BOTTOM + 17.0), Anchor::Middle, "small", word);
        }
        let middle = f64::midpoint(LEFT, RIGHT);
        svg.text(
            (middle, HEIGHT - 6.0),
            Anchor::Middle,
            "small",
            self.x_label,
        );
    }

    fn draw_line(&self, svg: &mut Svg, line: &Drawn) {
        let class = format!("e{}", line.place);
        let points: Vec<_> = line
            .points
            .iter()
            .map(|(x, y, _)| self.at(*x, *y))
            .collect();
        svg.polyline(&points, &format!("line {class}"));
        for (at, (_, _, hint)) in points.iter().zip(&line.points) {
            svg.dot(*at, &class, hint);
        }
    }
}
