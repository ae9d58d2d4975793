//! Changes of several lines, which go into the store as one transaction, off the thread that reads lines.
//!
//! Invariant: the changes of a batch are in the order of their lines.

use std::sync::mpsc::Receiver;

use kv_core::{
    At, CollectionKind, Db, KeySet, Lsn, Refusal, Size, Store as _, StoreError, StringValue, Txn,
};

use super::ImportError;
use super::record::{Change, Value};
use crate::DurableStore;

/// A batch with so many changes is full.
const CHANGES_FULL: usize = 256;

/// A batch with so many bytes is full.
const BYTES_FULL: usize = 64 << 10;

/// What some lines say, packed: the lines are not needed any more.
#[derive(Default)]
pub(super) struct Batch {
    /// All keys and elements, one after the other.
    bytes: Vec<u8>,
    /// Where each of them ends.
    ends: Vec<usize>,
    changes: Vec<Packed>,
    /// The number of the first line.
    pub(super) first_line: u64,
}

/// One change: how many of the pieces are its, the key being the first.
struct Packed {
    pieces: usize,
    value: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    Gone,
    String,
    Collection(CollectionKind),
}

impl Batch {
    /// Adds what the line `number` says.
    pub(super) fn push(&mut self, number: u64, change: &Change<'_>) {
        if self.changes.is_empty() {
            self.first_line = number;
        }
        let first = self.ends.len();
        self.piece(&change.key);
        let value = match &change.value {
            None => Kind::Gone,
            Some(Value::String(string)) => {
                self.piece(string);
                Kind::String
            }
            Some(Value::List(elements)) => self.collection(CollectionKind::List, elements),
            Some(Value::Hash(fields)) => self.collection(CollectionKind::Hash, fields),
            Some(Value::Set(members)) => self.collection(CollectionKind::Set, members),
        };
        let pieces = self.ends.len() - first;
        self.changes.push(Packed { pieces, value });
    }

    fn collection(&mut self, kind: CollectionKind, elements: &[impl AsRef<[u8]>]) -> Kind {
        for element in elements {
            self.piece(element.as_ref());
        }
        Kind::Collection(kind)
    }

    fn piece(&mut self, piece: &[u8]) {
        self.bytes.extend_from_slice(piece);
        self.ends.push(self.bytes.len());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.changes.len() >= CHANGES_FULL || self.bytes.len() >= BYTES_FULL
    }

    /// Does what the lines say, as one transaction; the newest LSN that came of it.
    fn apply(&self, db: Db, store: &DurableStore) -> Result<Lsn, StoreError> {
        let mut from = 0;
        let pieces = self.ends.iter().map(|&end| {
            let piece = &self.bytes[from..end];
            from = end;
            piece
        });
        let pieces: Vec<&[u8]> = pieces.collect();
        let mut rest = &*pieces;
        let mut changes = Vec::with_capacity(self.changes.len());
        for change in &self.changes {
            let (of_change, others) = rest.split_at(change.pieces);
            changes.push((change.value, of_change));
            rest = others;
        }
        let keys: Vec<&[u8]> = changes.iter().map(|(_, pieces)| pieces[0]).collect();
        let memory = store.memory();
        let at = At {
            db,
            now: memory.clock().now(),
        };
        loop {
            let written = memory.write_sized(at, KeySet::Many(&keys), Size::Unknown, |txn| {
                for &(value, pieces) in &changes {
                    replace(txn, value, pieces);
                }
            });
            match written {
                Ok(((), lsn)) => return Ok(lsn),
                Err(Refusal::Behind) => store.wait_until_caught_up(),
                Err(refusal) => return Err(refusal.into()),
            }
        }
    }
}

/// Gives the key, the first of `pieces`, the value that the others are, whatever it held.
fn replace(txn: &mut Txn<'_>, value: Kind, pieces: &[&[u8]]) {
    let (key, elements) = (pieces[0], &pieces[1..]);
    match value {
        Kind::Gone => {
            txn.delete(key);
        }
        Kind::String => txn.set_string(key, StringValue::new(elements[0]), None),
        Kind::Collection(kind) => txn.set_collection(key, kind, elements),
    }
}

/// Applies each batch that comes, and waits at the end until all of it is as durable as the store's policy says.
/// After an error nothing more is taken.
pub(super) fn apply_all(
    batches: &Receiver<Batch>,
    db: Db,
    store: &DurableStore,
) -> Result<(), ImportError> {
    let mut last = Lsn::ZERO;
    let mut line = 0;
    for batch in batches {
        line = batch.first_line;
        let applied = batch.apply(db, store);
        last = last.max(applied.map_err(|source| ImportError::Store { line, source })?);
    }
    store
        .wait(last)
        .map_err(|source| ImportError::Store { line, source })
}
