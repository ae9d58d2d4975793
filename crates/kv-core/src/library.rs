//! Libraries: named texts that belong to the data and to no database. A server keeps the code of programs in them;
//! what it says is nothing to a store.
//!
//! Invariant: only a transaction that holds every stripe changes one, so whoever holds any stripe sees them, like
//! the keys of that stripe, as of one moment.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{Effect, Lsn};

/// All libraries of a store as of one moment: code by name.
pub type Libraries = BTreeMap<Box<[u8]>, Arc<[u8]>>;

/// The libraries of one store.
#[derive(Debug, Default)]
pub(crate) struct Shelf(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    all: Arc<Libraries>,
    /// How often one of them was changed.
    version: u64,
    /// The newest change of one of them.
    changed: Lsn,
}

impl Shelf {
    /// All of them, and the newest change of one.
    pub(crate) fn look(&self) -> (Arc<Libraries>, Lsn) {
        let state = self.state();
        (Arc::clone(&state.all), state.changed)
    }

    /// How often one of them was changed, and the newest change.
    pub(crate) fn version(&self) -> (u64, Lsn) {
        let state = self.state();
        (state.version, state.changed)
    }

    /// Does what `effect` says, if it is about a library; whether it is.
    pub(crate) fn apply(&self, effect: &Effect<'_>) -> bool {
        let Effect::SetLibrary { name, code } = *effect else {
            return false;
        };
        let mut state = self.state();
        state.version += 1;
        let all = Arc::make_mut(&mut state.all);
        match code {
            Some(code) => all.insert(name.into(), code.into()),
            None => all.remove(name),
        };
        true
    }

    /// The newest change is numbered.
    pub(crate) fn changed(&self, lsn: Lsn) {
        self.state().changed = lsn;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics half way through a change under this lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
