//! Consumer groups: what each has been given, and what of it has not been acknowledged.
//!
//! Invariant: an entry that is pending in a group is pending for one of its consumers, in both lists.

use std::sync::Arc;

use super::super::set::shared_bytes;
use super::super::sorted::{Element, SortedTree};
use super::StreamId;
use crate::UnixMillis;

/// A consumer group of a stream.
#[derive(Clone, Debug)]
pub struct Group {
    name: Arc<[u8]>,
    pub(super) last_id: StreamId,
    pub(super) entries_read: Option<u64>,
    pending: SortedTree<Pending>,
    consumers: SortedTree<Consumer>,
}

/// An entry that was delivered and not acknowledged; the entry itself may be gone.
#[derive(Clone, Debug)]
pub struct Pending {
    id: StreamId,
    consumer: Arc<[u8]>,
    delivered: UnixMillis,
    deliveries: u64,
}

/// One of those among whom a group divides entries.
#[derive(Clone, Debug)]
pub struct Consumer {
    name: Arc<[u8]>,
    pub(super) seen: UnixMillis,
    pub(super) active: Option<UnixMillis>,
    pending: SortedTree<StreamId>,
}

impl Element for StreamId {
    type Key = Self;

    fn key(&self) -> &Self {
        self
    }

    fn heap_bytes(&self) -> usize {
        0
    }
}

impl Element for Pending {
    type Key = StreamId;

    fn key(&self) -> &StreamId {
        &self.id
    }

    fn heap_bytes(&self) -> usize {
        0
    }
}

impl Element for Consumer {
    type Key = Arc<[u8]>;

    fn key(&self) -> &Arc<[u8]> {
        &self.name
    }

    fn heap_bytes(&self) -> usize {
        shared_bytes(&self.name) + self.pending.heap_bytes()
    }
}

impl Element for Group {
    type Key = Arc<[u8]>;

    fn key(&self) -> &Arc<[u8]> {
        &self.name
    }

    fn heap_bytes(&self) -> usize {
        shared_bytes(&self.name) + self.pending.heap_bytes() + self.consumers.heap_bytes()
    }
}

