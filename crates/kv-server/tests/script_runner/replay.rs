//! Steps of a script for what they do, not for what they answer.

use anyhow::{Context, Result};

use super::run::Run;
use super::script::Step;
use super::server::Server;

/// Does the steps that are meant for the server, one after the other, on connections of their own. `watch` is told
/// of each, before (`false`) and after (`true`).
///
/// # Errors
///
/// The server is not there, or a reply that must come does not.
pub(crate) fn replay(
    steps: &[Step],
    server: &Server,
    mut watch: impl FnMut(&Step, bool) -> Result<()>,
) -> Result<()> {
    let mut run = Run::new(server);
    for step in steps.iter().filter(|step| step.applies_to(server.peer())) {
        watch(step, false)?;
        run.step(step)
            .with_context(|| format!("line {}", step.line))?;
        watch(step, true)?;
    }
    Ok(())
}
