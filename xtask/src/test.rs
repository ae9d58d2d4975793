//! `cargo xtask test`: every test, with what the tests need.

use anyhow::Result;

use crate::examples;
use crate::process::{cargo, run as run_program};

/// Tells the tests to run their long cases too.
const LONG_SWITCH: &str = "KV_TEST_LONG";

/// Builds what the tests start, runs all of them, and then the programs under `examples/`.
///
/// # Errors
///
/// Something does not build, or a test failed; cargo has printed which.
pub(crate) fn run(long: bool) -> Result<()> {
    // Tests outside kv-server start the server too, and only kv-server's own have it built.
    run_program(&mut cargo(["build", "-p", "kv-server"]))?;
    let mut tests = cargo(["test", "--workspace", "--no-fail-fast"]);
    if long {
        tests.env(LONG_SWITCH, "1");
    }
    run_program(&mut tests)?;
    examples::check()
}
