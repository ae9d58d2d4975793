//! `cargo xtask bench`: the load generator and the comparisons.

use std::ffi::OsString;

use anyhow::Result;

use crate::process::{become_program, cargo};

/// Builds kv-bench and becomes it.
///
/// # Errors
///
/// Cargo could not be started.
pub(crate) fn run(args: &[OsString]) -> Result<()> {
    become_program(cargo(["run", "--release", "-p", "kv-bench", "--"]).args(args))
}
