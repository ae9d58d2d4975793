//! A life on a disk with trouble: nobody may be told what is not so, and a restart must recover.

use std::ops::Range;
use std::sync::Arc;

use super::judge::Wrap;
use super::life::{Crash, Life, Past};
use super::plan::Plan;
use super::report::{Case, Report, Violation};
use super::search::{Effort, search};
use crate::testing::disk::{Fault, SimDisk, Trouble};

/// So many calls in a row find no room, when the trouble lasts; then there is room again.
const CALLS_WITHOUT_ROOM: u64 = 4;

/// One life, of which calls fail.
#[derive(Clone)]
pub struct Trial {
    /// Decides what a failing sync drops.
    pub seed: u64,
    /// What the life begins with.
    pub past: Past,
    /// How it is lived.
    pub plan: Plan,
    /// How much is tried after the first failing call.
    pub effort: Effort,
    /// Puts something between the store and its disk.
    pub wrap: Arc<Wrap>,
}

impl Trial {
    /// How many calls the life takes when none fails.
    ///
    /// # Errors
    ///
    /// In words, what the store did wrong without any trouble.
    pub fn calls(&self) -> Result<u64, String> {
        let disk = SimDisk::boot(self.past.disk.clone(), self.seed);
        Life::live(&disk, &self.wrap, &self.past, &self.plan)?;
        Ok(disk.calls())
    }

    /// The plans of trouble that begins with `call`.
    pub fn faults(call: u64) -> impl Iterator<Item = Fault> {
        Trouble::ALL.into_iter().flat_map(move |trouble| {
            let lasting = match trouble {
                Trouble::NoSpace => CALLS_WITHOUT_ROOM,
                Trouble::Io | Trouble::Interrupted => u64::MAX - call,
            };
            [1, lasting].map(|calls| Fault {
                calls: Range {
                    start: call,
                    end: call + calls,
                },
                trouble,
            })
        })
    }

    /// Lives it with `fault`, then crashes and recovers it at every place from the first failing call on.
    #[must_use]
    pub fn run(&self, fault: Fault) -> Report {
        let disk = SimDisk::boot(self.past.disk.clone(), self.seed);
        let case = Case {
            seed: self.seed,
            life: 0,
            fault: Some(fault.clone()),
            position: 0,
            crash: Crash::Power,
            variant: 0,
            inside: None,
        };
        disk.plan(fault);
        let lived = Life::live(&disk, &self.wrap, &self.past, &self.plan);
        let checked =
            lived.and_then(|life| life.check_poisoned(self.plan.durability).map(|()| life));
        let life = match checked {
            Ok(life) => life,
            Err(what) => return self.failed(&disk, case, what),
        };
        let Some(first) = life.struck.first() else {
            return Report::default();
        };
        let effort = Effort {
            from: first.position,
            ..self.effort
        };
        search(&life, &case, effort, &*self.wrap)
    }

    fn failed(&self, disk: &SimDisk, case: Case, what: String) -> Report {
        let struck = disk.struck();
        let first = struck.first().map(|struck| &struck.what);
        Report {
            violations: vec![Violation {
                what: format!("{what}, after {first:?}"),
                disk: disk.state(),
                floor: self.past.durable,
                points: self.past.history.points().collect(),
                case,
            }],
            ..Report::default()
        }
    }
}
