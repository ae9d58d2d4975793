//! How long a request waits at most, as clients write it: seconds with a fraction, or milliseconds. 0 is for ever.

use std::time::Duration;

use kv_core::UnixMillis;

use super::args::integer;
use super::error::CommandError;

/// A number of seconds that may have a fraction; `None`: for ever. What is no whole number of milliseconds is
/// rounded up.
///
/// # Errors
///
/// It is no number, it is negative, or its end lies beyond the time that can be told.
pub(crate) fn seconds(word: &[u8], now: UnixMillis) -> Result<Option<Duration>, CommandError> {
    let number = std::str::from_utf8(word).ok();
    let number = number.and_then(|text| text.parse::<f64>().ok().or_else(|| hexadecimal(text)));
    let millis = number
        .filter(|number| !number.is_nan())
        .map(|number| (number * 1000.0).ceil())
        .ok_or_else(|| CommandError::err("timeout is not a float or out of range"))?;
    if millis < 0.0 {
        return Err(CommandError::err("timeout is negative"));
    }
    let duration = Duration::try_from_secs_f64(millis / 1000.0);
    let duration = duration.map_err(|_| CommandError::err("timeout is out of range"))?;
    in_time(duration, now)
}

/// The number that `0x...` means: `strtold`, which Redis reads with, knows it.
fn hexadecimal(text: &str) -> Option<f64> {
    let digits = text.strip_prefix("0x").or(text.strip_prefix("0X"))?;
    u64::from_str_radix(digits, 16)
        .ok()
        .map(|number| number as f64)
}

/// A whole number of milliseconds; `None`: for ever.
///
/// # Errors
///
/// It is no integer, it is negative, or its end lies beyond the time that can be told.
pub(crate) fn millis(word: &[u8], now: UnixMillis) -> Result<Option<Duration>, CommandError> {
    let millis = integer(word)
        .map_err(|_| CommandError::err("timeout is not an integer or out of range"))?;
    let millis = u64::try_from(millis).map_err(|_| CommandError::err("timeout is negative"))?;
    in_time(Duration::from_millis(millis), now)
}

fn in_time(duration: Duration, now: UnixMillis) -> Result<Option<Duration>, CommandError> {
    let left = u128::try_from(i64::MAX.saturating_sub(now.0)).unwrap_or(0);
    if duration.as_millis() > left {
        return Err(CommandError::err("timeout is out of range"));
    }
    Ok((!duration.is_zero()).then_some(duration))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

    #[test]
    fn seconds_are_rounded_up_to_milliseconds() {
        for (word, millis) in [
            ("0", 0),
            ("0.0001", 1),
            ("1", 1_000),
            ("2.5", 2_500),
            ("1e1", 10_000),
        ] {
            let expected = (millis > 0).then(|| Duration::from_millis(millis));
            assert_eq!(seconds(word.as_bytes(), NOW), Ok(expected), "{word}");
        }
    }

    #[test]
    fn what_is_no_time_is_told_apart() {
        for (word, message) in [
            ("x", "not a float or out of range"),
            ("", "not a float or out of range"),
            ("nan", "not a float or out of range"),
            (" 1", "not a float or out of range"),
            ("-1", "negative"),
            ("-inf", "negative"),
            ("inf", "out of range"),
            ("1e400", "out of range"),
            ("9223372036854775", "out of range"),
        ] {
            let error = seconds(word.as_bytes(), NOW).unwrap_err();
            assert_eq!(error.message, format!("timeout is {message}"), "{word}");
        }
        for (word, message) in [
            ("1.5", "not an integer or out of range"),
            ("-1", "negative"),
            ("9223372036854775807", "out of range"),
        ] {
            let error = millis(word.as_bytes(), NOW).unwrap_err();
            assert_eq!(error.message, format!("timeout is {message}"), "{word}");
        }
    }
}
