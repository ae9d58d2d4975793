//! Which processor cores do what, so that a generator does not take time from the server it measures.

use anyhow::Context;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Cores for the server and cores for the generator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// The server's cores.
    pub server: Vec<usize>,
    /// The generator's cores, at least one.
    pub generator: Vec<usize>,
    /// Whether no core is in both.
    pub is_apart: bool,
}

impl Split {
    /// The first `count` cores that this process may use for the server and the rest for the generator; all for
    /// the generator too when none is left, `None` when there are not so many.
    ///
    /// # Errors
    ///
    /// When the system does not say which cores there are.
    pub fn with_server_cores(count: usize) -> anyhow::Result<Option<Self>> {
        Ok(split(&allowed()?, count))
    }
}

fn split(allowed: &[usize], count: usize) -> Option<Split> {
    let (server, rest) = allowed.split_at_checked(count)?;
    let is_apart = !rest.is_empty();
    Some(Split {
        server: server.to_vec(),
        generator: if is_apart { rest } else { server }.to_vec(),
        is_apart,
    })
}

/// The cores that this process may use.
fn allowed() -> anyhow::Result<Vec<usize>> {
    let allowed = sched_getaffinity(None).context("cannot ask for the processor cores")?;
    Ok((0..CpuSet::MAX_CPU)
        .filter(|core| allowed.is_set(*core))
        .collect())
}

/// Binds the calling thread to `cores`; leaves it as it is when there are none.
///
/// # Errors
///
/// When there are no such cores.
pub fn this_thread(cores: &[usize]) -> anyhow::Result<()> {
    if cores.is_empty() {
        return Ok(());
    }
    let mut set = CpuSet::new();
    for core in cores.iter().filter(|core| **core < CpuSet::MAX_CPU) {
        set.set(*core);
    }
    sched_setaffinity(None, &set).with_context(|| format!("cannot use processor cores {cores:?}"))
}

/// The cores as `taskset` reads them.
#[must_use]
pub fn list(cores: &[usize]) -> String {
    let cores: Vec<String> = cores.iter().map(ToString::to_string).collect();
    cores.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_gets_what_is_left() {
        let found = split(&[2, 3, 7], 1).unwrap();
        assert_eq!(found.server, [2]);
        assert_eq!(found.generator, [3, 7]);
        assert!(found.is_apart);
        let shared = split(&[2, 3], 2).unwrap();
        assert_eq!(shared.generator, [2, 3]);
        assert!(!shared.is_apart);
        assert_eq!(split(&[2, 3], 3), None);
    }

    #[test]
    fn cores_are_listed_with_commas() {
        assert_eq!(list(&[0, 2]), "0,2");
    }
}