/// The element with this key, and its place among the others.
pub(super) fn named<'t, E>(tree: &'t SortedTree<E>, name: &[u8]) -> (usize, Option<&'t E>)
where
    E: Element<Key = Arc<[u8]>>,
{
    let index = tree.lower_bound(|other| **other < *name).index;
    let found = tree.get(index).filter(|found| **found.key() == *name);
    (index, found)
}

/// As [`named`], of an element that is found by its ID.
fn numbered<E: Element<Key = StreamId>>(tree: &SortedTree<E>, id: StreamId) -> (usize, Option<&E>) {
    let index = tree.lower_bound(|other| *other < id).index;
    let found = tree.get(index).filter(|found| *found.key() == id);
    (index, found)
}

impl Pending {
    /// The ID of the entry.
    #[must_use]
    pub const fn id(&self) -> StreamId {
        self.id
    }

    /// The name of the consumer that has it.
    #[must_use]
    pub fn consumer(&self) -> &[u8] {
        &self.consumer
    }

    /// When it was delivered last.
    #[must_use]
    pub const fn delivered(&self) -> UnixMillis {
        self.delivered
    }

    /// How often it was delivered.
    #[must_use]
    pub const fn deliveries(&self) -> u64 {
        self.deliveries
    }
}

impl Consumer {
    fn new(name: &[u8], seen: UnixMillis) -> Self {
        Self {
            name: name.into(),
            seen,
            active: None,
            pending: SortedTree::default(),
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// When it asked for something last.
    #[must_use]
    pub const fn seen(&self) -> UnixMillis {
        self.seen
    }

    /// When it got something last; `None`: never.
    #[must_use]
    pub const fn active(&self) -> Option<UnixMillis> {
        self.active
    }

    /// How many entries are pending for it.
    #[must_use]
    pub fn pending_len(&self) -> usize {
        self.pending.len()
    }

    /// The IDs of entries that are pending for it, from `from` on.
    pub fn pending_from(&self, from: StreamId) -> impl ExactSizeIterator<Item = StreamId> {
        let first = numbered(&self.pending, from).0;
        self.pending.range(first..usize::MAX).copied()
    }
}

impl Group {
    pub(super) fn new(name: &[u8]) -> Self {
        Self {
            name: name.into(),
            last_id: StreamId::MIN,
            entries_read: None,
            pending: SortedTree::default(),
            consumers: SortedTree::default(),
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// The ID of the last entry that it was given.
    #[must_use]
    pub const fn last_id(&self) -> StreamId {
        self.last_id
    }

    /// How many entries of the stream it has passed; `None`: that is not known.
    #[must_use]
    pub const fn entries_read(&self) -> Option<u64> {
        self.entries_read
    }

    /// How many entries are pending.
    #[must_use]
    pub fn pending_len(&self) -> usize {
        self.pending.len()
    }

    /// What is known of a pending entry; `None`: this one is not pending.
    #[must_use]
    pub fn pending(&self, id: StreamId) -> Option<&Pending> {
        numbered(&self.pending, id).1
    }

    /// The pending entries from `from` on, by ID; from both ends.
    pub fn pending_from(
        &self,
        from: StreamId,
    ) -> impl ExactSizeIterator<Item = &Pending> + DoubleEndedIterator {
        let first = numbered(&self.pending, from).0;
        self.pending.range(first..usize::MAX)
    }

    /// The consumer of this name.
    #[must_use]
    pub fn consumer(&self, name: &[u8]) -> Option<&Consumer> {
        named(&self.consumers, name).1
    }

    /// All consumers, by name.
    pub fn consumers(&self) -> impl ExactSizeIterator<Item = &Consumer> {
        self.consumers.range(0..usize::MAX)
    }

    /// Changes a consumer, which is made if it is missing.
    pub(super) fn change_consumer(
        &mut self,
        name: &[u8],
        seen: UnixMillis,
        change: impl FnOnce(&mut Consumer),
    ) {
        let (index, found) = named(&self.consumers, name);
        let is_new = found.is_none();
        self.consumers.edit(index, |run, offset| {
            if is_new {
                run.insert(offset, Consumer::new(name, seen));
            }
            run.change(offset, change);
        });
    }

    /// Removes a consumer and all that is pending for it.
    pub(super) fn delete_consumer(&mut self, name: &[u8]) {
        let (index, found) = named(&self.consumers, name);
        let Some(consumer) = found.cloned() else {
            return;
        };
        consumer
            .pending_from(StreamId::MIN)
            .for_each(|id| self.forget(id));
        self.consumers.edit(index, |run, offset| run.remove(offset));
    }

    /// Makes an entry pending for a consumer, whoever had it before.
    pub(super) fn deliver(
        &mut self,
        id: StreamId,
        consumer: &[u8],
        delivered: UnixMillis,
        deliveries: u64,
    ) {
        let (index, found) = numbered(&self.pending, id);
        let before = found.map(|found| Arc::clone(&found.consumer));
        let stays = before.as_deref() == Some(consumer);
        if let Some(before) = &before
            && !stays
        {
            self.take_from(before, id);
        }
        let mut name = before.filter(|_| stays);
        self.change_consumer(consumer, delivered, |consumer| {
            if !stays {
                let place = numbered(&consumer.pending, id).0;
                consumer
                    .pending
                    .edit(place, |run, offset| run.insert(offset, id));
            }
            name.get_or_insert_with(|| Arc::clone(&consumer.name));
        });
        let pending = Pending {
            id,
            consumer: name.unwrap_or_default(),
            delivered,
            deliveries,
        };
        let is_new = numbered(&self.pending, id).1.is_none();
        self.pending.edit(index, |run, offset| {
            if is_new {
                run.insert(offset, pending);
            } else {
                run.change(offset, |old| *old = pending);
            }
        });
    }

    /// An entry is pending no more.
    pub(super) fn acknowledge(&mut self, id: StreamId) {
        if let Some(pending) = self.pending(id) {
            let consumer = Arc::clone(&pending.consumer);
            self.take_from(&consumer, id);
            self.forget(id);
        }
    }

    fn forget(&mut self, id: StreamId) {
        let (index, found) = numbered(&self.pending, id);
        if found.is_some() {
            self.pending.edit(index, |run, offset| run.remove(offset));
        }
    }

    fn take_from(&mut self, consumer: &[u8], id: StreamId) {
        let (index, found) = named(&self.consumers, consumer);
        if found.is_none() {
            return;
        }
        self.consumers.edit(index, |run, offset| {
            run.change(offset, |consumer| {
                let (index, found) = numbered(&consumer.pending, id);
                if found.is_some() {
                    consumer
                        .pending
                        .edit(index, |run, offset| run.remove(offset));
                }
            });
        });
    }
}
