//! One call of a life fails, each call in its turn: nobody is told what is not so, and a restart recovers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use kv_wal::testing::crash::{Case, Crash, Effort, Life, Past, Plan, Report, search};
use kv_wal::testing::disk::{Fault, SimDisk, Trouble};
use kv_wal::{Durability, Encoding};

/// What a restart after trouble is tried with.
const EFFORT: Effort = Effort {
    variants: 5,
    inside_every: u64::MAX,
    inside_variants: 0,
    twice_every: 11,
    from: 0,
};

fn plan(seed: u64, durability: Durability) -> Plan {
    let mut plan = Plan::any(seed);
    plan.durability = durability;
    plan.promised = durability;
    plan.encoding = [Encoding::Binary, Encoding::Json][seed as usize % 2];
    plan.segment_bytes = 6 << 10;
    plan.writers = 2;
    plan.units = 7;
    plan.sync_takes = Duration::ZERO;
    plan
}

fn run(seed: u64, past: &Past, plan: &Plan, fault: Fault) -> Report {
    let disk = SimDisk::boot(past.disk.clone(), seed);
    disk.plan(fault);
    let (past, plan) = (past.clone(), plan.clone());
    let (send, receive) = mpsc::channel();
    let used = disk.clone();
    thread::spawn(move || {
        let life = Life::live(&used, Arc::new(used.clone()), &past, &plan);
        let _ = send.send(life);
    });
    let life = match receive.recv_timeout(Duration::from_secs(60)) {
        Ok(Ok(life)) => life,
        Ok(Err(what)) => panic!("{what}: {}", few(&disk.struck())),
        Err(_) => panic!("hangs: {}", few(&disk.struck())),
    };
    if let Err(what) = life.check_poisoned() {
        panic!("{what}: {}", few(&life.struck));
    }
    let case = Case {
        seed,
        life: 0,
        position: 0,
        crash: Crash::Power,
        variant: 0,
        inside: None,
    };
    let Some(first) = life.struck.first() else {
        return Report::default();
    };
    let effort = Effort {
        from: first.position,
        ..EFFORT
    };
    let report = search(&life, &case, effort, &|disk| Arc::new(disk));
    assert!(
        report.violations.is_empty(),
        "{} {:?}",
        few(&life.struck),
        report.violations
    );
    report
}

fn few(struck: &[kv_wal::testing::disk::Struck]) -> String {
    let first: Vec<_> = struck.iter().take(3).map(|struck| &struck.what).collect();
    format!("{first:?} of {}", struck.len())
}

#[test]
fn every_call_may_fail() {
    let begun = Instant::now();
    for (seed, durability) in Durability::ALL.into_iter().enumerate() {
        for trouble in Trouble::ALL {
            for lasting in [false, true] {
                let seed = seed as u64;
                let plan = plan(seed, durability);
                let disk = SimDisk::new(seed);
                let quiet = Life::live(&disk, Arc::new(disk.clone()), &Past::default(), &plan);
                assert!(quiet.is_ok_and(|life| !life.failed));
                let calls = disk.calls();
                let next = AtomicU64::new(0);
                let states = AtomicU64::new(0);
                thread::scope(|scope| {
                    for _ in 0..32 {
                        scope.spawn(|| {
                            loop {
                                let call = next.fetch_add(1, SeqCst);
                                if call >= calls {
                                    return;
                                }
                                let end = match (lasting, trouble) {
                                    (false, _) => call + 1,
                                    (true, Trouble::NoSpace) => call + 4,
                                    (true, _) => u64::MAX,
                                };
                                let fault = Fault {
                                    calls: call..end,
                                    trouble,
                                };
                                let report = run(seed, &Past::default(), &plan, fault);
                                states.fetch_add(report.states, SeqCst);
                            }
                        });
                    }
                });
                println!(
                    "{durability} {trouble:?} {lasting}: {calls} calls, {states:?} states, {:?}",
                    begun.elapsed()
                );
            }
        }
    }
}
