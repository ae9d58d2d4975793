//! The limit on open files of this process, which each connection counts towards.

use anyhow::{Context, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What a process has open beside its connections, at most.
const OTHERS: u64 = 64;

/// Sees to it that `connections` can be open, by raising the soft limit where the hard one allows. What this
/// process starts from now on has the same limit.
///
/// # Errors
///
/// When the hard limit is lower; the error says how to raise it.
pub fn allow(connections: usize) -> anyhow::Result<()> {
    let wanted = connections as u64 + OTHERS;
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|soft| soft >= wanted) {
        return Ok(());
    }
    if let Some(hard) = limit.maximum {
        ensure!(
            hard >= wanted,
            "{connections} connections need {wanted} open files and this process may have {hard}: raise the hard \
             limit, as root with `ulimit -Hn {wanted}` before the start or with LimitNOFILE= of its service"
        );
    }
    let raised = Rlimit {
        current: Some(wanted),
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, raised).context("cannot raise the limit on open files")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_allowed_already_stays_and_the_impossible_is_explained() {
        allow(1).unwrap();
        if getrlimit(Resource::Nofile).maximum.is_some() {
            let error = allow(usize::MAX / 2).unwrap_err().to_string();
            assert!(error.contains("ulimit -Hn"), "{error}");
        }
    }
}
