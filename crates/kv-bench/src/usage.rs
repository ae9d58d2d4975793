//! What a process has used so far, from `/proc`: CPU time and resident memory.

use std::fs;
use std::time::Duration;

use anyhow::{Context, anyhow};

/// What one process used up to a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// CPU time of all its threads, user and system, in steps of the kernel's clock tick (10 ms).
    pub cpu: Duration,
    /// Its resident memory in bytes.
    pub resident_bytes: u64,
}

impl Usage {
    /// What process `pid` has used up to now.
    ///
    /// # Errors
    ///
    /// When there is no such process, or `/proc` is not that of Linux.
    pub fn of(pid: u32) -> anyhow::Result<Self> {
        let read = |file: &str| {
            let path = format!("/proc/{pid}/{file}");
            fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))
        };
        let ticks = cpu_ticks(&read("stat")?)
            .ok_or_else(|| anyhow!("/proc/{pid}/stat has an unknown form"))?;
        let resident_bytes = resident_bytes(&read("status")?)
            .ok_or_else(|| anyhow!("/proc/{pid}/status has no VmRSS: has the process ended?"))?;
        let per_second = rustix::param::clock_ticks_per_second();
        Ok(Self {
            cpu: Duration::from_nanos(ticks.saturating_mul(1_000_000_000 / per_second.max(1))),
            resident_bytes,
        })
    }
}

/// User and system time. The process name before them may hold blanks and parentheses, so fields count from
/// its last closing one.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    user.checked_add(system)
}

fn resident_bytes(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_fields_count_from_the_end_of_the_name() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 100 0 0 0 250 150 0 0 20 0 3 0 99 1000 50";
        assert_eq!(cpu_ticks(stat), Some(400));
        assert_eq!(cpu_ticks("7 (a) S 1"), None);
        assert_eq!(cpu_ticks("nonsense"), None);
    }

    #[test]
    fn resident_memory_is_in_kib() {
        assert_eq!(
            resident_bytes("Name:\tx\nVmRSS:\t    2048 kB\nThreads:\t1\n"),
            Some(2 << 20)
        );
        assert_eq!(resident_bytes("Name:\tx\n"), None);
    }

    #[test]
    fn this_process_has_memory() {
        let usage = Usage::of(std::process::id()).unwrap();
        assert!(usage.resident_bytes > 0);
    }
}
