//! Which keys of a stripe changed so recently that a crash could still take the change back.
//!
//! A read waits for the log only if it looked at one of these. Up to [`PRECISE_MAX`] keys of a stripe are
//! told apart; beyond that, reads of any key of the stripe may wait for the oldest changes, which settle
//! first.
//!
//! Invariant: a look never gets an LSN older than an unsettled change that it can see.

use super::place::Place;
use crate::Lsn;

/// How many changed keys of a stripe are told apart.
const PRECISE_MAX: usize = 64;

/// The unsettled changes of one stripe.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    /// Keys that changed, by their places, with the LSN of the change; in the order of LSNs. A key may be
    /// here more than once, and two keys may share a place: the newest counts.
    keys: Vec<(Place, Lsn)>,
    /// The newest change of a key that is not told apart.
    rest: Lsn,
    /// The newest change of all.
    newest: Lsn,
}

impl Recent {
    /// The newest unsettled change that a look at the key of `place` may show.
    #[inline]
    pub(crate) fn newest(&self, place: Place, settled: impl FnOnce() -> Lsn) -> Lsn {
        if self.newest == Lsn::ZERO || self.newest <= settled() {
            return Lsn::ZERO;
        }
        let mut latest_first = self.keys.iter().rev();
        let of_key = latest_first.find(|(key, _)| *key == place);
        of_key.map_or(self.rest, |(_, lsn)| *lsn)
    }

    /// The newest change of any key.
    pub(crate) fn newest_of_all(&self) -> Lsn {
        self.newest
    }

    /// The key of `place` changed as of `lsn`; changes up to `settled` need not be told apart any more.
    pub(crate) fn key_changed(&mut self, place: Place, lsn: Lsn, settled: Lsn) {
        if self.newest <= settled {
            self.keys.clear();
            self.rest = Lsn::ZERO;
        }
        if self.keys.len() == PRECISE_MAX {
            self.make_room(settled);
        }
        self.keys.push((place, lsn));
        self.newest = lsn;
    }

    /// Every key changed as of `lsn`.
    pub(crate) fn all_changed(&mut self, lsn: Lsn) {
        self.keys.clear();
        self.rest = lsn;
        self.newest = lsn;
    }

    /// Forgets what is settled and what a newer change of the same key covers; if that is not enough, the
    /// older half is no longer told apart.
    fn make_room(&mut self, settled: Lsn) {
        self.keys.retain(|(_, lsn)| *lsn > settled);
        let mut kept = 0;
        for index in 0..self.keys.len() {
            let (place, _) = self.keys[index];
            if !self.keys[index + 1..]
                .iter()
                .any(|(later, _)| *later == place)
            {
                self.keys.swap(kept, index);
                kept += 1;
            }
        }
        self.keys.truncate(kept);
        if kept > PRECISE_MAX / 2 {
            let older = self.keys.drain(..kept - PRECISE_MAX / 2);
            self.rest = older.map(|(_, lsn)| lsn).max().unwrap_or_default();
        }
    }
}
