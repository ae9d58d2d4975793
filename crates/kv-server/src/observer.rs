//! What the server does when keys change: it publishes events and tells connections with caches.
//!
//! Called while the keys' stripes are locked. Everything posted here carries the LSN of the change, so that no
//! client hears of what a crash can take back.

use std::sync::Weak;

use kv_core::{Db, Event, Happening, Observer, Told};
use smallvec::SmallVec;

use crate::command::event;
use crate::notify::NotifyFlags;
use crate::pubsub::Topic;
use crate::server::Server;
use crate::tracking::Post;

/// The server as its store sees it.
pub(crate) struct ServerObserver(pub(crate) Weak<Server>);

impl Observer for ServerObserver {
    fn observe(&self, told: &Told<'_>) {
        let Some(server) = self.0.upgrade() else {
            return;
        };
        let post = Post {
            clients: &server.clients,
            lsn: told.lsn,
            origin: told.origin,
            hard_bytes: server.settings.pubsub_hard_bytes.get(),
        };
        let flags = NotifyFlags::from_bits(server.settings.notify_flags.get());
        let mut changed: SmallVec<[(usize, &[u8]); 4]> = SmallVec::new();
        for (place, (db, happening)) in told.happenings().enumerate() {
            let named = match happening {
                Happening::Changed { key } => {
                    changed.push((place, key));
                    None
                }
                Happening::Expired { key } => {
                    // Nobody's doing: also those hear of it who leave out their own changes.
                    server
                        .tracking
                        .changed(&[(place, key)], Post { origin: 0, ..post });
                    Some((key, event::EXPIRED))
                }
                Happening::FieldsExpired { key, all } => {
                    server
                        .tracking
                        .changed(&[(place, key)], Post { origin: 0, ..post });
                    let wants = |event: Event| flags.classes().contains(event.class);
                    if wants(event::HEXPIRED) {
                        publish(&server, flags, db, key, event::HEXPIRED, post);
                    }
                    all.then_some((key, event::DEL))
                }
                Happening::New { key } => Some((key, event::NEW)),
                Happening::Missed { key } => Some((key, event::KEYMISS)),
                Happening::Event { key, event } => Some((key, event)),
                Happening::FlushedDb | Happening::FlushedAll => {
                    server.tracking.flushed(post);
                    None
                }
            };
            if let Some((key, event)) = named
                && flags.classes().contains(event.class)
            {
                publish(&server, flags, db, key, event, post);
            }
        }
        if !changed.is_empty() {
            server.tracking.changed(&changed, post);
        }
    }
}

/// Publishes that `event` happened to `key` of `db`.
fn publish(server: &Server, flags: NotifyFlags, db: Db, key: &[u8], event: Event, post: Post<'_>) {
    let publish = |channel: &[u8], payload: &[u8]| {
        server.publish(Topic::Channel, channel, payload, post.lsn);
    };
    if flags.by_key() {
        let mut channel = format!("__keyspace@{db}__:").into_bytes();
        channel.extend_from_slice(key);
        publish(&channel, event.name.as_bytes());
    }
    if flags.by_event() {
        let channel = format!("__keyevent@{db}__:{}", event.name);
        publish(channel.as_bytes(), key);
    }
}
