//! `cargo xtask run`: the server, as it is shipped.

use std::ffi::OsString;

use anyhow::Result;

use crate::process::{become_program, cargo};

/// Builds the server and becomes it.
///
/// # Errors
///
/// Cargo could not be started.
pub(crate) fn run(args: &[OsString]) -> Result<()> {
    become_program(cargo(["run", "--release", "-p", "kv-server", "--"]).args(args))
}
