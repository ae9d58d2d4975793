//! Which processor core does what, so that a generator does not take time from the server it measures.

use anyhow::Context;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// One core for the server and one for the generator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Split {
    /// The server's core.
    pub server: usize,
    /// The generator's core.
    pub generator: usize,
}

impl Split {
    /// The first two cores that this process may use; `None` when there are not two.
    ///
    /// # Errors
    ///
    /// When the system does not say which cores there are.
    pub fn find() -> anyhow::Result<Option<Self>> {
        let allowed = sched_getaffinity(None).context("cannot ask for the processor cores")?;
        let mut cores = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core));
        Ok(cores
            .next()
            .zip(cores.next())
            .map(|(server, generator)| Self { server, generator }))
    }
}

/// Binds the calling thread to `core`.
///
/// # Errors
///
/// When there is no such core.
pub fn this_thread(core: usize) -> anyhow::Result<()> {
    let mut cores = CpuSet::new();
    if core < CpuSet::MAX_CPU {
        cores.set(core);
    }
    sched_setaffinity(None, &cores).with_context(|| format!("cannot use processor core {core}"))
}
