//! `cargo xtask test`: every test, with what the tests need.

use anyhow::Result;

use crate::examples;
use crate::peers;
use crate::process::{cargo, run as run_program};

/// Tells the tests to run their long cases too.
const LONG_SWITCH: &str = "KV_TEST_LONG";

/// Tells the tests that what they compare with and the clients they run are there: none may be left out.
const PEERS_SWITCH: &str = "KV_PEERS";

/// Installs the peers where that is possible, builds what the tests start, runs all of them, and then the
/// programs under `examples/`.
///
/// # Errors
///
/// Something does not build, or a test failed; cargo has printed which.
pub(crate) fn run(long: bool) -> Result<()> {
    let peers = peers::run();
    // Tests outside kv-server start the server too, and only kv-server's own have it built.
    run_program(&mut cargo(["build", "-p", "kv-server"]))?;
    let mut tests = cargo(["test", "--workspace", "--no-fail-fast"]);
    if long {
        tests.env(LONG_SWITCH, "1");
    }
    if peers.is_ok() {
        tests.env(PEERS_SWITCH, "required");
    }
    run_program(&mut tests)?;
    examples::check()?;
    if let Err(error) = peers {
        eprintln!(
            "NOT RUN, for there are no peers: random commands against Valkey, Python's client: {error:#}"
        );
    }
    Ok(())
}
