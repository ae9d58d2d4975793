//! Which crate of the workspace may depend on which.
//!
//! Owns the table; it agrees with the drawing in `docs/architecture.md`. Only what a crate is built
//! from counts: a test may look at any crate.

use super::Source;

/// Each crate and the crates of ours that it may depend on. A new crate or arrow is a decision:
/// write it down in `docs/decisions/`, then here.
const ARROWS: [(&str, &[&str]); 8] = [
    ("kv-core", &[]),
    ("kv-wal", &["kv-core"]),
    ("kv-proto", &[]),
    ("kv-server", &["kv-core", "kv-proto", "kv-wal"]),
    ("kv-client", &["kv-core", "kv-proto"]),
    ("kv-bench", &["kv-client", "kv-core", "kv-proto", "kv-wal"]),
    ("kv-bench/engines", &["kv-core", "kv-wal"]),
    ("xtask", &[]),
];

/// Returns the forbidden arrows in one file; only the manifests of the workspace's crates have any.
pub(super) fn check(source: &Source) -> Vec<String> {
    let Some(folder) = source.path.strip_suffix("/Cargo.toml") else {
        return Vec::new();
    };
    let name = match folder.strip_prefix("crates/") {
        Some(name) => name,
        None if folder == "xtask" => folder,
        None => return Vec::new(),
    };
    let Some((_, allowed)) = ARROWS.iter().find(|(owner, _)| *owner == name) else {
        return vec![format!(
            "{}:1: a crate that the table of arrows does not know",
            source.path
        )];
    };
    let forbidden = dependencies(&source.text).filter(|(_, dependency)| {
        let ours = ARROWS.iter().any(|(owner, _)| owner == dependency);
        ours && !allowed.contains(dependency)
    });
    let problem = |(line, dependency)| {
        format!(
            "{}:{line}: {name} may not depend on {dependency}",
            source.path
        )
    };
    forbidden.map(problem).collect()
}

/// The line and the name of each dependency that a crate is built from.
fn dependencies(manifest: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_section = false;
    manifest
        .lines()
        .enumerate()
        .filter_map(move |(index, line)| {
            let line = line.trim();
            if let Some(header) = line.strip_prefix('[') {
                let header = header.trim_end_matches(']');
                let section = header.rsplit('.').next().unwrap_or(header);
                in_section = matches!(section, "dependencies" | "build-dependencies");
                // [dependencies.NAME] names one dependency in its header.
                let named = header.rsplit_once("dependencies.").filter(|(before, _)| {
                    before.is_empty() || before.ends_with('.') || before.ends_with("build-")
                });
                return named.map(|(_, name)| (index + 1, name));
            }
            let name = line.split(['=', '.', ' ']).next()?;
            (in_section && !name.is_empty()).then_some((index + 1, name))
        })
}

#[cfg(test)]
fn problems_of(path: &str, text: &str) -> Vec<String> {
    check(&super::source(path, text))
}

#[test]
fn allowed_arrows_and_test_arrows_pass() {
    let manifest = "[dependencies]\nkv-core.workspace = true\nbytes = \"1\"\n\n\
                    [dev-dependencies]\nkv-proto = { workspace = true }\n\
                    [dev-dependencies.kv-server]\nworkspace = true\n";
    assert!(problems_of("crates/kv-wal/Cargo.toml", manifest).is_empty());
    assert!(problems_of("examples/any/Cargo.toml", manifest).is_empty());
}

#[test]
fn forbidden_arrows_are_found_in_every_form() {
    for manifest in [
        "[dependencies]\nkv-wal.workspace = true\n",
        "[dependencies]\nkv-wal = { path = \"../kv-wal\" }\n",
        "[build-dependencies]\nkv-wal = \"1\"\n",
        "[target.'cfg(unix)'.dependencies]\nkv-wal.workspace = true\n",
        "[dependencies.kv-wal]\nworkspace = true\n",
    ] {
        let problems = problems_of("crates/kv-core/Cargo.toml", manifest);
        assert_eq!(problems.len(), 1, "{manifest:?} gave {problems:?}");
    }
    assert_eq!(
        problems_of("xtask/Cargo.toml", "[dependencies]\nkv-core = \"1\"\n").len(),
        1
    );
}

#[test]
fn a_crate_outside_the_table_is_a_problem() {
    assert_eq!(problems_of("crates/kv-new/Cargo.toml", "").len(), 1);
}
