//! Bugs that a log can have, planted one by one: the checks of `crash.rs` and `faults.rs` must catch each.
//!
//! | planted bug | what catches it |
//! |---|---|
//! | the directory is not synced | power loss: segments that the manifest names are missing |
//! | segments are published before they are synced | power loss: a segment has no header |
//! | commits are not synced | power loss: acknowledged writes are missing |
//! | the manifest is renamed before it is synced | power loss: no manifest can be read |
//! | the manifest is removed before it is replaced | power loss: there is no manifest |
//! | recovery does not sync what it reads | kill, recovery, power loss: what was shown is missing |
//! | writes reach the log after the sync | power loss: acknowledged writes are missing |
//! | a successor is published before the seal is synced | power loss: a crash is called damage |
//! | every segment has the same salt | power loss: frames of a lost life come back |
//! | payload checksums are not looked at | power loss: torn effects are applied, or called damage |
//! | header checksums are not looked at | power loss: noise is called damage |
//! | one flipped bit is taken for an unfinished write | `replay_fuzz`: it must be refused |
//! | recovery writes to the segments that it reads | every recovery: no byte of an earlier life is written |
//! | writes are acknowledged before they are durable | power loss: acknowledged writes are missing |
//! | `always` is promised and `everysec` kept | power loss: acknowledged writes are missing |
//! | writes wait for the log and reads do not | power loss: what was seen is missing |
//! | under `no`, writes are acknowledged before they are written | kill: acknowledged writes are missing |
//! | a failed sync is tried once more | failing calls: what the sync dropped was acknowledged |
//! | a failed sync is taken for a success | failing calls: the failure was not told |
//! | a failed write is taken for a success | failing calls: acknowledged writes are missing |
//! | recovery believes the page cache | failing calls, recovery, power loss: what was shown is missing |
//!
//! Bugs of waiting that only show in some thread schedules are planted beside the models of `src/schedules`.

mod broken_fs;

use std::sync::Arc;
use std::time::{Duration, Instant};

use broken_fs::{BrokenFs, Bug};
use kv_wal::testing::Fuzz;
use kv_wal::testing::crash::{Cheat, Effort, Past, Plan, Report, Scenario, Trial, Wrap};
use kv_wal::testing::disk::{Fault, Trouble};
use kv_wal::testing::figures;
use kv_wal::{Durability, Encoding};

/// So many scenarios may pass before a bug is caught.
const SCENARIOS_MAX: u64 = 400;

/// Crashes inside of recovery are tried more often than elsewhere: some bugs only show there.
const EFFORT: Effort = Effort {
    inside_every: 40,
    ..Effort::USUAL
};

fn wrap(bug: Bug) -> Arc<Wrap> {
    Arc::new(move |disk| Arc::new(BrokenFs::new(disk, bug)))
}

#[expect(clippy::print_stdout, reason = "the figures are what a run is for")]
fn caught(bug: &str, reports: impl Iterator<Item = Report>) {
    let begun = Instant::now();
    let mut seen = Report::default();
    for report in reports {
        seen.add(report);
        if let Some(violation) = seen.violations.first() {
            println!(
                "planted: {bug}: caught after {} states, {violation:?}",
                seen.states
            );
            figures::note(8, 1, "planted bugs caught", begun.elapsed());
            return;
        }
    }
    panic!("{bug}: not caught, after {} states", seen.states);
}

fn caught_by_crashes(bug: &str, scenario: &Scenario) {
    let of_seed = |seed| {
        Scenario {
            seed,
            ..scenario.clone()
        }
        .run()
    };
    caught(bug, (0..SCENARIOS_MAX).map(of_seed));
}

#[test]
fn bugs_of_the_log_are_caught_by_crashes() {
    for bug in [
        Bug::SkipDirectorySync,
        Bug::SkipSegmentSync,
        Bug::SkipCommitSync,
        Bug::SkipManifestSync,
        Bug::ReplaceByRemoving,
        Bug::SkipRecoverySync,
        Bug::WriteAfterSync,
        Bug::SuccessorBeforeSeal,
        Bug::IgnorePayloadChecksum,
        Bug::IgnoreHeaderChecksum,
        Bug::WriteToOldSegment,
    ] {
        let scenario = Scenario {
            effort: EFFORT,
            wrap: wrap(bug),
            ..Scenario::new(0)
        };
        caught_by_crashes(&format!("{bug:?}"), &scenario);
    }
}

/// It takes a segment that was lost with all its frames and made again under the same name, so many lives are
/// tried, each with little effort.
#[test]
fn reused_salt_is_caught_by_crashes() {
    let scenario = Scenario {
        effort: Effort {
            variants: 5,
            inside_every: u64::MAX,
            ..Effort::USUAL
        },
        wrap: wrap(Bug::SameSalt),
        ..Scenario::new(0)
    };
    caught_by_crashes("SameSalt", &scenario);
}

/// What a planted bug does to a plan.
type Alter = fn(&mut Plan);

#[test]
fn bugs_of_waiting_are_caught_by_crashes() {
    let bugs: [(&str, Alter); 4] = [
        ("acknowledge early", |plan| {
            always(plan);
            plan.cheat = Cheat::AcknowledgeEarly;
        }),
        ("acknowledge before the write", |plan| {
            plan.durability = Durability::No;
            plan.promised = Durability::No;
            plan.cheat = Cheat::AcknowledgeEarly;
        }),
        ("promise too much", |plan| {
            plan.durability = Durability::EverySec;
            plan.promised = Durability::Always;
        }),
        ("gate writes and not reads", |plan| {
            always(plan);
            plan.readers = 2;
            plan.sync_takes = Duration::from_micros(300);
            plan.cheat = Cheat::ShowEarly;
        }),
    ];
    for (bug, alter) in bugs {
        let scenario = Scenario {
            alter,
            ..Scenario::new(0)
        };
        caught_by_crashes(bug, &scenario);
    }
}

fn always(plan: &mut Plan) {
    plan.durability = Durability::Always;
    plan.promised = Durability::Always;
}

#[test]
fn bugs_of_failing_are_caught_by_failing_calls() {
    for bug in [
        Bug::RetrySync,
        Bug::IgnoreSyncError,
        Bug::IgnoreWriteError,
        Bug::KeepCache,
    ] {
        let trials = (0..SCENARIOS_MAX).flat_map(|seed| {
            let mut plan = Plan::any(seed).small();
            always(&mut plan);
            let trial = Trial {
                seed,
                past: Past::default(),
                plan,
                effort: Effort {
                    inside_every: 5,
                    ..Effort::TROUBLE
                },
                wrap: wrap(bug),
            };
            let calls = trial.calls().unwrap_or_default();
            (0..calls).map(move |call| {
                trial.run(Fault {
                    calls: call..call + 1,
                    trouble: Trouble::Io,
                })
            })
        });
        caught(&format!("{bug:?}"), trials);
    }
}

#[test]
fn a_flipped_bit_taken_for_an_unfinished_write_is_caught_by_the_fuzzer() {
    let begun = Instant::now();
    for encoding in [Encoding::Binary, Encoding::Json] {
        let bug = Bug::MissFlippedBit;
        let mut fuzz = Fuzz::through(move |disk| Arc::new(BrokenFs::over(disk, bug)));
        let failure = fuzz.exhaustive(encoding, false, &mut |_| ()).unwrap_err();
        assert!(failure.what.contains("a flipped bit"), "{failure}");
        let cases = fuzz.counts().cases();
        println!("planted: {bug:?}: caught after {cases} cases, {failure}");
    }
    figures::note(8, 1, "planted bugs caught", begun.elapsed());
}
