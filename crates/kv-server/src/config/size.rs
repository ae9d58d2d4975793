//! Sizes as people write them: `512`, `64kb`, `1gb`.

/// The bytes that `text` means: a number, alone or with `b`, `k`, `kb`, `m`, `mb`, `g` or `gb` (as in Redis,
/// `k` counts thousands and `kb` 1024s). `None` when it is no such thing or does not fit.
#[must_use]
pub fn parse(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let factor = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" => 1_000,
        "kb" => 1 << 10,
        "m" => 1_000_000,
        "mb" => 1 << 20,
        "g" => 1_000_000_000,
        "gb" => 1 << 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

/// `bytes` for people, in the largest unit of which there is at least one: `1.50M`, as Redis writes it.
#[must_use]
pub fn human(bytes: u64) -> String {
    const UNITS: [(u64, &str); 4] = [
        (1 << 40, "T"),
        (1 << 30, "G"),
        (1 << 20, "M"),
        (1 << 10, "K"),
    ];
    for (unit, name) in UNITS {
        if bytes >= unit {
            let hundredths = u128::from(bytes) * 100 / u128::from(unit);
            return format!("{}.{:02}{name}", hundredths / 100, hundredths % 100);
        }
    }
    format!("{bytes}B")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_count_as_in_redis() {
        assert_eq!(parse("512"), Some(512));
        assert_eq!(parse("1k"), Some(1000));
        assert_eq!(parse("64MB"), Some(64 << 20));
        assert_eq!(parse("2gb"), Some(2 << 30));
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for text in [
            "",
            "mb",
            "1 mb x",
            "-1",
            "1.5gb",
            "99999999999999999999",
            "99999999999999gb",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn sizes_for_people() {
        assert_eq!(human(17), "17B");
        assert_eq!(human(1536), "1.50K");
        assert_eq!(human(64 << 20), "64.00M");
    }
}
