//! Which keys of a stripe changed so recently that a crash could still take the change back.
//!
//! A read waits for the log only if it looked at one of these. Precise for up to [`PRECISE_MAX`] keys of a
//! stripe; beyond that some reads wait for a newer change than they saw, never for an older one.

use crate::Lsn;

/// How many keys of a stripe are told apart.
const PRECISE_MAX: usize = 64;

/// The unsettled changes of one stripe.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    /// Hashes of keys that changed, with the LSN of the change.
    keys: Vec<(u64, Lsn)>,
    /// The newest change of a key that is not told apart.
    rest: Lsn,
    /// The newest change of all.
    newest: Lsn,
    /// What the transaction that holds the stripe has changed and not yet stamped.
    touched: Vec<u64>,
    touched_all: bool,
}

impl Recent {
    /// The newest unsettled change that a look at the key of `hash` may show.
    pub(crate) fn newest(&self, hash: u64, settled: impl FnOnce() -> Lsn) -> Lsn {
        if self.newest == Lsn::ZERO || self.newest <= settled() {
            return Lsn::ZERO;
        }
        let of_key = self
            .keys
            .iter()
            .filter(|(key, _)| *key == hash)
            .map(|(_, lsn)| *lsn)
            .max();
        of_key.unwrap_or_default().max(self.rest)
    }

    /// The newest change of any key.
    pub(crate) fn newest_of_all(&self) -> Lsn {
        self.newest
    }

    /// The holder of the stripe changed the key of `hash`, or (`None`) every key.
    pub(crate) fn touch(&mut self, hash: Option<u64>) {
        match hash {
            Some(hash) => self.touched.push(hash),
            None => self.touched_all = true,
        }
    }

    /// The changes since the last stamp are as of `lsn`; those up to `settled` are forgotten.
    pub(crate) fn stamp(&mut self, lsn: Lsn, settled: Lsn) {
        if self.touched.is_empty() && !self.touched_all {
            return;
        }
        if self.newest <= settled {
            self.keys.clear();
            self.rest = Lsn::ZERO;
        } else if self.keys.len() + self.touched.len() > PRECISE_MAX {
            self.keys.retain(|(_, changed)| *changed > settled);
        }
        if self.touched_all || self.keys.len() + self.touched.len() > PRECISE_MAX {
            self.keys.clear();
            self.rest = lsn;
        } else {
            self.keys
                .extend(self.touched.iter().map(|hash| (*hash, lsn)));
        }
        self.newest = lsn;
        self.touched.clear();
        self.touched_all = false;
    }
}
