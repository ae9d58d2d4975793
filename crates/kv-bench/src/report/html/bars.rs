//! One figure of all entrants as horizontal bars with their values.

use super::svg::{Anchor, Svg};
use crate::report::Row;
use crate::report::number::told;

const WIDTH: f64 = 380.0;
const HEAD: f64 = 26.0;
const ROW: f64 = 22.0;
const BAR: f64 = 14.0;
/// Where bars begin, and the longest bar; what is left is for the value.
const LEFT: f64 = 118.0;
const LONGEST: f64 = 190.0;

/// The panel of one figure. An entrant without a value has no bar and says so.
pub(super) fn panel(row: &Row, entrants: &[&str]) -> String {
    #[expect(clippy::cast_precision_loss, reason = "few entrants")]
    let height = HEAD + ROW * entrants.len() as f64 + 4.0;
    let mut svg = Svg::new(WIDTH, height, row.figure);
    svg.text((0.0, 14.0), Anchor::Start, "title", row.figure);
    let most = row.medians.iter().flatten().copied().fold(0.0, f64::max);
    let mut y = HEAD;
    for (place, (entrant, median)) in entrants.iter().zip(&row.medians).enumerate() {
        let baseline = y + BAR - 3.0;
        svg.text((LEFT - 8.0, baseline), Anchor::End, "label", entrant);
        match median {
            Some(value) => {
                let long = if most > 0.0 {
                    value / most * LONGEST
                } else {
                    0.0
                };
                let hint = format!("{entrant}: {value:.2}");
                svg.rect((LEFT, y), (long.max(1.0), BAR), &format!("e{place}"), &hint);
                let end = (LEFT + long + 6.0, baseline);
                svg.text(end, Anchor::Start, "label", &told(row.figure, *value));
            }
            None => svg.text((LEFT, baseline), Anchor::Start, "small", "not measured"),
        }
        y += ROW;
    }
    svg.end()
}
