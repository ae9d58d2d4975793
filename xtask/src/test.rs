//! `cargo xtask test`: every test, with what the tests need.

use anyhow::Result;

use crate::figures::Figures;
use crate::process::{cargo, run as run_program};
use crate::{asan, examples, peers, schedules};

/// Tells the tests to run their long cases too.
pub(crate) const LONG_SWITCH: &str = "KV_TEST_LONG";
/// Tells the tests that what they compare with and the clients they run are there: none may be left out.
const PEERS_SWITCH: &str = "KV_PEERS";

/// Installs the peers where that is possible, builds what the tests start, runs all of them, then the programs
/// under `examples/`, and ends with the table of figures of durability, also when something has failed, and with
/// what has not run.
///
/// # Errors
///
/// Something does not build, or a test failed; cargo has printed which.
pub(crate) fn run(long: bool) -> Result<()> {
    let peers = peers::run();
    // Tests outside kv-server start the server too, and only kv-server's own have it built.
    run_program(&mut cargo(["build", "-p", "kv-server"]))?;
    let figures = Figures::begin()?;
    let outcomes = [
        test(long, peers.is_ok(), &figures),
        schedules::search(long, &figures),
        if long { asan::run() } else { Ok(()) },
        examples::check(),
    ];
    figures.print()?;
    if let Err(error) = peers {
        eprintln!("NOT RUN: random commands against Valkey, Python's client. No peers: {error:#}");
    }
    outcomes.into_iter().collect()
}

fn test(long: bool, peers: bool, figures: &Figures) -> Result<()> {
    let mut tests = cargo(["test", "--workspace", "--no-fail-fast"]);
    figures.collect_from(&mut tests);
    if long {
        tests.env(LONG_SWITCH, "1");
    }
    if peers {
        tests.env(PEERS_SWITCH, "required");
    }
    run_program(&mut tests)
}
