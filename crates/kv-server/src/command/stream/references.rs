//! What becomes of the references that groups keep to an entry which is to be removed.

use kv_core::{Group, Stream, StreamChange, StreamId};

use super::show::NO_IDS;
use crate::command::prelude::*;

/// What is done with references to entries that are removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum References {
    /// They stay.
    #[default]
    Keep,
    /// They go too.
    Drop,
    /// An entry stays as long as a group has not acknowledged it.
    Acknowledged,
}

impl References {
    /// Takes the option, if the next word is it.
    pub(super) fn eat(&mut self, args: &mut Args<'_>) -> bool {
        for (word, meaning) in [
            (&b"KEEPREF"[..], Self::Keep),
            (b"DELREF", Self::Drop),
            (b"ACKED", Self::Acknowledged),
        ] {
            if args.eat(word) {
                *self = meaning;
                return true;
            }
        }
        false
    }

    /// Whether the entry may be removed.
    pub(super) fn allows(self, stream: &Stream, id: StreamId) -> bool {
        let is_done = |group: &Group| group.last_id() >= id && group.pending(id).is_none();
        self != Self::Acknowledged || stream.groups().all(is_done)
    }

    /// Of the first `count` entries those that may go, where that has to be asked of each.
    pub(super) fn of_first(self, stream: &Stream, count: usize) -> Option<Vec<StreamId>> {
        let is_asked = self != Self::Keep && stream.groups().len() > 0;
        is_asked.then(|| {
            let first = stream.range(0..count).map(|entry| entry.id());
            first.filter(|id| self.allows(stream, *id)).collect()
        })
    }

    /// Removes entries, and references to them if they are to go; returns how many entries.
    pub(super) fn trim(
        self,
        txn: &mut Txn<'_>,
        key: &[u8],
        ids: &[StreamId],
    ) -> Result<usize, CommandError> {
        if self == Self::Drop {
            self.forget(txn, key, ids)?;
        }
        txn.change_stream_ids(key, ids, StreamChange::Delete { ids: NO_IDS })?;
        Ok(ids.len())
    }

    /// Lets groups forget entries, if references are to go.
    pub(super) fn forget(
        self,
        txn: &mut Txn<'_>,
        key: &[u8],
        ids: &[StreamId],
    ) -> Result<(), CommandError> {
        let Some(stream) = txn.stream(key)?.filter(|_| self == Self::Drop) else {
            return Ok(());
        };
        let mut pending = Vec::new();
        for group in stream.groups() {
            let known = ids.iter().copied();
            let known: Vec<StreamId> = known.filter(|id| group.pending(*id).is_some()).collect();
            if !known.is_empty() {
                pending.push((group.name().to_vec(), known));
            }
        }
        for (group, ids) in &pending {
            txn.change_stream_ids(key, ids, StreamChange::Acknowledge { group, ids: NO_IDS })?;
        }
        Ok(())
    }
}
