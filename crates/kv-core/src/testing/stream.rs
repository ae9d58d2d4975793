//! Streams in tests: changes that own their bytes, and the plainest stream.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::generate::{elements, times};
use crate::{Elements, Stream, StreamChange, StreamId, UnixMillis};

/// A change of a stream that owns its bytes.
#[derive(Clone, Debug)]
#[expect(
    missing_docs,
    reason = "the variants of StreamChange, which has the words"
)]
pub enum OnStream {
    Renew,
    Add(StreamId, Vec<Vec<u8>>),
    Delete(Vec<StreamId>),
    Trim(u64),
    SetIds(StreamId, StreamId, u64),
    SetGroup(Vec<u8>, StreamId, Option<u64>),
    DestroyGroup(Vec<u8>),
    SetConsumer(Vec<u8>, Vec<u8>, UnixMillis, Option<UnixMillis>),
    DeleteConsumer(Vec<u8>, Vec<u8>),
    Deliver(Vec<u8>, Vec<u8>, UnixMillis, u64, Vec<StreamId>),
    Acknowledge(Vec<u8>, Vec<StreamId>),
}

impl OnStream {
    /// Shows the change itself.
    pub fn with<R>(&self, show: impl FnOnce(StreamChange<'_>) -> R) -> R {
        let ids = match self {
            Self::Delete(ids) | Self::Deliver(.., ids) | Self::Acknowledge(_, ids) => {
                ids.as_slice()
            }
            _ => &[],
        };
        let ids: Vec<[u8; 16]> = ids.iter().map(|id| id.to_bytes()).collect();
        let mut slices: Vec<&[u8]> = ids.iter().map(<[u8; 16]>::as_slice).collect();
        if let Self::Add(_, fields) = self {
            slices.extend(fields.iter().map(Vec::as_slice));
        }
        let words = Elements::new(&slices);
        show(match *self {
            Self::Renew => StreamChange::Renew,
            Self::Add(id, _) => StreamChange::Add { id, fields: words },
            Self::Delete(_) => StreamChange::Delete { ids: words },
            Self::Trim(count) => StreamChange::Trim { count },
            Self::SetIds(last, max_deleted, added) => StreamChange::SetIds {
                last,
                max_deleted,
                added,
            },
            Self::SetGroup(ref group, last, read) => StreamChange::SetGroup { group, last, read },
            Self::DestroyGroup(ref group) => StreamChange::DestroyGroup { group },
            Self::SetConsumer(ref group, ref consumer, seen, active) => StreamChange::SetConsumer {
                group,
                consumer,
                seen,
                active,
            },
            Self::DeleteConsumer(ref group, ref consumer) => {
                StreamChange::DeleteConsumer { group, consumer }
            }
            Self::Deliver(ref group, ref consumer, time, count, _) => StreamChange::Deliver {
                group,
                consumer,
                time,
                count,
                ids: words,
            },
            Self::Acknowledge(ref group, _) => StreamChange::Acknowledge { group, ids: words },
        })
    }
}

/// Changes of streams, with IDs and names that meet again.
pub fn on_streams() -> impl Strategy<Value = OnStream> {
    let id = || {
        let seq = prop_oneof![4 => 0u64..4, 1 => Just(u64::MAX)];
        (0u64..40, seq).prop_map(|(ms, seq)| StreamId::new(ms, seq))
    };
    let ids = || vec(id(), 0..12);
    let name = || prop_oneof![Just(b"g".to_vec()), Just(b"h".to_vec()), Just(vec![0xff])];
    let fields = || {
        let names =
            prop_oneof![3 => Just(vec![b"f".to_vec(), b"g".to_vec()]), 1 => vec(elements(), 0..3)];
        (names, vec(elements(), 3)).prop_map(|(names, values)| {
            let pairs = names.into_iter().zip(values);
            pairs.flat_map(|(name, value)| [name, value]).collect()
        })
    };
    prop_oneof![
        1 => Just(OnStream::Renew),
        30 => (id(), fields()).prop_map(|(id, fields)| OnStream::Add(id, fields)),
        5 => ids().prop_map(OnStream::Delete),
        2 => (0u64..9).prop_map(OnStream::Trim),
        2 => (id(), id(), 0u64..99)
            .prop_map(|(last, deleted, added)| OnStream::SetIds(last, deleted, added)),
        6 => (name(), id(), option::of(0u64..99))
            .prop_map(|(group, last, read)| OnStream::SetGroup(group, last, read)),
        1 => name().prop_map(OnStream::DestroyGroup),
        6 => (name(), elements(), times(), option::of(times()))
            .prop_map(|(group, name, seen, active)| OnStream::SetConsumer(group, name, seen, active)),
        2 => (name(), elements()).prop_map(|(group, name)| OnStream::DeleteConsumer(group, name)),
        12 => (name(), name(), times(), 0u64..3, ids())
            .prop_map(|(group, name, time, count, ids)| OnStream::Deliver(group, name, time, count, ids)),
        5 => (name(), ids()).prop_map(|(group, ids)| OnStream::Acknowledge(group, ids)),
    ]
}

/// A stream by the plainest means.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelStream {
    entries: BTreeMap<StreamId, Vec<Vec<u8>>>,
    last: StreamId,
    max_deleted: StreamId,
    added: u64,
    groups: BTreeMap<Vec<u8>, ModelGroup>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct ModelGroup {
    last: StreamId,
    read: Option<u64>,
    consumers: BTreeMap<Vec<u8>, (UnixMillis, Option<UnixMillis>)>,
    pending: BTreeMap<StreamId, (Vec<u8>, UnixMillis, u64)>,
}

impl ModelStream {
    /// The stream that a store shows.
    ///
    /// # Panics
    ///
    /// When what it shows does not agree with itself.
    #[must_use]
    pub fn of(stream: &Stream) -> Self {
        let owned = |entry: crate::StreamEntry<'_>| {
            let words = entry.words();
            assert_eq!(words.len(), entry.len() * 2, "the number of fields");
            (entry.id(), words.iter().map(|word| word.to_vec()).collect())
        };
        let entries: BTreeMap<_, _> = stream.iter().map(owned).collect();
        let backwards: Vec<StreamId> = stream.iter().rev().map(|entry| entry.id()).collect();
        assert!(backwards.iter().rev().eq(entries.keys()), "the order");
        assert_eq!(stream.len(), entries.len(), "the number of entries");
        assert_eq!(stream.blocks().sum::<usize>(), entries.len(), "the blocks");
        for (index, id) in entries.keys().enumerate() {
            assert_eq!(stream.count_before(*id), index, "the place of {id}");
            assert_eq!(stream.get(*id).map(|entry| entry.id()), Some(*id));
        }
        let groups = stream
            .groups()
            .map(|group| (group.name().to_vec(), ModelGroup::of(group)));
        Self {
            entries,
            last: stream.last_id(),
            max_deleted: stream.max_deleted_id(),
            added: stream.added(),
            groups: groups.collect(),
        }
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Does what `change` says.
    pub fn apply(&mut self, change: &StreamChange<'_>) {
        match *change {
            StreamChange::Renew => *self = Self::default(),
            StreamChange::Add { id, fields } => {
                if id > self.last {
                    let fields = fields.iter().map(<[u8]>::to_vec).collect();
                    self.entries.insert(id, fields);
                    self.last = id;
                    self.added += 1;
                }
            }
            StreamChange::Delete { ids } => {
                for id in ids.ids() {
                    if self.entries.remove(&id).is_some() {
                        self.max_deleted = self.max_deleted.max(id);
                    }
                }
            }
            StreamChange::Trim { count } => {
                (0..count).for_each(|_| drop(self.entries.pop_first()));
            }
            StreamChange::SetIds {
                last,
                max_deleted,
                added,
            } => {
                let highest = self.entries.keys().next_back().copied();
                self.last = last.max(highest.unwrap_or_default());
                (self.max_deleted, self.added) = (max_deleted, added);
            }
            StreamChange::SetGroup { group, last, read } => {
                let group = self.groups.entry(group.to_vec()).or_default();
                (group.last, group.read) = (last, read);
            }
            StreamChange::DestroyGroup { group } => drop(self.groups.remove(group)),
            StreamChange::SetConsumer { group, .. }
            | StreamChange::DeleteConsumer { group, .. }
            | StreamChange::Deliver { group, .. }
            | StreamChange::Acknowledge { group, .. } => {
                if let Some(group) = self.groups.get_mut(group) {
                    group.apply(change);
                }
            }
        }
    }
}

impl ModelGroup {
    fn of(group: &crate::Group) -> Self {
        let pending = |pending: &crate::Pending| {
            let what = (
                pending.consumer().to_vec(),
                pending.delivered(),
                pending.deliveries(),
            );
            (pending.id(), what)
        };
        let all: BTreeMap<_, _> = group.pending_from(StreamId::MIN).map(pending).collect();
        assert_eq!(
            all.len(),
            group.pending_len(),
            "the number of pending entries"
        );
        let mut consumers = BTreeMap::new();
        for consumer in group.consumers() {
            let name = consumer.name();
            let own = all.iter().filter(|(_, what)| what.0 == name);
            assert!(
                consumer
                    .pending_from(StreamId::MIN)
                    .eq(own.map(|(id, _)| *id)),
                "what is pending for a consumer"
            );
            consumers.insert(name.to_vec(), (consumer.seen(), consumer.active()));
        }
        Self {
            last: group.last_id(),
            read: group.entries_read(),
            consumers,
            pending: all,
        }
    }

    fn apply(&mut self, change: &StreamChange<'_>) {
        match *change {
            StreamChange::SetConsumer {
                consumer,
                seen,
                active,
                ..
            } => {
                self.consumers.insert(consumer.to_vec(), (seen, active));
            }
            StreamChange::DeleteConsumer { consumer, .. } => {
                self.consumers.remove(consumer);
                self.pending.retain(|_, (of, ..)| of != consumer);
            }
            StreamChange::Deliver {
                consumer,
                time,
                count,
                ids,
                ..
            } => {
                let made = self.consumers.entry(consumer.to_vec());
                made.or_insert((time, None));
                let what = (consumer.to_vec(), time, count);
                self.pending.extend(ids.ids().map(|id| (id, what.clone())));
            }
            StreamChange::Acknowledge { ids, .. } => {
                ids.ids().for_each(|id| drop(self.pending.remove(&id)));
            }
            _ => unreachable!("no change of a group"),
        }
    }
}
