//! Who is subscribed to what, and the posting of what is published.
//!
//! What a connection itself knows of its subscriptions is in `session/subscriptions.rs`.
//!
//! Invariant: a channel's messages reach all its subscribers in one order: posting goes on under the channel's
//! lock. A publisher's messages keep their order whatever the channels.
//! Invariant: who is entered here receives what is published from then on; so a confirmed subscription is live.

use std::collections::BTreeMap;
use std::hash::BuildHasher as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use bytes::Bytes;
use kv_core::Lsn;

use crate::clients::Client;
use crate::command::glob;
use crate::inbox::{self, Letter, Mail, Message};

/// Channels are spread over this many locks: a power of two.
const PARTS: usize = 64;

/// Connections by their numbers.
type Subscribers = BTreeMap<u64, Arc<Client>>;

/// Subscribers by the name of what they are subscribed to.
type Names = BTreeMap<Bytes, Subscribers>;

/// What can be subscribed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Topic {
    /// A channel.
    Channel,
    /// All channels whose names fit a pattern.
    Pattern,
    /// A shard channel: one of a name space of its own.
    ShardChannel,
}

/// All subscriptions.
#[derive(Debug, Default)]
pub(crate) struct PubSub {
    channels: Channels,
    shard_channels: Channels,
    patterns: RwLock<Names>,
    pattern_count: AtomicUsize,
}

impl PubSub {
    /// Enters `client` for `name`.
    pub(crate) fn subscribe(&self, topic: Topic, name: &Bytes, client: &Arc<Client>) {
        match topic {
            Topic::Channel => self.channels.enter(name, client),
            Topic::ShardChannel => self.shard_channels.enter(name, client),
            Topic::Pattern => {
                let mut patterns = self
                    .patterns
                    .write()
                    .unwrap_or_else(PoisonError::into_inner);
                enter(&mut patterns, name, client);
                self.pattern_count.store(patterns.len(), Ordering::SeqCst);
            }
        }
    }

    /// Strikes the client with the number `id` out for `name`.
    pub(crate) fn unsubscribe(&self, topic: Topic, name: &[u8], id: u64) {
        match topic {
            Topic::Channel => self.channels.strike(name, id),
            Topic::ShardChannel => self.shard_channels.strike(name, id),
            Topic::Pattern => {
                let mut patterns = self
                    .patterns
                    .write()
                    .unwrap_or_else(PoisonError::into_inner);
                strike(&mut patterns, name, id);
                self.pattern_count.store(patterns.len(), Ordering::SeqCst);
            }
        }
    }

    /// Posts `payload` to the subscribers of `channel`, and of the patterns that it fits unless it is a shard
    /// channel; to how many. What must be safe before it may be seen is `lsn`. A subscriber with more than
    /// `hard_bytes` waiting is cut off.
    pub(crate) fn publish(
        &self,
        topic: Topic,
        channel: &[u8],
        payload: &[u8],
        lsn: Lsn,
        hard_bytes: u64,
    ) -> usize {
        let mut letters = Letters::new(channel, payload, lsn, hard_bytes);
        // Held to the end: it is what gives a channel's messages one order.
        let part = self.of(topic).part(channel);
        if let Some(subscribers) = part.get(channel) {
            letters.post_to(subscribers, |message| match topic {
                Topic::ShardChannel => Mail::ShardMessage(message),
                Topic::Channel | Topic::Pattern => Mail::Message(message),
            });
        }
        self.for_each_pattern(topic, channel, |pattern, subscribers| {
            letters.post_to(subscribers, |message| Mail::PatternMessage {
                pattern: pattern.clone(),
                message,
            });
        });
        letters.posted
    }

    /// How many a message to `channel` would reach.
    pub(crate) fn reach(&self, topic: Topic, channel: &[u8]) -> usize {
        let mut count = self.subscribers(topic, channel);
        self.for_each_pattern(topic, channel, |_, subscribers| count += subscribers.len());
        count
    }

    fn for_each_pattern(
        &self,
        topic: Topic,
        channel: &[u8],
        mut act: impl FnMut(&Bytes, &Subscribers),
    ) {
        if topic == Topic::ShardChannel || self.pattern_count() == 0 {
            return;
        }
        let patterns = self.patterns.read().unwrap_or_else(PoisonError::into_inner);
        for (pattern, subscribers) in patterns.iter() {
            if glob::matches_exactly(pattern, channel) {
                act(pattern, subscribers);
            }
        }
    }

