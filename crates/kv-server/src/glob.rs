//! Patterns over names, as `CONFIG GET` takes them: `*`, `?`, `[a-z]`, `[^a-z]`, `\x`.
//!
//! Invariant: iterative, and the work is bounded by the lengths of both: going back to the last `*` is enough,
//! because an earlier one that took more could only give the later one less.

/// Whether all of `text` matches `pattern`.
pub(crate) fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        if pattern.get(p) == Some(&b'*') {
            star = Some((p + 1, t));
            p += 1;
        } else if let Some(next) = one(pattern, p, text[t]) {
            p = next;
            t += 1;
        } else if let Some((after, from)) = star {
            star = Some((after, from + 1));
            p = after;
            t = from + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|&byte| byte == b'*')
}

/// Where the pattern goes on if what stands at `p` takes `byte`.
fn one(pattern: &[u8], p: usize, byte: u8) -> Option<usize> {
    match (*pattern.get(p)?, pattern.get(p + 1)) {
        (b'?', _) => Some(p + 1),
        (b'[', Some(_)) => class(pattern, p + 1, byte),
        (b'\\', Some(&literal)) => (literal == byte).then_some(p + 2),
        (literal, _) => (literal == byte).then_some(p + 1),
    }
}

/// As [`one`], for a class whose first byte behind `[` is at `p`. An open class ends with the pattern.
fn class(pattern: &[u8], mut p: usize, byte: u8) -> Option<usize> {
    let negated = pattern.get(p) == Some(&b'^');
    p += usize::from(negated);
    let mut found = false;
    while let Some(&first) = pattern.get(p) {
        match (first, pattern.get(p + 1), pattern.get(p + 2)) {
            (b']', ..) => break,
            (b'\\', Some(&literal), _) => {
                found |= literal == byte;
                p += 2;
            }
            (low, Some(b'-'), Some(&high)) => {
                found |= (low.min(high)..=low.max(high)).contains(&byte);
                p += 3;
            }
            (literal, ..) => {
                found |= literal == byte;
                p += 1;
            }
        }
    }
    (found != negated).then_some((p + 1).min(pattern.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_redis() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("*", "", true),
            ("*", "anything", true),
            ("max*", "maxclients", true),
            ("*clients", "maxclients", true),
            ("m*x*s", "maxclients", true),
            ("m?xclients", "maxclients", true),
            ("?", "", false),
            ("max", "maxclients", false),
            ("maxclientss", "maxclients", false),
            ("[a-m]axclients", "maxclients", true),
            ("[m-a]axclients", "maxclients", true),
            ("[^m]axclients", "maxclients", false),
            ("[xyz]", "m", false),
            ("[\\]]", "]", true),
            ("\\*", "*", true),
            ("\\*", "x", false),
            ("a[", "a[", true),
            ("[a", "a", true),
            ("\\", "\\", true),
        ] {
            assert_eq!(
                matches(pattern.as_bytes(), text.as_bytes()),
                expected,
                "{pattern} on {text}"
            );
        }
    }

    #[test]
    fn many_stars_do_not_explode() {
        let pattern = "a*".repeat(1000);
        let text = "a".repeat(5000);
        assert!(!matches(format!("{pattern}b").as_bytes(), text.as_bytes()));
    }
}
