//! `cargo xtask asan`: the tests of kv-core, which has all the unsafe code, with AddressSanitizer.

use anyhow::Result;

use crate::process::{cargo, root, run as run_program};

/// The sanitizer needs to know for what is compiled, so that build scripts and macros are left out.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// Builds kv-core with the sanitizer, into a folder of its own, and runs its tests.
///
/// # Errors
///
/// A test failed, or the sanitizer has found something and has printed it.
pub(crate) fn run() -> Result<()> {
    let mut tests = cargo(["test", "-p", "kv-core", "--lib", "--target", TARGET]);
    tests
        // The sanitizer is not a stable part of the compiler, though the same compiler has it.
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTFLAGS", "-Zsanitizer=address")
        .env("CARGO_TARGET_DIR", root().join("target/asan"));
    run_program(&mut tests)
}
