//! Numbers and dates as people read them.

/// A number with about three digits that mean something: 0.73, 12.3, 123457.
#[must_use]
pub(super) fn short(value: f64) -> String {
    match value {
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}

/// A number with three digits and the letter of its magnitude: 0.73, 12.3, 123 k, 1.23 M.
#[must_use]
pub(super) fn brief(value: f64) -> String {
    let (scaled, letter) = match value {
        value if value >= 999.5e6 => (value / 1e9, " G"),
        value if value >= 999.5e3 => (value / 1e6, " M"),
        value if value >= 999.5 => (value / 1e3, " k"),
        value => (value, ""),
    };
    let digits = match scaled {
        scaled if scaled >= 99.95 => 0,
        scaled if scaled >= 9.995 => 1,
        _ => 2,
    };
    format!("{scaled:.digits$}{letter}")
}

/// The value of a figure, whose name has its unit: times in the unit in which they are short.
#[must_use]
pub(super) fn told(figure: &str, value: f64) -> String {
    if figure.split([' ', ',']).any(|word| word == "us") {
        let (scaled, unit) = in_seconds(value);
        format!("{} {unit}", brief(scaled))
    } else {
        brief(value)
    }
}

/// A time on an axis.
#[must_use]
pub(super) fn microseconds(us: f64) -> String {
    let (scaled, unit) = in_seconds(us);
    format!("{} {unit}", tick(scaled))
}

/// Microseconds in the unit in which they are short.
fn in_seconds(us: f64) -> (f64, &'static str) {
    match us {
        us if us >= 999.5e3 => (us / 1e6, "s"),
        us if us >= 999.5 => (us / 1e3, "ms"),
        us => (us, "us"),
    }
}

/// The number of an axis: as [`brief`], without zeros after the point.
#[must_use]
pub(super) fn tick(value: f64) -> String {
    let brief = brief(value);
    let (number, letter) = brief.split_once(' ').unwrap_or((&brief, ""));
    let number = match number.split_once('.') {
        Some(_) => number.trim_end_matches('0').trim_end_matches('.'),
        None => number,
    };
    format!("{number}{letter}")
}

/// The day of a moment since 1970, in UTC: 2026-11-22.
#[must_use]
pub(super) fn date(unix_s: u64) -> String {
    let mut day = unix_s / 86_400;
    let mut year = 1970;
    while day >= days_of_year(year) {
        day -= days_of_year(year);
        year += 1;
    }
    let mut month = 1;
    while day >= days_of_month(year, month) {
        day -= days_of_month(year, month);
        month += 1;
    }
    format!("{year}-{month:02}-{:02}", day + 1)
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn days_of_year(year: u64) -> u64 {
    if is_leap(year) { 366 } else { 365 }
}

fn days_of_month(year: u64, month: u64) -> u64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits() {
        assert_eq!(short(123_456.7), "123457");
        assert_eq!(short(12.345), "12.3");
        assert_eq!(short(0.734), "0.73");
        for (value, told) in [
            (0.734, "0.73"),
            (12.34, "12.3"),
            (99.96, "100"),
            (999.6, "1.00 k"),
            (123_456.0, "123 k"),
            (1_234_567.0, "1.23 M"),
            (2.5e9, "2.50 G"),
        ] {
            assert_eq!(brief(value), told);
        }
    }

    #[test]
    fn times_are_told_in_their_unit_and_other_figures_without() {
        assert_eq!(told("p99.9 us", 20_200.0), "20.2 ms");
        assert_eq!(told("p50 us, 1 connection", 85.0), "85.0 us");
        assert_eq!(told("GET CPU us", 1_500_000.0), "1.50 s");
        assert_eq!(told("SET/s", 20_200.0), "20.2 k");
    }

    #[test]
    fn axes_have_no_needless_zeros() {
        for (value, told) in [
            (1.0, "1"),
            (0.5, "0.5"),
            (50e3, "50k"),
            (100.0, "100"),
            (1.5e6, "1.5M"),
        ] {
            assert_eq!(tick(value), told);
        }
    }

    #[test]
    fn days_are_counted_over_leap_years() {
        assert_eq!(date(0), "1970-01-01");
        assert_eq!(date(951_782_400), "2000-02-29");
        assert_eq!(date(1_795_305_600), "2026-11-22");
    }
}
