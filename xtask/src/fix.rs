//! `cargo xtask fix`: what the tools can mend by themselves.

use anyhow::Result;

use crate::process::{cargo, run as run_program};

/// Applies clippy's suggestions, then formats.
///
/// # Errors
///
/// The code does not build, or is no Rust that rustfmt can read.
pub(crate) fn run() -> Result<()> {
    let everything = ["--workspace", "--all-targets", "--all-features"];
    let over_changes = ["--allow-dirty", "--allow-staged"];
    run_program(
        cargo(["clippy", "--fix"])
            .args(everything)
            .args(over_changes),
    )?;
    run_program(&mut cargo(["fmt", "--all"]))
}
