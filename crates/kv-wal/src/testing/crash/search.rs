//! Looks for crashes of one life that break the promise.

use std::collections::HashMap;

use kv_core::Lsn;

use super::judge::{Judge, Verdict, Wrap};
use super::life::{Crash, Life};
use super::report::{Case, Report, Violation};
use crate::testing::chance::Chance;
use crate::testing::disk::{DiskState, Fates};

/// So many violations are told; then the search ends.
const VIOLATIONS_MAX: usize = 3;

/// So many disks in a row that were seen before, and a place has no more to show.
const REPEATS_MAX: usize = 6;

/// How much is tried.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Disks after a loss of power at one place, at most.
    pub variants: usize,
    /// Every how many recoveries there are crashes inside of them.
    pub inside_every: u64,
    /// Disks after a loss of power at one place inside of recovery, at most.
    pub inside_variants: usize,
    /// Every how many recoveries the store goes on until it is closed, and the disk is recovered a second time.
    pub twice_every: u64,
    /// The first place in the trace.
    pub from: usize,
}

impl Effort {
    /// Enough for each life of many.
    pub const USUAL: Self = Self {
        variants: 24,
        inside_every: 400,
        inside_variants: 5,
        twice_every: 7,
        from: 0,
    };

    /// Enough for each life with trouble, of very many.
    pub const TROUBLE: Self = Self {
        variants: 8,
        inside_every: 97,
        inside_variants: 2,
        twice_every: 11,
        from: 0,
    };
}

/// Looks for crashes of `life` that break the promise. `case` says which life it is.
#[must_use]
pub fn search(life: &Life, case: &Case, effort: Effort, wrap: &Wrap) -> Report {
    let mut search = Search {
        life,
        effort,
        judge: Judge::new(&life.history, wrap),
        recovered: HashMap::new(),
        report: Report::default(),
    };
    search.report.lives = 1;
    for (position, state) in life.trace.states().skip(effort.from) {
        let case = Case {
            position,
            ..case.clone()
        };
        search.power_lost(&case, &state);
        search.killed(&case, &state);
        if search.report.violations.len() >= VIOLATIONS_MAX {
            break;
        }
    }
    search.report
}

struct Search<'l> {
    life: &'l Life,
    effort: Effort,
    judge: Judge<'l>,
    /// By their fingerprints, the disks that were recovered, and what came back.
    recovered: HashMap<u64, Lsn>,
    report: Report,
}

/// The disks that a loss of power can leave of `state`, each once.
fn losses<'s>(
    state: &'s DiskState,
    most: usize,
    case: &'s Case,
) -> impl Iterator<Item = (usize, DiskState)> + 's {
    let most = if state.is_settled() { 1 } else { most };
    let (seed, life) = (case.seed, case.life as u64);
    let position = case.position as u64;
    let inside = case
        .inside
        .map_or(0, |(_, position, _)| 1 + position as u64);
    let mut seen = Vec::new();
    let mut repeats = 0;
    (0..most)
        .map_while(move |variant| {
            let mut chance = Chance::of(&[seed, life, position, inside, variant as u64]);
            let after = state.after_power_loss(&Fates::choose(state, variant, &mut chance));
            let print = after.fingerprint();
            if seen.contains(&print) {
                repeats += 1;
                return (repeats < REPEATS_MAX).then_some(None);
            }
            seen.push(print);
            repeats = 0;
            Some(Some((variant, after)))
        })
        .flatten()
}

