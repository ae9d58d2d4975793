//! Rules about one file: its name, its head, its length, its letters and its words.

use super::Source;

/// Names that say nothing about what a file owns.
const EMPTY_NAMES: [&str; 7] = [
    "common", "helper", "helpers", "manager", "misc", "util", "utils",
];
/// Ends of names that say "the rest of another file".
const OVERFLOW_ENDS: [&str; 5] = ["_more", "_new", "_old", "_p2", "_v2"];
/// A file that is longer holds more than one thought.
const LINES_MAX: usize = 600;
/// Longer files, each with the reason why it is one thought.
const LONG_FILES: [(&str, &str); 0] = [];
/// Where `unsafe` code may stand.
const UNSAFE_PLACES: [&str; 2] = [
    "crates/kv-core/src/memory/raw",
    // A program that only comparisons build; its peer cannot be opened otherwise.
    "crates/kv-bench/engines/src/durable_set/lmdb.rs",
];

/// What a line of Rust may not contain, in pieces so that this file passes its own check.
const BANNED: [(&str, &str); 4] = [
    (concat!("FIX", "ME"), "mend it, or open an issue"),
    (concat!("XX", "X"), "mend it, or open an issue"),
    (
        concat!("todo", "!("),
        "unfinished code does not reach the main branch",
    ),
    (
        concat!("#[", "ignore"),
        "a test that does not run tests nothing",
    ),
];

/// Returns the breaches in one file.
pub(super) fn check(source: &Source) -> Vec<String> {
    let mut problems = Vec::new();
    let path = &source.path;
    let mut found = |line: usize, what: &str| problems.push(format!("{path}:{line}: {what}"));

    let is_rust = path.ends_with(".rs");
    let is_prose = path.ends_with(".md");
    for (index, line) in source.text.lines().enumerate() {
        let number = index + 1;
        if line.trim_end() != line {
            found(number, "blanks at the end of the line");
        }
        if !is_prose && !line.is_ascii() {
            found(number, "a letter outside ASCII: write its escape");
        }
        if is_rust {
            for (_, why) in BANNED.iter().filter(|(word, _)| line.contains(word)) {
                found(number, why);
            }
            let may_say_unsafe = UNSAFE_PLACES.iter().any(|place| path.starts_with(place));
            if says_unsafe(line) && !may_say_unsafe {
                found(
                    number,
                    "this kind of code stands in kv-core/src/memory/raw only",
                );
            }
        }
    }
    if !source.text.is_empty() && !source.text.ends_with('\n') {
        found(source.text.lines().count(), "the last line has no end");
    }
    if is_rust {
        if !source.text.starts_with("//! ") {
            found(
                1,
                "a file opens with a //! head: what it owns, what not, its invariants",
            );
        }
        if has_empty_name(path) {
            found(1, "a name that says nothing: name what the file owns");
        }
    }
    problems
}

/// Returns the files that are too long without a reason, and the reasons without a long file.
pub(super) fn check_long_files(sources: &[Source]) -> Vec<String> {
    let is_long =
        |source: &&Source| source.path.ends_with(".rs") && source.text.lines().count() > LINES_MAX;
    let long: Vec<_> = sources
        .iter()
        .filter(is_long)
        .map(|source| source.path.as_str())
        .collect();
    let excused = |path: &str| LONG_FILES.iter().any(|(excused, _)| *excused == path);

    let unexcused = long.iter().filter(|path| !excused(path)).map(|path| {
        format!(
            "{path}:1: more than {LINES_MAX} lines: split it by responsibility, or give a reason"
        )
    });
    let stale = LONG_FILES
        .iter()
        .filter(|(path, _)| !long.contains(path))
        .map(|(path, _)| format!("{path}:1: is excused as a long file and is none"));
    unexcused.chain(stale).collect()
}

fn has_empty_name(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let stem = name.strip_suffix(".rs").unwrap_or(name);
    // A module is named by its folder where its file is mod.rs.
    let stem = match stem {
        "mod" => path.rsplit('/').nth(1).unwrap_or(stem),
        _ => stem,
    };
    EMPTY_NAMES.contains(&stem) || OVERFLOW_ENDS.iter().any(|end| stem.ends_with(end))
}

/// Says whether a line has the word in code. A comment line may talk about it.
fn says_unsafe(line: &str) -> bool {
    let word = concat!("un", "safe");
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
    !line.trim_start().starts_with("//")
        && line.match_indices(word).any(|(start, _)| {
            let before = line[..start].chars().next_back();
            let after = line[start + word.len()..].chars().next();
            !before.is_some_and(is_part) && !after.is_some_and(is_part)
        })
}

#[cfg(test)]
fn problems_of(path: &str, text: &str) -> Vec<String> {
    check(&super::source(path, text))
}

#[test]
fn a_good_file_has_no_problem() {
    assert!(problems_of("crates/a/src/segment.rs", "//! Head.\n\nfn f() {}\n").is_empty());
    assert!(problems_of("README.md", "caf\u{e9}\n").is_empty());
}

#[test]
fn each_breach_is_found_at_its_line() {
    for (path, text, line) in [
        ("a.rs", "fn f() {}\n", 1),
        ("a.rs", "//! Head.\nfn f() {} \n", 2),
        ("a.rs", "//! Head.\n// caf\u{e9}\n", 2),
        ("a.kvt", "# caf\u{e9}\n", 1),
        ("a.md", "text  \n", 1),
        ("a.rs", "//! Head.\nfn f() {}", 2),
        ("a.rs", concat!("//! Head.\n// FIX", "ME: later\n"), 2),
        ("a.rs", concat!("//! Head.\nfn f() { todo", "!() }\n"), 2),
        ("a.rs", concat!("//! Head.\n#[", "ignore]\n"), 2),
        ("a.rs", concat!("//! Head.\n#[", "ignore = \"slow\"]\n"), 2),
        ("a.rs", concat!("//! Head.\nun", "safe { f() }\n"), 2),
        ("src/utils.rs", "//! Head.\n", 1),
        ("src/utils/mod.rs", "//! Head.\n", 1),
        ("src/table_v2.rs", "//! Head.\n", 1),
    ] {
        let problems = problems_of(path, text);
        assert_eq!(problems.len(), 1, "{path} {text:?} gave {problems:?}");
        assert!(
            problems[0].starts_with(&format!("{path}:{line}: ")),
            "{problems:?}"
        );
    }
}

#[test]
fn the_word_is_allowed_in_its_folder_and_in_comments() {
    let block = concat!("//! Head.\nun", "safe { f() }\n");
    assert!(problems_of("crates/kv-core/src/memory/raw/bucket.rs", block).is_empty());
    let comment = concat!(
        "//! Head.\n/// Not un",
        "safe.\nfn is_un",
        "safe_code() {}\n"
    );
    assert!(problems_of("a.rs", comment).is_empty());
}

#[test]
fn a_long_file_needs_a_reason() {
    let long = super::source("a.rs", &"// line\n".repeat(LINES_MAX + 1));
    let short = super::source("b.rs", &"// line\n".repeat(LINES_MAX));
    let script = super::source("c.kvt", &"# line\n".repeat(LINES_MAX + 1));
    let problems = check_long_files(&[long, short, script]);
    assert_eq!(problems.len(), 1);
    assert!(problems[0].starts_with("a.rs:1: "), "{problems:?}");
}
