//! Whether a history can be true: is there an order of its operations, each between its call and its
//! end, in which one copy of the data gives every reply that was seen?
//!
//! The search is Wing and Gong's, with Lowe's two improvements: it walks through time and lets
//! operations happen only when one of them ends, and it goes on from no situation twice.
//!
//! ```text
//!  call A   call B     end A                     end B
//!  ---+--------+---------+-------------------------+------> moments
//!                        A has happened:           B has happened, too:
//!                        try A, then B A           A B or B A
//! ```
//!
//! A crash is the end of all operations that wait for a reply: each of them has happened by then or
//! never will. (This is durable linearizability. To leave them open for ever would accept a write
//! that the first recovery dropped and the second one brought back.) Commands that one client sent
//! together happen in the order in which it sent them.
//!
//! Invariant: what is remembered is bounded by [`SITUATIONS_MAX`]; reaching it is an error, not a
//! verdict.

use std::collections::BTreeSet;
use std::fmt;

use super::model::State;
use super::operation::Operation;

/// Most situations that are looked at. A history of six clients takes some hundreds.
const SITUATIONS_MAX: usize = 200_000;

/// Why a history was not accepted.
#[derive(Debug)]
pub(crate) enum Violation {
    /// No order explains the reply to this operation.
    Impossible {
        /// Its place in what was checked.
        operation: usize,
        /// Every state that the data can have been in when it ended, before it and what ran beside
        /// it.
        before: BTreeSet<State>,
    },
    /// Too much runs at once to be decided.
    Undecided,
}

impl fmt::Display for Violation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        const STATES_SHOWN_MAX: usize = 8;
        let Self::Impossible { before, .. } = self else {
            return write!(out, "more than {SITUATIONS_MAX} situations to look at");
        };
        writeln!(
            out,
            "no order of what ran beside it explains the reply at >>"
        )?;
        write!(out, "before it ended, the keys can have held:")?;
        for state in before.iter().take(STATES_SHOWN_MAX) {
            write!(out, "\n    {state}")?;
        }
        match before.len().saturating_sub(STATES_SHOWN_MAX) {
            0 => Ok(()),
            more => write!(out, "\n    and {more} more possibilities"),
        }
    }
}

/// Decides whether `operations`, in the order of their calls, all on one group of `keys` keys that
/// were empty at first, can be true.
///
/// # Errors
///
/// [`Violation`] names the operation that cannot be explained.
pub(crate) fn check(operations: &[Operation], keys: usize) -> Result<(), Violation> {
    let ends = ends(operations);
    let bits = bits(operations.len(), &ends).ok_or(Violation::Undecided)?;
    let search = Search {
        operations,
        ends,
        bits,
        seen: BTreeSet::new(),
        furthest: 0,
        before: BTreeSet::new(),
    };
    search.run(keys)
}

/// The end of an operation: by now it has happened, or was lost.
struct End {
    operation: usize,
    /// What was called before and had not ended, this operation last; each with the one that its
    /// client sent before, if that runs too.
    running: Vec<(usize, Option<usize>)>,
}

/// The ends of all operations in the order of time.
///
/// Those that a crash ended end together: first the ones whose replies were still under way, then
/// the lost ones, the last one sent first, because it needs the others before it. Reads that were
/// lost say nothing and are left out.
fn ends(operations: &[Operation]) -> Vec<End> {
    let counts = |place: &usize| {
        let Operation { command, reply, .. } = &operations[*place];
        reply.is_some() || !command.is_read()
    };
    let mut places: Vec<usize> = (0..operations.len()).filter(counts).collect();
    places.sort_unstable_by_key(|&place| {
        let Operation { end, reply, .. } = &operations[place];
        let lost = reply.is_none();
        (*end, lost, if lost { usize::MAX - place } else { place })
    });
    let end = |(passed, &operation): (usize, &usize)| {
        let called = |place: &&usize| operations[**place].call < operations[operation].end;
        let mut running: Vec<usize> = places[passed..].iter().filter(called).copied().collect();
        running.reverse();
        End {
            operation,
            running: with_earlier(operations, &running),
        }
    };
    places.iter().enumerate().map(end).collect()
}

