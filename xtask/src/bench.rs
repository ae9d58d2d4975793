//! `cargo xtask bench`: the load generator and the comparisons.

use std::ffi::OsString;

use anyhow::Result;

use crate::process::{become_program, cargo, run as run_program};

/// Builds the server that is measured and kv-bench, and becomes the latter. They are built apart, so that
/// the server has exactly the features that it is shipped with.
///
/// # Errors
///
/// Cargo could not be started or could not build them.
pub(crate) fn run(args: &[OsString]) -> Result<()> {
    run_program(&mut cargo(["build", "--release", "-p", "kv-server"]))?;
    become_program(cargo(["run", "--release", "-p", "kv-bench", "--"]).args(args))
}
