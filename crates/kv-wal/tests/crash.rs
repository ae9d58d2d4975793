//! Crashes at every place in the life of a store, and everything that a disk may show after one.

use std::path::Path;
use std::time::Instant;

use kv_wal::testing::crash::{Report, Scenario, judge_kept};

#[test]
fn no_crash_breaks_the_promise() {
    let begun = Instant::now();
    let target: u64 = std::env::var("STATES").map_or(5_000, |n| n.parse().unwrap());
    let mut report = Report::default();
    let mut seed = std::env::var("SEED").map_or(0, |n| n.parse().unwrap());
    while report.recoveries < target && report.violations.is_empty() {
        report.add(Scenario::new(seed).run());
        seed += 1;
    }
    println!(
        "crash: {} states, {} recoveries, {} inside, {} lives, {} violations, {:.1} s",
        report.states,
        report.recoveries,
        report.inside,
        report.lives,
        report.violations.len(),
        begun.elapsed().as_secs_f64()
    );
    for violation in &report.violations {
        let kept = violation
            .keep(Path::new(env!("CARGO_TARGET_TMPDIR")))
            .unwrap();
        println!("{violation:?}\n  kept in {}", kept.display());
        println!("  {:?}", judge_kept(&kept));
    }
    assert!(report.violations.is_empty());
}