/// Pairs each of the `running` operations with the latest one that its client sent before it.
fn with_earlier(operations: &[Operation], running: &[usize]) -> Vec<(usize, Option<usize>)> {
    let earlier = |&place: &usize| {
        let same = |other: &&usize| operations[**other].client == operations[place].client;
        let before = running.iter().filter(|other| **other < place);
        (place, before.filter(same).max().copied())
    };
    running.iter().map(earlier).collect()
}

/// A bit for each operation that no other one has while it runs; `None` if they are too few.
fn bits(operations: usize, ends: &[End]) -> Option<Vec<u64>> {
    let mut bits = vec![0_u64; operations];
    for End { running, .. } in ends {
        for (place, _) in running {
            if bits[*place] == 0 {
                let taken = running
                    .iter()
                    .fold(0, |taken, (other, _)| taken | bits[*other]);
                bits[*place] = 1_u64.checked_shl(taken.trailing_ones())?;
            }
        }
    }
    Some(bits)
}

/// What can be true just before an end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Situation {
    /// How many ends have passed.
    passed: usize,
    /// The bits of the running operations that have happened.
    happened: u64,
    state: State,
}

struct Search<'a> {
    operations: &'a [Operation],
    ends: Vec<End>,
    bits: Vec<u64>,
    /// Situations from which the search has gone on.
    seen: BTreeSet<Situation>,
    /// The last end that was reached, and in which states.
    furthest: usize,
    before: BTreeSet<State>,
}

impl Search<'_> {
    fn run(mut self, keys: usize) -> Result<(), Violation> {
        let mut open = vec![Situation {
            passed: 0,
            happened: 0,
            state: State::empty(keys),
        }];
        while let Some(mut situation) = open.pop() {
            if !self.pass(&mut situation) {
                return Ok(());
            }
            if !self.seen.contains(&situation) {
                self.go_on(&situation, &mut open);
                self.seen.insert(situation);
            }
            if self.seen.len() + open.len() > SITUATIONS_MAX {
                return Err(Violation::Undecided);
            }
        }
        Err(Violation::Impossible {
            operation: self.ends[self.furthest].operation,
            before: self.before,
        })
    }

    /// Passes the ends of what has happened; says whether another end is to come.
    fn pass(&mut self, situation: &mut Situation) -> bool {
        while let Some(End { operation, .. }) = self.ends.get(situation.passed) {
            if situation.passed > self.furthest {
                self.furthest = situation.passed;
                self.before.clear();
            }
            if situation.passed == self.furthest {
                self.before.insert(situation.state.clone());
            }
            let bit = self.bits[*operation];
            if situation.happened & bit == 0 {
                return true;
            }
            situation.happened &= !bit;
            situation.passed += 1;
        }
        false
    }

    /// Puts what can follow on the stack, the likeliest last: only what ends next happens.
    fn go_on(&self, situation: &Situation, open: &mut Vec<Situation>) {
        let bottom = open.len();
        let end = &self.ends[situation.passed];
        if self.operations[end.operation].reply.is_none() {
            let mut never = situation.clone();
            never.passed += 1;
            open.push(never);
        }
        for &(place, earlier) in &end.running {
            let waits = earlier.is_some_and(|earlier| !self.has_happened(earlier, situation));
            if waits || self.has_happened(place, situation) {
                continue;
            }
            let Operation { command, reply, .. } = &self.operations[place];
            let mut next = situation.clone();
            let got = next.state.apply(command);
            next.happened |= self.bits[place];
            match reply {
                Some(seen) if *seen != got => {}
                // What gives the reply that was seen and changes nothing may as well happen now.
                Some(_) if next.state == situation.state => {
                    open.truncate(bottom);
                    open.push(next);
                    return;
                }
                _ => open.push(next),
            }
        }
    }

    fn has_happened(&self, place: usize, situation: &Situation) -> bool {
        situation.happened & self.bits[place] != 0
    }
}
