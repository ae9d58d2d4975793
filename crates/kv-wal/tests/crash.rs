//! Crashes at every place in the lives of a store, and everything that a disk may show after one.
//!
//! Each scenario has three lives of a store on a simulated disk: several threads, all policies, both
//! encodings, many segments. The search for crashes is told in `kv_wal::testing::crash`. A failure names its
//! seed, place and variant, and keeps the disk; `KV_CRASH_CASE` judges one that was kept. `KV_CRASH_SEED` begins
//! with another seed: what is done comes from it, in which order the threads come to it does not.
//! `KV_CRASH_STATES` says how many states, so that a long run can be made in pieces: each names the seed that
//! the next one begins with.

use std::io::{self, Write as _};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Instant;
use std::{env, thread};

use kv_wal::testing::crash::{Report, Scenario, judge_kept};
use kv_wal::testing::figures;

/// Crashed disks that a run judges.
const STATES: u64 = 400_000;
const STATES_LONG: u64 = 10_000_000;

/// How far it has come is shown each time that so many are judged.
const STATES_SHOWN: u64 = 500_000;

#[test]
fn no_crash_breaks_the_promise() {
    let number = |name| env::var(name).ok().map(|number| number.parse().unwrap());
    let long = env::var_os("KV_TEST_LONG").is_some();
    let usual = if long { STATES_LONG } else { STATES };
    let target = number("KV_CRASH_STATES").unwrap_or(usual);
    let first = number("KV_CRASH_SEED").unwrap_or(0);
    let begun = Instant::now();
    let (report, next) = search(first, target);
    println!(
        "crash: {} states, {} violations, {:.1} s ({} recoveries, {} states inside of recovery, {} lives)",
        report.states,
        report.violations.len(),
        begun.elapsed().as_secs_f64(),
        report.recoveries,
        report.inside,
        report.lives,
    );
    println!("crash: go on with KV_CRASH_SEED={next}");
    figures::note(1, report.states, "crash states", begun.elapsed());
    report.keep_and_panic(env!("CARGO_TARGET_TMPDIR"));
    assert!(report.states >= target);
}

/// Lives scenarios from the seed `first` on until `target` states are judged or one is wrong; also the next
/// seed.
fn search(first: u64, target: u64) -> (Report, u64) {
    let begun = Instant::now();
    let next = AtomicU64::new(first);
    let report = Mutex::new(Report::default());
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seen = Scenario::new(next.fetch_add(1, SeqCst)).run();
                    let mut report = report.lock().expect("no thread panicked");
                    let shown = report.states / STATES_SHOWN;
                    report.add(seen);
                    if report.states / STATES_SHOWN > shown {
                        show(report.states, target, begun);
                    }
                    if report.states >= target || !report.violations.is_empty() {
                        return;
                    }
                }
            });
        }
    });
    let report = report.into_inner().expect("no thread panicked");
    (report, next.into_inner())
}

/// Shows how far a run has come, where the test harness does not catch it.
fn show(states: u64, target: u64, begun: Instant) {
    let seconds = begun.elapsed().as_secs_f64();
    let line = format!("crash: {states} of {target} states, {seconds:.0} s\n");
    // Without a place to print to, the verdict is still the test's.
    let _printed = io::stderr().write_all(line.as_bytes());
}

/// Judges the disk that `KV_CRASH_CASE` names; without it, one that this test keeps first.
#[test]
fn one_case() {
    let kept = match env::var_os("KV_CRASH_CASE") {
        Some(kept) => kept.into(),
        None => {
            let folder = env!("CARGO_TARGET_TMPDIR").as_ref();
            Scenario::new(0).kept(folder).unwrap()
        }
    };
    match judge_kept(&kept).unwrap() {
        Ok(lsn) => println!("{}: recovered up to LSN {lsn}", kept.display()),
        Err(what) => panic!("{}: {what}", kept.display()),
    }
}
