//! Crashes at every place in the lives of a store, and everything that a disk may show after one.
//!
//! Each scenario has three lives of a store on a simulated disk: several threads, all policies, both
//! encodings, many segments. The search for crashes is told in `kv_wal::testing::crash`. A failure names its
//! seed, place and variant, and keeps the disk; `KV_CRASH_CASE` judges one that was kept. `KV_CRASH_SEED` begins
//! with another seed: what is done comes from it, in which order the threads come to it does not.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Instant;
use std::{env, thread};

use kv_wal::testing::crash::{Report, Scenario, judge_kept};

/// Crashed disks that a run judges.
const STATES: u64 = 400_000;
const STATES_LONG: u64 = 10_000_000;

#[test]
fn no_crash_breaks_the_promise() {
    let target = if env::var_os("KV_TEST_LONG").is_some() {
        STATES_LONG
    } else {
        STATES
    };
    let first = env::var("KV_CRASH_SEED").map_or(0, |seed| seed.parse().unwrap());
    let begun = Instant::now();
    let report = search(first, target);
    println!(
        "crash: {} states, {} violations, {:.1} s ({} recoveries, {} states inside of recovery, {} lives)",
        report.states,
        report.violations.len(),
        begun.elapsed().as_secs_f64(),
        report.recoveries,
        report.inside,
        report.lives,
    );
    report.keep_and_panic(env!("CARGO_TARGET_TMPDIR"));
    assert!(report.states >= target);
}

/// Lives scenarios from the seed `first` on until `target` states are judged or one is wrong.
fn search(first: u64, target: u64) -> Report {
    let next = AtomicU64::new(first);
    let report = Mutex::new(Report::default());
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seen = Scenario::new(next.fetch_add(1, SeqCst)).run();
                    let mut report = report.lock().expect("no thread panicked");
                    report.add(seen);
                    if report.states >= target || !report.violations.is_empty() {
                        return;
                    }
                }
            });
        }
    });
    report.into_inner().expect("no thread panicked")
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
