//! Moments as people write them: RFC 3339 in, RFC 3339 in UTC out, to the millisecond.

use kv_core::UnixMillis;

const SECOND_MS: i64 = 1000;
const MINUTE_MS: i64 = 60 * SECOND_MS;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// Days from 0000-03-01 to 1970-01-01. Years that begin in March have the leap day at their end.
const DAYS_TO_1970: i64 = 719_468;
/// Days in 400 years.
const DAYS_400_YEARS: i64 = 146_097;

/// `2026-11-22T14:05:12.123Z`.
pub(crate) fn format(UnixMillis(millis): UnixMillis) -> String {
    let (year, month, day) = civil(millis.div_euclid(DAY_MS));
    let of_day = millis.rem_euclid(DAY_MS);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:03}Z",
        of_day / HOUR_MS,
        of_day / MINUTE_MS % 60,
        of_day / SECOND_MS % 60,
        of_day % SECOND_MS
    )
}

/// The moment that `text` names: `2026-11-22T14:05:12Z`, with a fraction of a second if it matters, and `Z` or
/// an offset such as `+02:00`; the `T` may be a blank. `None` if it is not written like this or there is no
/// such moment.
pub(crate) fn parse(text: &str) -> Option<UnixMillis> {
    let (date, time) = text.split_at_checked(10)?;
    let time = time.strip_prefix(['T', 't', ' '])?;
    let (year, rest) = date.split_once('-')?;
    let (month, day) = rest.split_once('-')?;
    let days = days(number(year, 4)?, number(month, 2)?, number(day, 2)?)?;
    let (clock, offset_ms) = split_offset(time)?;
    Some(UnixMillis(days * DAY_MS + clock_ms(clock)? - offset_ms))
}

/// The time of day, and how far its zone is ahead of UTC.
fn split_offset(time: &str) -> Option<(&str, i64)> {
    if let Some(clock) = time.strip_suffix(['Z', 'z']) {
        return Some((clock, 0));
    }
    let (clock, offset) = time.split_at_checked(time.rfind(['+', '-'])?)?;
    let (sign, offset) = offset.split_at_checked(1)?;
    let (hours, minutes) = offset.split_once(':')?;
    let ahead =
        below(number(hours, 2)?, 24)? * HOUR_MS + below(number(minutes, 2)?, 60)? * MINUTE_MS;
    Some((clock, if sign == "-" { -ahead } else { ahead }))
}

fn clock_ms(clock: &str) -> Option<i64> {
    let (whole, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let mut parts = whole.split(':').map(|part| number(part, 2));
    let (hours, minutes, seconds) = (parts.next()??, parts.next()??, parts.next()??);
    if parts.next().is_some() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let millis = number(format!("{fraction}000").get(..3)?, 3)?;
    let whole = below(hours, 24)? * HOUR_MS + below(minutes, 60)? * MINUTE_MS;
    Some(whole + below(seconds, 60)? * SECOND_MS + millis)
}

/// The number that `text` is, of exactly `digits` digits.
fn number(text: &str, digits: usize) -> Option<i64> {
    let is_plain = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    is_plain.then(|| text.parse().ok())?
}

fn below(number: i64, limit: i64) -> Option<i64> {
    (number < limit).then_some(number)
}

/// Days since 1970-01-01 of a date, if there is such a date.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let from_march = (month + 9) % 12;
    let march_year = if month <= 2 { year - 1 } else { year };
    let era = march_year.div_euclid(400);
    let of_era = march_year.rem_euclid(400);
    let of_year = (153 * from_march + 2) / 5 + day - 1;
    let days = era * DAYS_400_YEARS + of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    let days = days - DAYS_TO_1970;
    (civil(days) == (year, month, day)).then_some(days)
}

/// Year, month and day of a number of days since 1970-01-01.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + DAYS_TO_1970;
    let of_era = days.rem_euclid(DAYS_400_YEARS);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = (from_march + 2) % 12 + 1;
    let year = year_of_era + days.div_euclid(DAYS_400_YEARS) * 400;
    (if month <= 2 { year + 1 } else { year }, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_in_any_zone() {
        for (text, millis) in [
            ("1970-01-01T00:00:00Z", 0),
            ("1969-12-31T23:59:59.999Z", -1),
            ("2000-02-29T12:00:00Z", 951_825_600_000),
            ("2026-11-22T14:05:12.5Z", 1_795_356_312_500),
            ("2026-11-22 16:05:12.500+02:00", 1_795_356_312_500),
            ("2026-11-22t08:35:12.5004-05:30", 1_795_356_312_500),
        ] {
            assert_eq!(parse(text), Some(UnixMillis(millis)), "{text}");
        }
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in [
            "",
            "2026-11-22",
            "2026-11-22T14:05:12",
            "2026-02-30T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-11-22T24:00:00Z",
            "2026-11-22T14:05Z",
            "2026-11-22T14:05:12.x",
            "2026-11-22T14:05:12.xZ",
            "2026-11-22T14:05:+2Z",
            "26-11-22T14:05:12Z",
            "2026-11-22T14:05:12+2:00",
            "2026-11-22X14:05:12Z",
            "\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}T14:05:12Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        // Every day over some centuries, each at another time of day.
        for day in -200_000..200_000_i64 {
            let moment = UnixMillis(day * DAY_MS + (day.rem_euclid(86_399)) * 1001 % DAY_MS);
            let text = format(moment);
            if text.len() == 24 && !text.starts_with('-') {
                assert_eq!(parse(&text), Some(moment), "{text}");
            }
        }
        assert_eq!(
            format(UnixMillis(1_795_356_312_500)),
            "2026-11-22T14:05:12.500Z"
        );
    }
}