impl Search<'_> {
    fn power_lost(&mut self, case: &Case, state: &DiskState) {
        for (variant, after) in losses(state, self.effort.variants, case) {
            let case = Case {
                crash: Crash::Power,
                variant,
                ..case.clone()
            };
            self.crashed(&case, &after);
        }
    }

    /// The process may be killed between two calls, and inside of a write.
    fn killed(&mut self, case: &Case, state: &DiskState) {
        let case = |variant| Case {
            crash: Crash::Kill,
            variant,
            ..case.clone()
        };
        if !state.is_settled() {
            self.crashed(&case(0), state);
        }
        let mut chance = Chance::of(&[case(0).seed, case(0).position as u64]);
        for length in [1, 8, 512, 513 + chance.below(3000)] {
            let position = case(0).position;
            if let Some(killed) = self.life.trace.killed_inside(state, position, length) {
                self.crashed(&case(length), &killed);
            }
        }
    }

    /// A crash has left `disk`.
    fn crashed(&mut self, case: &Case, disk: &DiskState) {
        let floor = self.life.floor(case.crash, case.position);
        let Some(verdict) = self.recover(case, disk, floor) else {
            return;
        };
        let recoveries = self.report.recoveries;
        if recoveries.is_multiple_of(self.effort.twice_every) {
            self.recover_again(case, &verdict);
        }
        if recoveries.is_multiple_of(self.effort.inside_every) {
            self.crash_inside(case, disk, &verdict);
        }
    }

    /// Recovers `disk`, unless it was before; `None` then, and when that is a violation.
    fn recover(&mut self, case: &Case, disk: &DiskState, floor: Lsn) -> Option<Verdict> {
        self.report.states += 1;
        let print = disk.fingerprint();
        if let Some(&lsn) = self.recovered.get(&print) {
            if lsn < floor {
                let what = format!("lost: up to LSN {lsn}, and {floor} was acknowledged or seen");
                self.violated(case, disk, floor, what);
            }
            return None;
        }
        self.report.recoveries += 1;
        let recoveries = self.report.recoveries;
        let wholly = [self.effort.twice_every, self.effort.inside_every];
        let recovered = if wholly.iter().any(|&every| recoveries.is_multiple_of(every)) {
            self.judge.recover(disk, floor)
        } else {
            self.judge.recover_only(disk, floor)
        };
        match recovered {
            Ok(verdict) => {
                self.recovered.insert(print, verdict.lsn);
                Some(verdict)
            }
            Err(what) => {
                self.violated(case, disk, floor, what);
                None
            }
        }
    }

    fn recover_again(&mut self, case: &Case, first: &Verdict) {
        let disk = first.trace.state(first.trace.operations.len());
        match self.judge.recover(&disk, first.lsn) {
            Ok(second) if second.lsn == first.lsn => {}
            Ok(second) => {
                let (first, second) = (first.lsn, second.lsn);
                let what = format!("recovered up to LSN {first} and the second time to {second}");
                self.violated(case, &disk, first, what);
            }
            Err(what) => self.violated(case, &disk, first.lsn, format!("second time: {what}")),
        }
    }

    /// Crashes inside of the recovery of `disk`, which came to an end as `verdict` says.
    fn crash_inside(&mut self, case: &Case, disk: &DiskState, verdict: &Verdict) {
        let sure = if disk.is_settled() {
            verdict.lsn
        } else {
            self.life.floor(Crash::Power, case.position)
        };
        let mut seen = HashMap::new();
        for (position, state) in verdict.trace.states() {
            let case = |crash, variant| Case {
                inside: Some((crash, position, variant)),
                ..case.clone()
            };
            // What was shown once the store was open must stay.
            let floor = if position < verdict.open_at {
                sure
            } else {
                verdict.lsn
            };
            let power = case(Crash::Power, 0);
            let losses = losses(&state, self.effort.inside_variants, &power);
            for (variant, after) in losses {
                let case = case(Crash::Power, variant);
                self.crashed_inside(&case, &after, floor..=verdict.lsn, &mut seen);
            }
            if !state.is_settled() {
                let kill = case(Crash::Kill, 0);
                self.crashed_inside(&kill, &state, verdict.lsn..=verdict.lsn, &mut seen);
            }
        }
    }

    fn crashed_inside(
        &mut self,
        case: &Case,
        disk: &DiskState,
        due: std::ops::RangeInclusive<Lsn>,
        seen: &mut HashMap<u64, Lsn>,
    ) {
        self.report.states += 1;
        self.report.inside += 1;
        let print = disk.fingerprint();
        let lsn = match seen.get(&print) {
            Some(&lsn) => lsn,
            None => {
                self.report.recoveries += 1;
                match self.judge.recover_only(disk, *due.start()) {
                    Ok(verdict) => verdict.lsn,
                    Err(what) => return self.violated(case, disk, *due.start(), what),
                }
            }
        };
        seen.insert(print, lsn);
        if !due.contains(&lsn) {
            let what = format!("recovered up to LSN {lsn} after a crash inside, due {due:?}");
            self.violated(case, disk, *due.start(), what);
        }
    }

    fn violated(&mut self, case: &Case, disk: &DiskState, floor: Lsn, what: String) {
        if self.report.violations.len() < VIOLATIONS_MAX {
            self.report.violations.push(Violation {
                case: case.clone(),
                what,
                disk: disk.clone(),
                floor,
                points: self.life.history.points().collect(),
            });
        }
    }
}
