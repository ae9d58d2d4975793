//! Several lives of one store, each beginning with what a crash of the one before has left.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kv_core::Lsn;

use super::history::History;
use super::judge::{Judge, Wrap};
use super::life::{Crash, Life, Past};
use super::plan::Plan;
use super::report::{Case, Report, Violation, read_kept};
use super::search::{Effort, search};
use crate::testing::chance::Chance;
use crate::testing::disk::{DiskState, Fates, SimDisk};

/// Lives of one store.
const LIVES: usize = 3;

/// A variant of [`Fates::choose`] that is up to chance.
const ANY_VARIANT: usize = 5;

/// Looks for a good place for a crash.
const LOOKS_MAX: usize = 10;

/// Several lives, made from a seed.
#[derive(Clone)]
pub struct Scenario {
    /// Decides what is done; in which order the threads come to it is up to the machine.
    pub seed: u64,
    /// How much is tried with each life.
    pub effort: Effort,
    /// Puts something between a store and its disk.
    pub wrap: Arc<Wrap>,
    /// Changes the plan of each life.
    pub alter: fn(&mut Plan),
}

impl Scenario {
    /// The scenario of `seed`, with nothing broken in it.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            effort: Effort::USUAL,
            wrap: Arc::new(|disk| Arc::new(disk)),
            alter: |_| {},
        }
    }

    /// Lives it and looks for crashes that break the promise.
    #[must_use]
    pub fn run(&self) -> Report {
        let mut report = Report::default();
        let mut past = Past::default();
        for number in 0..LIVES {
            let case = self.case(number);
            let seed = Chance::of(&[self.seed, number as u64]).number();
            let next = self.live(&case, seed, &past, &mut report);
            match next {
                Ok(next) => past = next,
                Err(what) => report.violations.push(Violation {
                    case,
                    what,
                    disk: past.disk.clone(),
                    floor: past.durable,
                    points: past.history.points().collect(),
                }),
            }
            if !report.violations.is_empty() {
                break;
            }
        }
        report
    }

    /// What another life can begin with: what a crash has left of the first.
    ///
    /// # Panics
    ///
    /// When a life without trouble breaks the promise: another test finds out how.
    #[must_use]
    pub fn past(&self) -> Past {
        let plan = Plan::any(self.seed);
        let disk = SimDisk::new(self.seed);
        let life = Life::live(&disk, &self.wrap, &Past::default(), &plan);
        let past = life.and_then(|life| self.end(&life, &mut Chance::of(&[self.seed])));
        past.unwrap_or_else(|what| panic!("{what}"))
    }

    /// Keeps in `folder` a disk that a crash has left and that is to be recovered, as if it broke the promise;
    /// returns where.
    ///
    /// # Errors
    ///
    /// Those of the operating system.
    pub fn kept(&self, folder: &Path) -> io::Result<PathBuf> {
        let past = self.past();
        let violation = Violation {
            case: self.case(0),
            what: String::new(),
            floor: past.durable,
            points: past.history.points().collect(),
            disk: past.disk,
        };
        violation.keep(folder)
    }

    fn case(&self, life: usize) -> Case {
        Case {
            seed: self.seed,
            life,
            fault: None,
            position: 0,
            crash: Crash::Power,
            variant: 0,
            inside: None,
        }
    }

    /// Lives one life, searches it, and crashes it.
    fn live(
        &self,
        case: &Case,
        seed: u64,
        past: &Past,
        report: &mut Report,
    ) -> Result<Past, String> {
        let mut plan = Plan::any(seed);
        (self.alter)(&mut plan);
        let disk = SimDisk::boot(past.disk.clone(), seed).with_slow_sync(plan.sync_takes);
        let life = Life::live(&disk, &self.wrap, past, &plan)?;
        report.add(search(&life, case, self.effort, &*self.wrap));
        if !report.violations.is_empty() {
            return Ok(Past::default());
        }
        self.end(&life, &mut Chance::of(&[seed, 4]))
    }

    /// One of the ways in which `life` can end, and what of it goes on.
    fn end(&self, life: &Life, chance: &mut Chance) -> Result<Past, String> {
        let last = life.trace.operations.len();
        let (position, crash) = match chance.below(10) {
            0..2 => (last, Crash::Kill),
            2..5 => (chance.below(last + 1), Crash::Kill),
            _ => (unsettled_position(life, chance), Crash::Power),
        };
        let mut disk = life.trace.state(position);
        if crash == Crash::Power {
            let variant = *chance.pick(&[0, ANY_VARIANT]);
            disk = disk.after_power_loss(&Fates::choose(&disk, variant, chance));
        }
        let judge = Judge::new(&life.history, &*self.wrap);
        let lsn = judge.recover(&disk, life.floor(crash, position))?.lsn;
        let durable = if disk.is_settled() {
            lsn
        } else {
            life.floor(Crash::Power, position)
        };
        Ok(Past {
            history: life.history.until(lsn),
            durable,
            disk,
        })
    }
}

/// A place in the trace of `life` where there is something to lose, if chance finds one.
fn unsettled_position(life: &Life, chance: &mut Chance) -> usize {
    let places = life.trace.operations.len() + 1;
    let mut position = chance.below(places);
    for _ in 0..LOOKS_MAX {
        if !life.trace.state(position).is_settled() {
            break;
        }
        position = chance.below(places);
    }
    position
}

/// Recovers a disk that [`Violation::keep`] has kept and judges it again: the last effect recovered, or what
/// is wrong.
///
/// # Errors
///
/// Those of the operating system.
pub fn judge_kept(path: &Path) -> io::Result<Result<Lsn, String>> {
    let (disk, floor, points): (DiskState, _, _) = read_kept(path)?;
    let history = History::of_points(points);
    let wrap: &Wrap = &|disk| Arc::new(disk);
    let judged = Judge::new(&history, wrap).recover(&disk, floor);
    Ok(judged.map(|verdict| verdict.lsn))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_disk_is_judged_again() {
        let folder = tempfile::tempdir().unwrap();
        let scenario = Scenario::new(3);
        let kept = scenario.kept(folder.path()).unwrap();
        let lsn = judge_kept(&kept).unwrap();
        assert_eq!(lsn, Ok(scenario_end(&kept)));

        // One more than there is must be there.
        let expected = kept.join("expected.txt");
        let text = std::fs::read_to_string(&expected).unwrap();
        let (_, points) = text.split_once('\n').unwrap();
        let floor = format!("floor {}\n", scenario_end(&kept).0 + 1);
        std::fs::write(&expected, floor + points).unwrap();
        assert!(
            judge_kept(&kept)
                .unwrap()
                .is_err_and(|what| what.starts_with("lost"))
        );
    }

    /// The last LSN of the history that was kept.
    fn scenario_end(kept: &Path) -> Lsn {
        let (_, _, points) = read_kept(kept).unwrap();
        points.last().unwrap().0
    }
}
