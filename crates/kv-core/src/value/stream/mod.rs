//! Streams: entries in the order of their IDs, and the groups that consume them.
//!
//! A clone of a stream shares its entries and what is pending; a change copies one block, or some hundred places,
//! around it.
//!
//! Invariant: no entry has an ID above the stream's last one.
//! Invariant: a stream may be empty and is there nevertheless: only its key's end ends it.

mod block;
mod change;
mod group;
mod id;

use std::ops::Range;

pub use block::StreamEntry;
use block::{Block, BlockIter, Room};
pub use change::StreamChange;
use group::named;
pub use group::{Consumer, Group, Pending};
pub use id::StreamId;

use super::sorted::{Element, SortedTree};
use super::tree::{CutOut, Leaf, Tree};
use super::value_limits::ValueLimits;

/// A stream as it lies in a store.
#[derive(Clone, Debug, Default)]
pub struct Stream {
    entries: Tree<Block>,
    last_id: StreamId,
    max_deleted_id: StreamId,
    added: u64,
    groups: SortedTree<Group>,
}

/// What was cut off a stream, to be dropped when there is time.
#[derive(Debug)]
pub(crate) struct StreamRest(Cut);

#[derive(Debug)]
enum Cut {
    Entries(CutOut<Block>),
    Group(Group),
}

impl StreamRest {
    /// Bytes of heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        match &self.0 {
            Cut::Entries(entries) => entries.heap_bytes(),
            Cut::Group(group) => group.heap_bytes(),
        }
    }
}

impl Stream {
    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The highest ID that was ever added.
    #[must_use]
    pub const fn last_id(&self) -> StreamId {
        self.last_id
    }

    /// The highest ID that was deleted by name.
    #[must_use]
    pub const fn max_deleted_id(&self) -> StreamId {
        self.max_deleted_id
    }

    /// How many entries were ever added.
    #[must_use]
    pub const fn added(&self) -> u64 {
        self.added
    }

    /// How many entries have an ID below `id`.
    #[must_use]
    pub fn count_before(&self, id: StreamId) -> usize {
        self.entries
            .search(|first| *first < id, |block| block.count_before(id))
            .index
    }

