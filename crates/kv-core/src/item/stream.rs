//! Streams as effects.

use super::PIECE_MEMBERS;
use crate::{Effect, Elements, Group, Item, Stream, StreamChange, StreamId};

impl Item<'_> {
    /// Shows the effects that make a stream: its entries, what it knows of others, its groups, the key's expiry.
    pub(super) fn for_each_change_of(&self, stream: &Stream, show: &mut dyn FnMut(&Effect<'_>)) {
        let (db, key) = (self.db, self.key);
        let mut change = |change: StreamChange<'_>| show(&Effect::Stream { db, key, change });
        change(StreamChange::Renew);
        for entry in stream.iter() {
            change(StreamChange::Add {
                id: entry.id(),
                fields: Elements::new(&entry.words()),
            });
        }
        change(StreamChange::SetIds {
            last: stream.last_id(),
            max_deleted: stream.max_deleted_id(),
            added: stream.added(),
        });
        for group in stream.groups() {
            for_each_change_of_group(group, &mut change);
        }
        if self.expires.is_some() {
            show(&Effect::SetExpiry {
                db,
                key,
                expires: self.expires,
            });
        }
    }
}

fn for_each_change_of_group(group: &Group, change: &mut dyn FnMut(StreamChange<'_>)) {
    let name = group.name();
    change(StreamChange::SetGroup {
        group: name,
        last: group.last_id(),
        read: group.entries_read(),
    });
    for consumer in group.consumers() {
        change(StreamChange::SetConsumer {
            group: name,
            consumer: consumer.name(),
            seen: consumer.seen(),
            active: consumer.active(),
        });
    }
    let mut pending = group.pending_from(StreamId::MIN).peekable();
    while let Some(first) = pending.next() {
        let mut ids = vec![first.id().to_bytes()];
        while ids.len() < PIECE_MEMBERS
            && let Some(next) = pending.next_if(|next| {
                next.consumer() == first.consumer()
                    && next.delivered() == first.delivered()
                    && next.deliveries() == first.deliveries()
            })
        {
            ids.push(next.id().to_bytes());
        }
        let ids: Vec<&[u8]> = ids.iter().map(<[u8; 16]>::as_slice).collect();
        change(StreamChange::Deliver {
            group: name,
            consumer: first.consumer(),
            time: first.delivered(),
            count: first.deliveries(),
            ids: Elements::new(&ids),
        });
    }
}
