//! `cargo xtask fuzz-replay`: seeded damage to logs, and whether recovery keeps its promise.
//!
//! The cases and the verdict belong to kv-wal; they are an example of that crate because they need
//! its test support.

use std::ffi::OsString;

use anyhow::Result;

use crate::process::{become_program, cargo};

/// Builds the example and becomes it.
///
/// # Errors
///
/// Cargo could not be started.
pub(crate) fn run(args: &[OsString]) -> Result<()> {
    let example = ["--features", "testing", "--example", "fuzz_replay", "--"];
    become_program(
        cargo(["run", "--release", "-p", "kv-wal"])
            .args(example)
            .args(args),
    )
}
