//! The few shapes that the plots are made of. Colours come from the page's style, by class.

use std::fmt::Write as _;

/// A drawing that grows.
pub(super) struct Svg {
    body: String,
    width: f64,
    height: f64,
    title: String,
}

/// Where a text stands from its point.
#[derive(Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

impl Svg {
    /// An empty drawing of this size in pixels; `title` is what it shows, for those who cannot see it.
    pub(super) fn new(width: f64, height: f64, title: &str) -> Self {
        Self {
            body: String::new(),
            width,
            height,
            title: title.to_owned(),
        }
    }

    /// A rectangle; a pointer that rests on it shows `hint`.
    pub(super) fn rect(&mut self, place: (f64, f64), size: (f64, f64), class: &str, hint: &str) {
        let ((x, y), (width, height)) = (place, size);
        let _ = writeln!(
            self.body,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" class=\"{class}\">\
             <title>{}</title></rect>",
            escaped(hint)
        );
    }

    pub(super) fn line(&mut self, from: (f64, f64), to: (f64, f64), class: &str) {
        let ((x1, y1), (x2, y2)) = (from, to);
        let _ = writeln!(
            self.body,
            "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" class=\"{class}\"/>"
        );
    }

    pub(super) fn polyline(&mut self, points: &[(f64, f64)], class: &str) {
        let _ = write!(self.body, "<polyline class=\"{class}\" points=\"");
        for (x, y) in points {
            let _ = write!(self.body, "{x:.1},{y:.1} ");
        }
        self.body.push_str("\"/>\n");
    }

    /// A dot; a pointer that rests on it shows `hint`.
    pub(super) fn dot(&mut self, (x, y): (f64, f64), class: &str, hint: &str) {
        let _ = writeln!(
            self.body,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" class=\"{class}\"><title>{}</title></circle>",
            escaped(hint)
        );
    }

    pub(super) fn text(&mut self, (x, y): (f64, f64), anchor: Anchor, class: &str, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let _ = writeln!(
            self.body,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" class=\"{class}\">{}</text>",
            escaped(text)
        );
    }

    /// The drawing as an element of a page.
    pub(super) fn end(self) -> String {
        format!(
            "<svg viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\" role=\"img\" aria-label=\"{2}\">\n{3}</svg>\n",
            self.width,
            self.height,
            escaped(&self.title),
            self.body
        )
    }
}

/// A text as a page has it.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
