//! Calls fail, each of a life in its turn: once, or from then on. Nobody is told what is not so, nothing is
//! tried again after a failed sync, nobody waits for ever, and a restart recovers, with power lost after the
//! failure or without.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Instant;
use std::{env, thread};

use kv_wal::testing::crash::{Effort, Past, Plan, Report, Scenario, Trial};
use kv_wal::testing::figures;
use kv_wal::{Durability, Encoding};

/// Lives tried with each policy and encoding.
const LIVES: u64 = 2;
const LIVES_LONG: u64 = 40;

/// Trials that wait for the same time do not wait for one another.
const THREADS: usize = 16;

/// The least that an ordinary run must have tried.
const TRIALS_MIN: u64 = 4_000;

#[test]
fn every_call_may_fail() {
    let lives = if env::var_os("KV_TEST_LONG").is_some() {
        LIVES_LONG
    } else {
        LIVES
    };
    let begun = Instant::now();
    let (mut trials, mut report) = (0, Report::default());
    for seed in 0..lives {
        for durability in Durability::ALL {
            for encoding in [Encoding::Binary, Encoding::Json] {
                for past in [Past::default(), Scenario::new(seed).past()] {
                    let trial = trial(seed, past, durability, encoding);
                    trials += try_each_call(&trial, &mut report);
                }
            }
        }
    }
    println!(
        "faults: {trials} trials, {} states, {} violations, {:.1} s",
        report.states,
        report.violations.len(),
        begun.elapsed().as_secs_f64()
    );
    figures::note(
        4,
        trials,
        "failing calls of the simulated disk",
        begun.elapsed(),
    );
    report.keep_and_panic(env!("CARGO_TARGET_TMPDIR"));
    assert!(trials >= TRIALS_MIN, "too few trials: {trials}");
}

fn trial(seed: u64, past: Past, durability: Durability, encoding: Encoding) -> Trial {
    let plan = Plan {
        durability,
        promised: durability,
        encoding,
        ..Plan::any(seed).small()
    };
    Trial {
        seed,
        past,
        plan,
        effort: Effort::TROUBLE,
        wrap: Scenario::new(seed).wrap,
    }
}

/// Tries all troubles of all calls; returns how many.
fn try_each_call(trial: &Trial, report: &mut Report) -> u64 {
    let calls = trial
        .calls()
        .unwrap_or_else(|what| panic!("without any trouble: {what}"));
    let next = AtomicU64::new(0);
    let tried = AtomicU64::new(0);
    let report = Mutex::new(report);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let call = next.fetch_add(1, SeqCst);
                    if call >= calls {
                        return;
                    }
                    for fault in Trial::faults(call) {
                        let seen = trial.run(fault);
                        tried.fetch_add(1, SeqCst);
                        report.lock().expect("no thread panicked").add(seen);
                    }
                }
            });
        }
    });
    tried.into_inner()
}
