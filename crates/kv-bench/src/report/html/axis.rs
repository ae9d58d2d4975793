//! Axes: where a value stands, and which values are written beside them.

use crate::report::number::{microseconds, tick};

/// The most lines of a linear axis.
const LINES_MAX: f64 = 5.0;

/// One axis. Its ticks are within its bounds, and the bounds differ.
pub(super) struct Axis {
    is_logarithmic: bool,
    least: f64,
    most: f64,
    /// Values that are written, with their words.
    pub(super) ticks: Vec<(f64, String)>,
}

impl Axis {
    /// From zero to a round number above `most`, evenly.
    pub(super) fn from_zero(most: f64) -> Self {
        let most = if most > 0.0 { most } else { 1.0 };
        let rough = most / LINES_MAX;
        let magnitude = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 2.5, 5.0, 10.0]
            .map(|factor| factor * magnitude)
            .into_iter()
            .find(|step| *step >= rough)
            .unwrap_or(rough);
        let count = (most / step).ceil();
        let ticks = std::iter::successors(Some(0.0), |number| Some(number + 1.0))
            .take_while(|number| *number <= count)
            .map(|number| (number * step, tick(number * step)));
        Self {
            is_logarithmic: false,
            least: 0.0,
            most: count * step,
            ticks: ticks.collect(),
        }
    }

    /// Powers of ten of microseconds around what is between `least` and `most`.
    pub(super) fn microseconds(least: f64, most: f64) -> Self {
        let floor = least.max(0.1).log10().floor();
        let top = most.max(0.1).log10().ceil().max(floor + 1.0);
        let ticks = std::iter::successors(Some(floor), |power| Some(power + 1.0))
            .take_while(|power| *power <= top)
            .map(|power| 10_f64.powf(power))
            .map(|value| (value, microseconds(value)));
        Self {
            is_logarithmic: true,
            least: 10_f64.powf(floor),
            most: 10_f64.powf(top),
            ticks: ticks.collect(),
        }
    }

    /// A logarithmic axis over exactly these values, which go upwards.
    pub(super) fn over(values: &[f64]) -> Self {
        let least = values.first().copied().unwrap_or(1.0);
        let last = values.last().copied().unwrap_or(1.0);
        Self {
            is_logarithmic: true,
            least,
            most: if last > least { last } else { least * 10.0 },
            ticks: values.iter().map(|value| (*value, tick(*value))).collect(),
        }
    }

    /// How rare a percentile is: from `least` to `most` percent, each ten times rarer as far from the last.
    pub(super) fn percentiles(least: f64, most: f64) -> Self {
        let ticks = [50.0, 90.0, 99.0, 99.9, 99.99, 99.999];
        let ticks = ticks
            .into_iter()
            .filter(|percent| (least..=most).contains(percent))
            .map(|percent| (rarity(percent), format!("{percent} %")));
        Self {
            is_logarithmic: true,
            least: rarity(least),
            most: rarity(most.max(least + 0.001)),
            ticks: ticks.collect(),
        }
    }

    /// Where `value` stands between `from` and `to`; at the nearest end when it is outside.
    pub(super) fn place(&self, value: f64, from: f64, to: f64) -> f64 {
        let value = value.clamp(self.least, self.most);
        let share = if self.is_logarithmic {
            (value / self.least).ln() / (self.most / self.least).ln()
        } else {
            (value - self.least) / (self.most - self.least)
        };
        from + share * (to - from)
    }
}

/// One in how many requests is beyond a percentile.
pub(super) fn rarity(percent: f64) -> f64 {
    100.0 / (100.0 - percent).max(1e-6)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|(_, word)| word.as_str()).collect()
    }

    #[test]
    fn a_linear_axis_has_few_round_lines_and_holds_its_most() {
        assert_eq!(
            words(&Axis::from_zero(9.3)),
            ["0", "2", "4", "6", "8", "10"]
        );
        assert_eq!(
            words(&Axis::from_zero(0.7)),
            ["0", "0.2", "0.4", "0.6", "0.8"]
        );
        assert_eq!(words(&Axis::from_zero(1.2e6)).last(), Some(&"1.25M"));
        assert!(words(&Axis::from_zero(0.0)).len() > 1);
    }

    #[test]
    fn a_logarithmic_axis_has_powers_of_ten() {
        let axis = Axis::microseconds(30.0, 45_000.0);
        assert_eq!(words(&axis), ["10 us", "100 us", "1 ms", "10 ms", "100 ms"]);
        assert_eq!(axis.place(10.0, 0.0, 4.0).round(), 0.0);
        assert_eq!(axis.place(1_000.0, 0.0, 4.0).round(), 2.0);
        assert_eq!(axis.place(1e9, 0.0, 4.0), 4.0);
        assert_eq!(words(&Axis::microseconds(5.0, 5.0)), ["1 us", "10 us"]);
    }

    #[test]
    fn percentiles_stand_by_their_rarity() {
        let axis = Axis::percentiles(10.0, 99.99);
        assert_eq!(words(&axis), ["50 %", "90 %", "99 %", "99.9 %", "99.99 %"]);
        let at = |percent| axis.place(rarity(percent), 0.0, 100.0);
        assert!((at(99.0) - at(90.0) - (at(99.9) - at(99.0))).abs() < 0.01);
    }
}