    /// The entry with this ID.
    #[must_use]
    pub fn get(&self, id: StreamId) -> Option<StreamEntry<'_>> {
        self.at(self.count_before(id))
            .filter(|entry| entry.id() == id)
    }

    /// The entry with this index, counted from the first.
    #[must_use]
    pub fn at(&self, index: usize) -> Option<StreamEntry<'_>> {
        let found = self.entries.find(index);
        found.leaf.iter().nth(found.offset)
    }

    /// The first entry.
    #[must_use]
    pub fn first(&self) -> Option<StreamEntry<'_>> {
        self.at(0)
    }

    /// The last entry.
    #[must_use]
    pub fn last(&self) -> Option<StreamEntry<'_>> {
        self.at(self.len().checked_sub(1)?)
    }

    /// The entries of a range of indexes, as far as there are any; from both ends.
    #[must_use]
    pub fn range(&self, range: Range<usize>) -> StreamIter<'_> {
        let end = range.end.min(self.len());
        StreamIter {
            entries: &self.entries,
            rest: range.start.min(end)..end,
            block: None,
            behind: Vec::new(),
        }
    }

    /// All entries, by ID.
    #[must_use]
    pub fn iter(&self) -> StreamIter<'_> {
        self.range(0..self.len())
    }

    /// How many entries each block holds, from the first block on.
    pub fn blocks(&self) -> impl Iterator<Item = usize> {
        let mut index = 0;
        std::iter::from_fn(move || {
            let found = (index < self.len()).then(|| self.entries.find(index))?;
            index += found.leaf.len();
            Some(found.leaf.len())
        })
    }

    /// The group of this name.
    #[must_use]
    pub fn group(&self, name: &[u8]) -> Option<&Group> {
        named(&self.groups, name).1
    }

    /// All groups, by name.
    pub fn groups(&self) -> impl ExactSizeIterator<Item = &Group> {
        self.groups.range(0..usize::MAX)
    }

    /// The name that `OBJECT ENCODING` has for its form.
    #[must_use]
    pub const fn encoding(&self) -> &'static str {
        "stream"
    }

    /// Bytes of heap, known without a walk.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        size_of::<Self>() + self.entries.heap_bytes() + self.groups.heap_bytes()
    }

    /// Does what `change` says; returns what may take long to drop.
    pub(crate) fn apply(
        &mut self,
        change: &StreamChange<'_>,
        limits: &ValueLimits,
    ) -> Option<StreamRest> {
        match *change {
            StreamChange::Renew => *self = Self::default(),
            StreamChange::Add { id, fields } => {
                if self.last_id < id {
                    let (end, room) = (self.len(), Room::of(limits));
                    self.entries
                        .edit(end, |block, _| block.push(id, fields, room));
                    self.last_id = id;
                    self.added = self.added.saturating_add(1);
                }
            }
            StreamChange::Delete { ids } => ids.ids().for_each(|id| self.delete(id)),
            StreamChange::Trim { count } => {
                let count = usize::try_from(count).unwrap_or(usize::MAX);
                return Some(StreamRest(Cut::Entries(self.entries.cut(0..count))));
            }
            StreamChange::SetIds {
                last,
                max_deleted,
                added,
            } => {
                let lowest = self.last().map_or(StreamId::MIN, |entry| entry.id());
                (self.last_id, self.max_deleted_id, self.added) =
                    (last.max(lowest), max_deleted, added);
            }
            _ => return self.apply_to_group(change),
        }
        None
    }

    fn apply_to_group(&mut self, change: &StreamChange<'_>) -> Option<StreamRest> {
        match *change {
            StreamChange::SetGroup { group, last, read } => {
                let (index, found) = named(&self.groups, group);
                let is_new = found.is_none();
                self.groups.edit(index, |run, offset| {
                    if is_new {
                        run.insert(offset, Group::new(group));
                    }
                    run.change(offset, |group| {
                        (group.last_id, group.entries_read) = (last, read);
                    });
                });
            }
            StreamChange::DestroyGroup { group } => {
                let (index, found) = named(&self.groups, group);
                found?;
                let gone = self.groups.edit(index, |run, offset| run.remove(offset));
                return Some(StreamRest(Cut::Group(gone)));
            }
            StreamChange::SetConsumer {
                group,
                consumer,
                seen,
                active,
            } => self.change_group(group, |group| {
                group.change_consumer(consumer, seen, |consumer| {
                    (consumer.seen, consumer.active) = (seen, active);
                });
            }),
            StreamChange::DeleteConsumer { group, consumer } => {
                self.change_group(group, |group| group.delete_consumer(consumer));
            }
            StreamChange::Deliver {
                group,
                consumer,
                time,
                count,
                ids,
            } => self.change_group(group, |group| {
                group.change_consumer(consumer, time, |_| {});
                ids.ids()
                    .for_each(|id| group.deliver(id, consumer, time, count));
            }),
            StreamChange::Acknowledge { group, ids } => self.change_group(group, |group| {
                ids.ids().for_each(|id| group.acknowledge(id));
            }),
            _ => unreachable!("no change of a group"),
        }
        None
    }

    fn change_group(&mut self, name: &[u8], change: impl FnOnce(&mut Group)) {
        let (index, found) = named(&self.groups, name);
        if found.is_some() {
            self.groups
                .edit(index, |run, offset| run.change(offset, change));
        }
    }

    fn delete(&mut self, id: StreamId) {
        let index = self.count_before(id);
        if self.at(index).is_some_and(|entry| entry.id() == id) {
            self.entries
                .edit(index, |block, offset| block.remove(offset));
            self.max_deleted_id = self.max_deleted_id.max(id);
        }
    }
}

/// Entries of a stream, from both ends.
#[derive(Clone, Debug)]
pub struct StreamIter<'s> {
    entries: &'s Tree<Block>,
    /// The indexes of what is left.
    rest: Range<usize>,
    /// What is left of the block with the next one.
    block: Option<BlockIter<'s>>,
    /// Entries of the block with the last one that is left, in order.
    behind: Vec<StreamEntry<'s>>,
}

impl<'s> Iterator for StreamIter<'s> {
    type Item = StreamEntry<'s>;

    fn next(&mut self) -> Option<StreamEntry<'s>> {
        let index = self.rest.next()?;
        if let Some(entry) = self.block.as_mut().and_then(Iterator::next) {
            return Some(entry);
        }
        let found = self.entries.find(index);
        let mut block = found.leaf.iter();
        let entry = block.nth(found.offset);
        self.block = Some(block);
        entry
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.rest.size_hint()
    }
}

impl DoubleEndedIterator for StreamIter<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let index = self.rest.next_back()?;
        if self.behind.is_empty() {
            let found = self.entries.find(index);
            self.behind.extend(found.leaf.iter().take(found.offset + 1));
        }
        self.behind.pop()
    }
}

impl ExactSizeIterator for StreamIter<'_> {}

#[cfg(test)]
mod tests;
