//! `cargo xtask schedules`: the threads of the log under schedulers that try one schedule after the other.

use anyhow::Result;

use crate::figures::Figures;
use crate::process::{cargo, root, run as run_program};
use crate::test::LONG_SWITCH;

/// The schedulers: the flag that builds the log for one, and the folder that is built in.
const SCHEDULERS: [(&str, &str); 2] = [
    ("--cfg kv_shuttle", "target/shuttle"),
    ("--cfg kv_loom", "target/loom"),
];

/// Searches with each scheduler and prints the figures.
///
/// # Errors
///
/// A schedule broke a promise; it was printed. Or the figures cannot be read.
pub(crate) fn run(long: bool) -> Result<()> {
    let figures = Figures::begin()?;
    let outcome = search(long, &figures);
    figures.print_rows(&[6])?;
    outcome
}

/// Searches with each scheduler; its tests add to `figures`.
///
/// # Errors
///
/// A schedule broke a promise; it was printed.
pub(crate) fn search(long: bool, figures: &Figures) -> Result<()> {
    for (flag, folder) in SCHEDULERS {
        let mut tests = cargo(["test", "-p", "kv-wal", "--lib", "schedules"]);
        tests
            .env("RUSTFLAGS", flag)
            .env("CARGO_TARGET_DIR", root().join(folder));
        figures.collect_from(&mut tests);
        if long {
            tests.env(LONG_SWITCH, "1");
        }
        run_program(&mut tests)?;
    }
    Ok(())
}
