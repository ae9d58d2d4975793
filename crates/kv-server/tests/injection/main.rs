//! System calls of a real server fail, each kind in its turn: EIO, ENOSPC, EINTR, or the process is killed in
//! the middle of one, while it starts, writes, changes files, makes a snapshot or ends. After it everything
//! that was acknowledged is there, nothing that was refused is, and the server has ended as
//! `docs/durability.md` says.
//!
//! `KV_INJECT_CASE` repeats one case. Needs `strace`.

// Each test program uses the part that it needs of what they share.
#[path = "../figures/mod.rs"]
mod figures;
#[path = "../process/mod.rs"]
mod process;
#[path = "../tools/mod.rs"]
mod tools;

mod case;
mod draining;
mod load;
mod run;
mod trace;

use std::collections::BTreeMap;
use std::env;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Instant;

use case::Case;
use run::{Outcome, Template};

const RUNS: u64 = 200;
const RUNS_LONG: u64 = 1_600;

/// Runs at the same time.
const THREADS: usize = 2;

/// Whether calls can be made to fail here; says so if not.
fn has_strace() -> bool {
    let strace = Command::new("strace")
        .arg("-V")
        .stdout(Stdio::null())
        .status();
    let has = strace.is_ok_and(|status| status.success());
    if !has {
        tools::missing("failing system calls need strace");
    }
    has
}

#[test]
fn no_failing_call_breaks_the_promise() {
    if !has_strace() {
        return;
    }
    let begun = Instant::now();
    let template = Template::make();
    if let Ok(case) = env::var("KV_INJECT_CASE") {
        let case = Case::numbered(case.parse().expect("it is a number"));
        let outcome = run::run(&case, &template);
        return println!("{case}: {outcome:?}");
    }
    let long = env::var_os("KV_TEST_LONG").is_some();
    let runs = if long { RUNS_LONG } else { RUNS };
    let outcomes = run_all(runs, &template);
    let counts: Vec<String> = outcomes
        .iter()
        .map(|(outcome, count)| format!("{count} {outcome:?}"))
        .collect();
    println!("injection: {}", counts.join(", "));
    figures::note(4, runs, "runs under syscall injection", begun);
    for outcome in Outcome::ALL {
        assert!(outcomes.contains_key(&outcome), "no run was {outcome:?}");
    }
}

/// Runs the cases 0 to `runs`; how many ended how.
fn run_all(runs: u64, template: &Template) -> BTreeMap<Outcome, u64> {
    let next = AtomicU64::new(0);
    let outcomes = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, SeqCst);
                    if number >= runs {
                        return;
                    }
                    let outcome = run::run(&Case::numbered(number), template);
                    let mut outcomes = outcomes.lock().expect("no thread panics with it");
                    *outcomes.entry(outcome).or_insert(0) += 1;
                }
            });
        }
    });
    outcomes.into_inner().expect("no thread panics with it")
}
