//! `cargo xtask tidy`: the house rules that no compiler knows.
//!
//! Owns the walk over the tree and the report; the rules stand in `text` (one file at a time) and
//! `arrows` (which crate may depend on which). `cargo test` runs the same check.
//! Invariant: files that git does not keep (`target`, a server's data) are not looked at.

mod arrows;
mod text;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::process::root;

/// Folders that hold nothing of ours.
const SKIPPED_FOLDERS: [&str; 3] = ["target", ".git", "kv-data"];
/// Kinds of files that the rules are about; `.ci/run` has no kind and is one too.
const KINDS: [&str; 4] = ["rs", "toml", "kvt", "md"];

/// One file of the tree.
struct Source {
    /// Relative to the root, with `/`.
    path: String,
    text: String,
}

/// Prints every breach of the rules.
///
/// # Errors
///
/// There is one, or a file cannot be read.
pub(crate) fn run() -> Result<()> {
    let sources = read_tree(&root())?;
    let problems = check(&sources);
    for problem in &problems {
        eprintln!("{problem}");
    }
    ensure!(
        problems.is_empty(),
        "tidy found {} problems",
        problems.len()
    );
    eprintln!("tidy: {} files", sources.len());
    Ok(())
}

fn check(sources: &[Source]) -> Vec<String> {
    let mut problems: Vec<_> = sources.iter().flat_map(text::check).collect();
    problems.extend(text::check_long_files(sources));
    problems.extend(sources.iter().flat_map(arrows::check));
    problems
}

/// Reads the files that the rules are about, in the order of their paths.
fn read_tree(root: &Path) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    let mut pending = vec![root.to_path_buf()];
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let (path, name) = (entry.path(), entry.file_name());
            if entry.file_type()?.is_dir() {
                if !SKIPPED_FOLDERS.iter().any(|skipped| name == *skipped) {
                    pending.push(path);
                }
                continue;
            }
            let relative = path.strip_prefix(root)?.display().to_string();
            let kind = path.extension().and_then(|kind| kind.to_str());
            if kind.is_some_and(|kind| KINDS.contains(&kind)) || relative == ".ci/run" {
                let text = fs::read_to_string(&path).with_context(|| relative.clone())?;
                sources.push(Source {
                    path: relative,
                    text,
                });
            }
        }
    }
    sources.sort_by(|left, right| left.path.cmp(&right.path));
    Ok(sources)
}

#[cfg(test)]
fn source(path: &str, text: &str) -> Source {
    Source {
        path: path.to_owned(),
        text: text.to_owned(),
    }
}

#[test]
fn the_tree_is_tidy() {
    let sources = read_tree(&root()).unwrap();
    assert!(
        sources
            .iter()
            .any(|source| source.path == "xtask/src/tidy/mod.rs")
    );
    assert!(
        sources
            .iter()
            .all(|source| !source.path.starts_with("target/"))
    );
    let problems = check(&sources);
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
