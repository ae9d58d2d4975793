//! What a connection is subscribed to.
//!
//! Invariant: what stands here stands in [`PubSub`] too, until this is dropped.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;

use crate::clients::Client;
use crate::pubsub::{PubSub, Topic};

/// The subscriptions of one connection. Without any it owns no memory.
pub(crate) struct Subscriptions {
    pubsub: Arc<PubSub>,
    client: Arc<Client>,
    channels: BTreeSet<Bytes>,
    patterns: BTreeSet<Bytes>,
    shard_channels: BTreeSet<Bytes>,
}

impl Subscriptions {
    pub(crate) fn new(pubsub: &Arc<PubSub>, client: &Arc<Client>) -> Self {
        Self {
            pubsub: Arc::clone(pubsub),
            client: Arc::clone(client),
            channels: BTreeSet::new(),
            patterns: BTreeSet::new(),
            shard_channels: BTreeSet::new(),
        }
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.channels.is_empty() && self.patterns.is_empty() && self.shard_channels.is_empty()
    }

    /// The number that a confirmation tells: channels and patterns count together, shard channels apart.
    pub(crate) fn count(&self, topic: Topic) -> usize {
        match topic {
            Topic::Channel | Topic::Pattern => self.channels.len() + self.patterns.len(),
            Topic::ShardChannel => self.shard_channels.len(),
        }
    }

    /// The names of one topic.
    pub(crate) fn names(&self, topic: Topic) -> Vec<Bytes> {
        match topic {
            Topic::Channel => self.channels.iter(),
            Topic::Pattern => self.patterns.iter(),
            Topic::ShardChannel => self.shard_channels.iter(),
        }
        .cloned()
        .collect()
    }

    /// Subscribes to `name`, if it is not.
    pub(crate) fn subscribe(&mut self, topic: Topic, name: &[u8]) {
        if self.set(topic).contains(name) {
            return;
        }
        let name = Bytes::copy_from_slice(name);
        self.pubsub.subscribe(topic, &name, &self.client);
        self.set(topic).insert(name);
        self.write_down();
    }

    /// Ends the subscription to `name`, if there is one.
    pub(crate) fn unsubscribe(&mut self, topic: Topic, name: &[u8]) {
        if self.set(topic).remove(name) {
            self.pubsub.unsubscribe(topic, name, self.client.id);
            self.write_down();
        }
    }

    /// Ends all of them.
    pub(crate) fn clear(&mut self) {
        for topic in [Topic::Channel, Topic::Pattern, Topic::ShardChannel] {
            for name in self.names(topic) {
                self.unsubscribe(topic, &name);
            }
        }
    }

    fn set(&mut self, topic: Topic) -> &mut BTreeSet<Bytes> {
        match topic {
            Topic::Channel => &mut self.channels,
            Topic::Pattern => &mut self.patterns,
            Topic::ShardChannel => &mut self.shard_channels,
        }
    }

    /// Tells others how many there are.
    fn write_down(&self) {
        let counts = [&self.channels, &self.patterns, &self.shard_channels].map(BTreeSet::len);
        for (shown, count) in self.client.subscribed.iter().zip(counts) {
            shown.store(count, Ordering::Relaxed);
        }
    }
}

impl Drop for Subscriptions {
    fn drop(&mut self) {
        self.clear();
    }
}
