//! Damaged logs: every way to damage a small one, some random ways, and every way that once went wrong.

use kv_wal::Encoding;
use kv_wal::testing::Fuzz;

fn exhaustive(encoding: Encoding, clean: bool) {
    let mut fuzz = Fuzz::new();
    if let Err(failure) = fuzz.exhaustive(encoding, clean, &mut |_| ()) {
        panic!("{failure}");
    }
    let counts = fuzz.counts();
    assert!(
        counts.whole > 0 && counts.refused > counts.cases() / 2,
        "{counts:?}"
    );
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
fn random_damage() {
    let mut fuzz = Fuzz::new();
    for case in 0..5_000 {
        if let Err(failure) = fuzz.random(1, case) {
            panic!("--seed 1 --case {case}: {failure}");
        }
    }
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
