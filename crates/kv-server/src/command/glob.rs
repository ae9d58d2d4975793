//! Patterns of names and keys: `*` any bytes, `?` one byte, `[a-c]` one of these,
//! `[^a-c]` none of these, `\x` x itself.
//!
//! Invariant: the work is bounded by the product of both lengths, whatever the pattern: nothing recurses, and
//! only the last `*` is ever tried again.

/// How two letters are compared.
type Fold = fn(u8) -> u8;

/// A pattern with more stars, those side by side counted as one and one at the end not at all, fits nothing, as in
/// Redis.
const STARS_MAX: usize = 1000;

/// Whether all of `text` fits `pattern`, letters in either case alike.
pub(crate) fn matches(pattern: &[u8], text: &[u8]) -> bool {
    fits(pattern, text, |byte| byte.to_ascii_lowercase())
}

/// Whether all of `text` fits `pattern`, byte by byte.
pub(crate) fn matches_exactly(pattern: &[u8], text: &[u8]) -> bool {
    fits(pattern, text, |byte| byte)
}

fn fits(pattern: &[u8], text: &[u8], fold: Fold) -> bool {
    // Of all patterns made of stars Redis lets only the one that is asked for everything have the empty text.
    if text.is_empty() {
        return pattern.is_empty() || pattern == b"*";
    }
    let (mut rest, mut at) = (pattern, 0);
    // The pattern behind the last star, and where in the text it was last tried.
    let mut retry: Option<(&[u8], usize)> = None;
    let mut stars = 0;
    loop {
        if let [b'*', behind @ ..] = rest {
            (rest, retry) = (behind, Some((behind, at)));
            stars += usize::from(!matches!(behind, [] | [b'*', ..]));
            if stars > STARS_MAX {
                return false;
            }
            continue;
        }
        let fits = match text.get(at) {
            None if rest.is_empty() => return true,
            None => None,
            Some(&byte) => one(rest, fold(byte), fold),
        };
        match (fits, retry) {
            (Some(behind), _) => (rest, at) = (behind, at + 1),
            (None, Some((behind, tried))) if tried < text.len() => {
                (rest, at, retry) = (behind, tried + 1, Some((behind, tried + 1)));
            }
            (None, _) => return false,
        }
    }
}

/// What is left of `pattern` when its first element fits `byte`, which is folded.
fn one(pattern: &[u8], byte: u8, fold: Fold) -> Option<&[u8]> {
    let (fits, behind) = match pattern {
        [] => return None,
        [b'?', behind @ ..] => (true, behind),
        [b'[', class @ ..] => in_class(class, byte, fold),
        [b'\\', escaped, behind @ ..] | [escaped, behind @ ..] => (fold(*escaped) == byte, behind),
    };
    fits.then_some(behind)
}

/// Whether `byte` is in the class that starts behind a `[`, and what follows the class. One that is not closed
/// ends with the pattern.
fn in_class(class: &[u8], byte: u8, fold: Fold) -> (bool, &[u8]) {
    let (negated, mut rest) = match class {
        [b'^', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let mut found = false;
    loop {
        rest = match rest {
            [] => return (found != negated, rest),
            [b']', behind @ ..] => return (found != negated, behind),
            [b'\\', escaped, behind @ ..] => {
                found |= fold(*escaped) == byte;
                behind
            }
            [low, b'-', high, behind @ ..] => {
                let (low, high) = (fold(*low), fold(*high));
                found |= (low.min(high)..=low.max(high)).contains(&byte);
                behind
            }
            [single, behind @ ..] => {
                found |= fold(*single) == byte;
                behind
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_and_what_does_not() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("", "a", false),
            ("a", "", false),
            ("*", "", true),
            ("**", "", false),
            ("**", "abc", true),
            ("a*c", "abbbc", true),
            ("a*c", "abbbd", false),
            ("*bc*bd", "abcbcbd", true),
            ("h?llo", "hello", true),
            ("h?llo", "hllo", false),
            ("h[ae]llo", "hallo", true),
            ("h[ae]llo", "hillo", false),
            ("h[^e]llo", "hallo", true),
            ("h[^e]llo", "hello", false),
            ("h[a-c]llo", "hbllo", true),
            ("h[c-a]llo", "hbllo", true),
            ("h[a-c]llo", "hdllo", false),
            ("[a\\]]", "]", true),
            ("[a", "a", true),
            ("[a", "b", false),
            ("\\*", "*", true),
            ("\\*", "a", false),
            ("a\\", "a\\", true),
            ("A", "b", false),
        ] {
            let fits = matches(pattern.as_bytes(), text.as_bytes());
            assert_eq!(fits, expected, "{pattern} {text}");
        }
    }

    #[test]
    fn letters_in_either_case() {
        for pattern in ["GET", "g?T", "[A-G]et", "[x-zG]ET"] {
            assert!(matches(pattern.as_bytes(), b"gEt"), "{pattern}");
        }
    }

    #[test]
    fn letters_in_their_own_case() {
        for (pattern, expected) in [
            ("gEt", true),
            ("get", false),
            ("[A-G]Et", false),
            ("[a-g]*", true),
        ] {
            let fits = matches_exactly(pattern.as_bytes(), b"gEt");
            assert_eq!(fits, expected, "{pattern}");
        }
    }

    #[test]
    fn many_stars_do_not_multiply_the_work() {
        let pattern = "a*".repeat(2000) + "b";
        let text = "a".repeat(20_000);
        assert!(!matches(pattern.as_bytes(), text.as_bytes()));
    }
}
