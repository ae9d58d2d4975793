//! Which call fails how, and under which options the server runs.

use std::fmt;

/// System calls by which the server uses its directory, and how many of each its threads make at most before
/// one is likely to be the last.
const CALLS: [(&str, u64); 9] = [
    ("pwrite64", 30),
    ("fdatasync", 24),
    ("fsync", 4),
    ("openat", 10),
    ("renameat,renameat2", 3),
    ("unlinkat", 3),
    ("ftruncate", 2),
    ("pread64", 12),
    ("fstatfs", 2),
];

const TROUBLES: [&str; 4] = ["error=EIO", "error=ENOSPC", "error=EINTR", "signal=KILL"];

const POLICIES: [&str; 3] = ["always", "everysec", "no"];

/// The loader of programs reads with the first few calls of this.
const READ: &str = "pread64";
const READS_OF_LOADER: u64 = 6;

/// One case; its number says everything.
pub(crate) struct Case {
    number: u64,
    pub(crate) calls: &'static str,
    pub(crate) policy: &'static str,
    /// In the words of strace.
    trouble: &'static str,
    /// Whether calls fail from the start of the server on, or only when it serves.
    pub(crate) starts: bool,
    /// Calls of each thread before the one that fails, and whether those after it fail too.
    before: u64,
    on: bool,
}

impl Case {
    pub(crate) fn numbered(number: u64) -> Self {
        let call = number % CALLS.len() as u64;
        let round = number / CALLS.len() as u64;
        let trouble = round % TROUBLES.len() as u64;
        // Far apart for numbers that are neighbours (the multiplier of a Weyl sequence).
        let chance = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
        let (calls, most) = CALLS[usize::try_from(call).expect("it is small")];
        let starts = (chance / 3).is_multiple_of(2);
        let first = match starts && calls == READ {
            true => READS_OF_LOADER,
            false => 0,
        };
        Self {
            number,
            calls,
            trouble: TROUBLES[usize::try_from(trouble).expect("it is small")],
            policy: POLICIES[usize::try_from(chance % 3).expect("it is small")],
            starts,
            before: first + (chance / 6) % most,
            // A kill comes once, and calls that are interrupted for ever never end.
            on: trouble < 2 && (chance / 360).is_multiple_of(2),
        }
    }

    /// No sync succeeds any more, under a policy that waits for each.
    pub(crate) fn syncs_fail() -> Self {
        Self {
            number: u64::MAX,
            calls: "fdatasync",
            policy: "always",
            trouble: TROUBLES[0],
            starts: false,
            before: 0,
            on: true,
        }
    }

    /// Whether the process is killed.
    pub(crate) fn kills(&self) -> bool {
        self.trouble.starts_with("signal")
    }

    /// Whether the call may just be repeated.
    pub(crate) fn interrupts(&self) -> bool {
        self.trouble == "error=EINTR"
    }

    /// Whether the calls name files in a directory.
    pub(crate) fn is_of_names(&self) -> bool {
        ["openat", "renameat", "unlinkat"]
            .iter()
            .any(|call| self.calls.starts_with(call))
    }

    /// What strace is told.
    pub(crate) fn inject(&self) -> String {
        let on = if self.on { "+" } else { "" };
        format!(
            "inject={}:{}:when={}{on}",
            self.calls,
            self.trouble,
            self.before + 1
        )
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "KV_INJECT_CASE={} (durability {}, {}, {})",
            self.number,
            self.policy,
            if self.starts {
                "from the start"
            } else {
                "while it serves"
            },
            self.inject()
        )
    }
}