    /// The channels that have subscribers and fit `pattern`, in no order; patterns do not count.
    pub(crate) fn channels(&self, topic: Topic, pattern: Option<&[u8]>) -> Vec<Bytes> {
        let fits =
            |name: &&Bytes| pattern.is_none_or(|pattern| glob::matches_exactly(pattern, name));
        let channels = self.of(topic);
        let names = channels
            .parts
            .iter()
            .flat_map(|part| lock(part).keys().filter(fits).cloned().collect::<Vec<_>>());
        names.collect()
    }

    /// How many connections are subscribed to `channel` by its name.
    pub(crate) fn subscribers(&self, topic: Topic, channel: &[u8]) -> usize {
        let part = self.of(topic).part(channel);
        part.get(channel).map_or(0, Subscribers::len)
    }

    /// How many channels have subscribers.
    pub(crate) fn channel_count(&self, topic: Topic) -> usize {
        let parts = self.of(topic).parts.iter();
        parts.map(|part| lock(part).len()).sum()
    }

    /// How many different patterns have subscribers.
    pub(crate) fn pattern_count(&self) -> usize {
        self.pattern_count.load(Ordering::SeqCst)
    }

    fn of(&self, topic: Topic) -> &Channels {
        match topic {
            Topic::ShardChannel => &self.shard_channels,
            Topic::Channel | Topic::Pattern => &self.channels,
        }
    }
}

/// Channels and their subscribers, spread over many locks.
#[derive(Debug)]
struct Channels {
    parts: Box<[Mutex<Names>]>,
    hasher: foldhash::fast::RandomState,
}

impl Default for Channels {
    fn default() -> Self {
        Self {
            parts: (0..PARTS).map(|_| Mutex::default()).collect(),
            hasher: foldhash::fast::RandomState::default(),
        }
    }
}

impl Channels {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the low bits are what is wanted"
    )]
    fn part(&self, name: &[u8]) -> MutexGuard<'_, Names> {
        lock(&self.parts[self.hasher.hash_one(name) as usize % PARTS])
    }

    fn enter(&self, name: &Bytes, client: &Arc<Client>) {
        enter(&mut self.part(name), name, client);
    }

    fn strike(&self, name: &[u8], id: u64) {
        strike(&mut self.part(name), name, id);
    }
}

fn lock(part: &Mutex<Names>) -> MutexGuard<'_, Names> {
    part.lock().unwrap_or_else(PoisonError::into_inner)
}

fn enter(names: &mut Names, name: &Bytes, client: &Arc<Client>) {
    let subscribers = names.entry(name.clone()).or_default();
    subscribers.insert(client.id, Arc::clone(client));
}

fn strike(names: &mut Names, name: &[u8], id: u64) {
    if let Some(subscribers) = names.get_mut(name) {
        subscribers.remove(&id);
        if subscribers.is_empty() {
            names.remove(name);
        }
    }
}

/// One message on its way to all who get it.
struct Letters<'m> {
    channel: &'m [u8],
    payload: &'m [u8],
    lsn: Lsn,
    hard_bytes: u64,
    /// Made for the first one who gets it.
    message: Option<Arc<Message>>,
    posted: usize,
}

impl<'m> Letters<'m> {
    fn new(channel: &'m [u8], payload: &'m [u8], lsn: Lsn, hard_bytes: u64) -> Self {
        Self {
            channel,
            payload,
            lsn,
            hard_bytes,
            message: None,
            posted: 0,
        }
    }

    fn post_to(&mut self, subscribers: &Subscribers, mail: impl Fn(Arc<Message>) -> Mail) {
        let (channel, payload) = (self.channel, self.payload);
        let message = self.message.get_or_insert_with(|| {
            Arc::new(Message {
                channel: Bytes::copy_from_slice(channel),
                payload: Bytes::copy_from_slice(payload),
            })
        });
        let letter = Letter {
            mail: mail(Arc::clone(message)),
            lsn: self.lsn,
        };
        for client in subscribers.values() {
            let taken = inbox::post(client, letter.clone(), self.hard_bytes);
            self.posted += usize::from(taken);
        }
    }
}
