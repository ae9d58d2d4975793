//! `cargo xtask docs`: the pages that are generated from tables in the code.
//!
//! The server writes them, for it owns the tables; its test `docs_are_current` fails when a page is
//! older than its table.

use anyhow::Result;

use crate::process::{cargo, root, run as run_program};

/// Writes `docs/commands.md` and `docs/config.md`.
///
/// # Errors
///
/// The server does not build, or could not write.
pub(crate) fn run() -> Result<()> {
    let folder = root().join("docs");
    run_program(cargo(["run", "-p", "kv-server", "--", "generate-docs"]).arg(folder))
}
