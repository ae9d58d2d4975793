//! Holds the lines of a reply against the lines that a script expects.

use super::script::Comparison;

/// In a pattern, a line of its own that stands for any number of lines.
const ANY_LINES: &str = "...";

/// Of a side of a difference, no more lines than these are shown.
const SHOWN_LINES_MAX: usize = 40;

/// Says whether `got` is what a script expects.
pub(crate) fn agrees(expected: &[String], got: &[String], comparison: Comparison) -> bool {
    if !comparison.patterns {
        return expected == got;
    }
    let fits = |pattern: &String, line: &String| glob(pattern.as_bytes(), line.as_bytes());
    wildcard(expected, got, |pattern| pattern == ANY_LINES, fits)
}

/// Matches `*` (any bytes) and `?` (one byte); all else stands for itself.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let fits = |wanted: &u8, byte: &u8| *wanted == b'?' || wanted == byte;
    wildcard(pattern, text, |wanted| *wanted == b'*', fits)
}

/// Matches items against a pattern in which some elements stand for any number of items.
fn wildcard<P, T>(
    pattern: &[P],
    items: &[T],
    any: impl Fn(&P) -> bool,
    fits: impl Fn(&P, &T) -> bool,
) -> bool {
    let (mut at, mut item) = (0, 0);
    // Where to go on when a later item does not fit: behind the last `any`, one item further.
    // Earlier ones never need another try, for what lies between has been found already.
    let mut retry = None;
    while item < items.len() {
        match pattern.get(at) {
            Some(wanted) if any(wanted) => {
                at += 1;
                retry = Some((at, item + 1));
            }
            Some(wanted) if fits(wanted, &items[item]) => {
                at += 1;
                item += 1;
            }
            _ => match retry {
                Some((behind, next)) => {
                    (at, item) = (behind, next);
                    retry = Some((behind, next + 1));
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(any)
}

/// Prints what was expected and what came; lines that agree at both ends stand once.
pub(crate) fn difference(expected: &[String], got: &[String]) -> String {
    let same = |(left, right): &(&String, &String)| left == right;
    let head = expected.iter().zip(got).take_while(same).count();
    let (expected_rest, got_rest) = (&expected[head..], &got[head..]);
    let tail = expected_rest
        .iter()
        .rev()
        .zip(got_rest.iter().rev())
        .take_while(same)
        .count();
    let expected_end = expected_rest.len() - tail;
    let got_end = got_rest.len() - tail;

    let mut text = String::new();
    let mut put = |mark: &str, lines: &[String]| {
        for line in lines.iter().take(SHOWN_LINES_MAX) {
            text.push_str(&format!("    {mark} {line}\n"));
        }
        if let Some(hidden) = lines.len().checked_sub(SHOWN_LINES_MAX + 1) {
            text.push_str(&format!("    {mark} ... and {} more lines\n", hidden + 1));
        }
    };
    put(" ", &expected[..head]);
    put("-", &expected_rest[..expected_end]);
    put("+", &got_rest[..got_end]);
    put(" ", &expected_rest[expected_end..]);
    text
}

#[cfg(test)]
fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

#[test]
fn globs_match_stars_and_single_bytes() {
    for (pattern, text) in [
        ("*", ""),
        ("a*", "a"),
        ("a*c", "abc"),
        ("*b*", "abc"),
        ("a?c", "abc"),
        ("**", "x"),
    ] {
        assert!(
            glob(pattern.as_bytes(), text.as_bytes()),
            "{pattern} {text}"
        );
    }
    for (pattern, text) in [
        ("", "a"),
        ("a?", "a"),
        ("a*c", "acb"),
        ("ab", "abc"),
        ("[a]", "a"),
    ] {
        assert!(
            !glob(pattern.as_bytes(), text.as_bytes()),
            "{pattern} {text}"
        );
    }
    let many_stars = "*a".repeat(30);
    assert!(!glob(
        format!("{many_stars}b").as_bytes(),
        "a".repeat(200).as_bytes()
    ));
}

#[test]
fn three_dots_stand_for_any_number_of_lines() {
    let patterns = Comparison {
        patterns: true,
        ..Comparison::default()
    };
    let reply = lines("1) a\n2) b\n3) c");
    assert!(agrees(&lines("1) *\n...\n3) c"), &reply, patterns));
    assert!(agrees(
        &lines("...\n1) a\n2) b\n3) c\n..."),
        &reply,
        patterns
    ));
    assert!(!agrees(&lines("1) a\n..."), &reply[1..], patterns));
    assert!(!agrees(&lines("1) a\n2) b"), &reply, patterns));
}

#[test]
fn without_patterns_a_star_is_a_star() {
    assert!(!agrees(&lines("a*"), &lines("ab"), Comparison::default()));
    assert!(agrees(&lines("a*"), &lines("a*"), Comparison::default()));
}

#[test]
fn a_difference_shows_common_lines_once() {
    let text = difference(&lines("a\nb\nc"), &lines("a\nx\ny\nc"));
    assert_eq!(text, "      a\n    - b\n    + x\n    + y\n      c\n");
    assert_eq!(
        difference(&lines("a\na"), &lines("a")),
        "      a\n    - a\n"
    );
}
