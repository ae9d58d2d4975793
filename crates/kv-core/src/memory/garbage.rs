//! What changes leave over: too much to be freed while a stripe is locked.

use std::collections::VecDeque;

use super::raw::Slot;
use super::stripe::Tables;
use crate::value::Collection;

/// Memory that is no longer reachable. Whoever gets it drops it when no lock is held any more.
pub(crate) struct Garbage(Kind);

#[expect(dead_code, reason = "kept only to be dropped later")]
enum Kind {
    Tables(Tables),
    Entry(Slot),
    Elements(VecDeque<Box<[u8]>>),
}

impl Garbage {
    /// What a flush emptied.
    pub(super) fn of_tables(tables: Tables) -> Self {
        Self(Kind::Tables(tables))
    }

    /// The tables, if that is what this is.
    pub(super) fn into_tables(self) -> Result<Tables, Self> {
        match self.0 {
            Kind::Tables(tables) => Ok(tables),
            other => Err(Self(other)),
        }
    }

    /// A removed entry, if freeing it takes long; else it is freed here.
    pub(super) fn of_entry(slot: Slot) -> Option<Self> {
        let heavy = slot.entry().collection().is_some_and(Collection::is_heavy);
        heavy.then_some(Self(Kind::Entry(slot)))
    }

    /// Elements that were cut off a list.
    pub(super) fn of_elements(elements: VecDeque<Box<[u8]>>) -> Self {
        Self(Kind::Elements(elements))
    }
}
