//! Holds the lines of a reply against the lines that a script expects.

use super::script::Comparison;

/// In a pattern, a line of its own that stands for any number of lines.
const ANY_LINES: &str = "...";

/// Says whether `got` is what a script expects.
pub(crate) fn agrees(expected: &[String], got: &[String], comparison: Comparison) -> bool {
    if comparison.patterns {
        lines_match(expected, got)
    } else {
        expected == got
    }
}

fn lines_match(patterns: &[String], lines: &[String]) -> bool {
    match patterns.split_first() {
        None => lines.is_empty(),
        Some((any, after)) if any == ANY_LINES => {
            (0..=lines.len()).any(|skipped| lines_match(after, &lines[skipped..]))
        }
        Some((pattern, after)) => lines.split_first().is_some_and(|(line, rest)| {
            glob(pattern.as_bytes(), line.as_bytes()) && lines_match(after, rest)
        }),
    }
}

/// Matches `*` (any bytes) and `?` (one byte); all else stands for itself.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at_pattern, mut at_text) = (0, 0);
    // Where to go on when a later byte does not fit: behind the last star, one byte further.
    let mut retry = None;
    while at_text < text.len() {
        match pattern.get(at_pattern) {
            Some(b'*') => {
                retry = Some((at_pattern + 1, at_text + 1));
                at_pattern += 1;
            }
            Some(byte) if *byte == b'?' || *byte == text[at_text] => {
                at_pattern += 1;
                at_text += 1;
            }
            _ => match retry {
                Some((behind_star, next)) => {
                    (at_pattern, at_text) = (behind_star, next);
                    retry = Some((behind_star, next + 1));
                }
                None => return false,
            },
        }
    }
    pattern[at_pattern..].iter().all(|byte| *byte == b'*')
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
        for line in lines {
            text.push_str(&format!("    {mark} {line}\n"));
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
