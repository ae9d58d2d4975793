//! Damaged logs: every way to damage a small one, some random ways, and every way that once went wrong.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Instant;
use std::{env, thread};

use kv_wal::Encoding;
use kv_wal::testing::{Fuzz, figures};

/// Random cases. Far more, in pieces of any size, are made by `cargo xtask fuzz-replay --cases N`.
const CASES: u64 = 200_000;
const CASES_LONG: u64 = 100_000_000;

fn exhaustive(encoding: Encoding, clean: bool) {
    let begun = Instant::now();
    let mut fuzz = Fuzz::new();
    if let Err(failure) = fuzz.exhaustive(encoding, clean, &mut |_| ()) {
        panic!("{failure}");
    }
    let counts = fuzz.counts();
    assert!(
        counts.whole > 0 && counts.refused > counts.cases() / 2,
        "{counts:?}"
    );
    figures::note(2, counts.cases(), "ways to damage a log", begun.elapsed());
}

#[test]
fn every_damage_to_a_binary_log_that_was_closed() {
    exhaustive(Encoding::Binary, true);
}

#[test]
fn every_damage_to_a_binary_log_that_was_killed() {
    exhaustive(Encoding::Binary, false);
}

#[test]
fn every_damage_to_a_json_log_that_was_killed() {
    exhaustive(Encoding::Json, false);
}

#[test]
fn every_damage_to_a_json_log_that_was_closed() {
    exhaustive(Encoding::Json, true);
}

/// A new seed with each run: what a failure prints repeats it.
#[test]
fn random_damage() {
    let begun = Instant::now();
    let long = env::var_os("KV_TEST_LONG").is_some();
    let cases = if long { CASES_LONG } else { CASES };
    let seed = u64::from(std::process::id());
    let next = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                let mut fuzz = Fuzz::new();
                loop {
                    let case = next.fetch_add(1, SeqCst);
                    if case >= cases {
                        return;
                    }
                    if let Err(failure) = fuzz.random(seed, case) {
                        panic!("--seed {seed} --case {case}: {failure}");
                    }
                }
            });
        }
    });
    figures::note(3, cases, "random damages", begun.elapsed());
}

#[test]
fn every_case_that_once_failed() {
    let mut fuzz = Fuzz::new();
    for line in include_str!("replay_seeds.txt").lines() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let numbers: Vec<u64> = line.split(' ').map(|word| word.parse().unwrap()).collect();
        let [seed, case] = numbers[..] else {
            panic!("{line:?} is not a seed and a case");
        };
        if let Err(failure) = fuzz.random(seed, case) {
            panic!("--seed {seed} --case {case}: {failure}");
        }
    }
}

#[test]
fn the_oracle_notices_what_recovery_cannot() {
    let failure = Fuzz::new().canary().unwrap_err();
    assert_eq!(failure.what, "LSN 1 is not what was written");
}
