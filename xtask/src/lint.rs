//! `cargo xtask lint`: everything that can be said about the code without running it.

use anyhow::Result;

use crate::process::{cargo, root, run as run_program};
use crate::tidy;

/// Checks formatting, clippy and tidy, the quick ones first.
///
/// # Errors
///
/// The first check that finds something; the check has printed what.
pub(crate) fn run() -> Result<()> {
    run_program(&mut cargo(["fmt", "--all", "--check"]))?;
    // Outside the workspace, and too heavy for clippy here: `cargo xtask bench` compiles it.
    let engines = root().join("crates/kv-bench/engines/Cargo.toml");
    run_program(cargo(["fmt", "--check", "--manifest-path"]).arg(engines))?;
    tidy::run()?;
    let everything = ["--workspace", "--all-targets", "--all-features"];
    run_program(
        cargo(["clippy"])
            .args(everything)
            .args(["--", "-D", "warnings"]),
    )
}
