//! `cargo xtask compat --random`: random commands to kv and to a peer, until enough agree or one does not.
//!
//! Owns how the run is asked for. The run itself is a test of kv-server, which draws the commands, starts both
//! servers and tells of the first difference as a script.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Result, ensure};

use crate::flags::RandomPlan;
use crate::peers;
use crate::process::{cargo, run as run_program};

/// The test that compares.
const TEST: &str = "replies_and_data_agree_with_the_peer";

/// Runs the comparison.
///
/// # Errors
///
/// The peer is not installed, or a reply or the data differs.
pub(crate) fn run(plan: &RandomPlan) -> Result<()> {
    let running = plan.peer.contains(':');
    ensure!(
        running || peers::program(&format!("{}-server", plan.peer)).exists(),
        "{} is not installed: run cargo xtask peers",
        plan.peer
    );
    let seed = plan.seed.unwrap_or_else(fresh_seed);
    let mut test = cargo([
        "test",
        "--quiet",
        "-p",
        "kv-server",
        "--test",
        "random",
        "--",
    ]);
    test.args(["--exact", TEST, "--nocapture"]);
    test.env("KV_PEERS", "required")
        .env("KV_RANDOM_PEER", &plan.peer)
        .env("KV_RANDOM_COMMANDS", plan.commands.to_string())
        .env("KV_RANDOM_SEED", seed.to_string())
        .env("KV_RANDOM_DIFFERENCES", plan.differences.to_string())
        // The difference is the message; where the test stands is not.
        .env("RUST_BACKTRACE", "0");
    if let Some(sequence) = plan.sequence {
        test.env("KV_RANDOM_SEQUENCE", sequence.to_string());
    }
    if plan.encodings {
        test.env("KV_RANDOM_ENCODINGS", "1");
    }
    run_program(&mut test)
}

/// A seed that the last run did not have.
fn fresh_seed() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(1, |now| now.as_secs())
}
