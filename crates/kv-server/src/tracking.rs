//! Which connections may have which keys in a cache of their own, and how they hear that a key has changed.
//!
//! A connection in the default mode is remembered for each key that it reads, until the key changes once. One
//! in broadcasting mode hears of all keys with its prefixes and is remembered for none.
//!
//! Invariant: a key is remembered while its stripe is locked for the read, so the change after that read is
//! always told, and told after the reply was written.
//! Invariant: no more keys are remembered than `tracking-table-max-keys`; whoever may have one that is given up
//! is told that it changed.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::BuildHasher as _;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use bytes::Bytes;
use kv_core::{KeySet, Lsn};

thread_local! {
    /// The keys that the transaction which runs on this thread has been remembered for, each with how much there was
    /// to tell by then: what it did before is no news to it.
    static READ: RefCell<Vec<(Bytes, usize)>> = const { RefCell::new(Vec::new()) };
}

/// A transaction begins or has ended on this thread.
pub(crate) fn forget_reads() {
    READ.with_borrow_mut(Vec::clear);
}

/// The transaction on this thread reads `keys` when it has so much to tell.
pub(crate) fn note_reads(keys: &[&[u8]], to_tell: usize) {
    if to_tell > 0 {
        let noted = keys
            .iter()
            .map(|key| (Bytes::copy_from_slice(key), to_tell));
        READ.with_borrow_mut(|read| read.extend(noted));
    }
}

/// Whether the transaction on this thread has read `key` after the `place`-th thing that it has to tell.
fn was_read_after(key: &[u8], place: usize) -> bool {
    READ.with_borrow(|read| {
        read.iter()
            .any(|(known, to_tell)| known == key && *to_tell > place)
    })
}

use crate::clients::{Client, Clients};
use crate::inbox::{self, Letter, Mail};

/// Keys are spread over this many locks: a power of two.
const PARTS: usize = 64;

/// When a connection in the default mode is remembered for what it reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Remember {
    /// Always.
    #[default]
    Always,
    /// After `CLIENT CACHING YES`.
    OptIn,
    /// Unless after `CLIENT CACHING NO`.
    OptOut,
}

/// How a connection wants to hear of changes.
#[derive(Debug)]
pub(crate) struct Tracker {
    pub(crate) client: Arc<Client>,
    /// The number of the connection that is told in its place.
    pub(crate) redirect: Option<u64>,
    pub(crate) remember: Remember,
    /// In broadcasting mode: the prefixes; all keys have the empty one.
    pub(crate) prefixes: Option<BTreeSet<Bytes>>,
    /// Whether it does not want to hear of its own changes.
    pub(crate) no_loop: bool,
    /// Whether the connection of `redirect` was found to be gone.
    pub(crate) is_broken: AtomicBool,
}

/// One part of the remembered keys, with the numbers of the connections.
type Keys = BTreeMap<Bytes, BTreeSet<u64>>;

/// Everything that is tracked.
#[derive(Debug)]
pub(crate) struct Tracking {
    parts: Box<[Mutex<Keys>]>,
    hasher: foldhash::fast::RandomState,
    keys: AtomicUsize,
    trackers: RwLock<Trackers>,
}

#[derive(Debug, Default)]
struct Trackers {
    by_id: BTreeMap<u64, Arc<Tracker>>,
    /// Who is in broadcasting mode for which prefix.
    by_prefix: BTreeMap<Bytes, BTreeSet<u64>>,
}

/// What is needed to tell somebody.
#[derive(Clone, Copy)]
pub(crate) struct Post<'p> {
    pub(crate) clients: &'p Clients,
    /// What must be safe before anybody is told.
    pub(crate) lsn: Lsn,
    /// Who made the change; 0: nobody in particular.
    pub(crate) origin: u64,
    /// A connection with more than this waiting is cut off.
    pub(crate) hard_bytes: u64,
}

impl Default for Tracking {
    fn default() -> Self {
        Self {
            parts: (0..PARTS).map(|_| Mutex::default()).collect(),
            hasher: foldhash::fast::RandomState::default(),
            keys: AtomicUsize::new(0),
            trackers: RwLock::default(),
        }
    }
}

impl Tracking {
    /// Lets `tracker` hear of changes, in the place of what its connection said before; whether it had said
    /// nothing.
    pub(crate) fn begin(&self, tracker: Arc<Tracker>) -> bool {
        let mut trackers = self
            .trackers
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let id = tracker.client.id;
        let before = trackers.remove(id);
        for prefix in tracker.prefixes.iter().flatten() {
            let ids = trackers.by_prefix.entry(prefix.clone()).or_default();
            ids.insert(id);
        }
        trackers.by_id.insert(id, tracker);
        before.is_none()
    }

    /// The connection `id` hears of no more changes; whether it did.
    pub(crate) fn end(&self, id: u64) -> bool {
        let mut trackers = self
            .trackers
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let was_there = trackers.remove(id).is_some();
        let is_last = trackers.by_id.is_empty();
        drop(trackers);
        // The numbers of connections that are gone stay until their keys change, but not for ever.
        if was_there && is_last {
            self.forget_keys();
        }
        was_there
    }

    /// How the connection `id` is tracked, if it is.
    pub(crate) fn of(&self, id: u64) -> Option<Arc<Tracker>> {
        self.trackers().by_id.get(&id).cloned()
    }

    /// The connection of `tracker` is being shown `keys`, whose stripes are locked. At most `keys_max` are
    /// remembered; 0 is no limit.
    pub(crate) fn remember(
        &self,
        tracker: &Tracker,
        keys: KeySet<'_>,
        keys_max: u64,
        post: Post<'_>,
    ) {
        match keys {
            KeySet::One(key) => self.remember_key(tracker, key, keys_max, post),
            KeySet::Many(keys) => {
                for key in keys {
                    self.remember_key(tracker, key, keys_max, post);
                }
            }
            KeySet::None | KeySet::All => {}
        }
    }

    fn remember_key(&self, tracker: &Tracker, key: &[u8], keys_max: u64, post: Post<'_>) {
        let id = tracker.client.id;
        let mut part = self.part(key);
        if let Some(ids) = part.get_mut(key) {
            ids.insert(id);
            return;
        }
        part.insert(Bytes::copy_from_slice(key), BTreeSet::from([id]));
        let count = self.keys.fetch_add(1, Ordering::Relaxed) + 1;
        drop(part);
        if keys_max > 0 && count as u64 > keys_max {
            self.give_up_another(key, post);
        }
    }

    /// Forgets keys until no more than `keys_max` are remembered; 0 is no limit.
    pub(crate) fn shrink(&self, keys_max: u64, post: Post<'_>) {
        for part in &self.parts {
            while keys_max > 0 && self.keys.load(Ordering::Relaxed) as u64 > keys_max {
                let Some(key) = lock(part).keys().next().cloned() else {
                    break;
                };
                self.tell_rememberers(&key, post);
            }
        }
    }

    /// Forgets a remembered key other than `kept`, if there is one in its part or a later one.
    fn give_up_another(&self, kept: &[u8], post: Post<'_>) {
        let first = self.number(kept);
        for step in 0..PARTS {
            let part = lock(&self.parts[(first + step) % PARTS]);
            let other = part.keys().find(|key| ***key != *kept).cloned();
            drop(part);
            if let Some(key) = other {
                let nobody = Post { origin: 0, ..post };
                return self.tell_rememberers(&key, nobody);
            }
        }
    }

    /// `keys` have changed in one transaction: each stands beside its place among what there is to tell.
    pub(crate) fn changed(&self, keys: &[(usize, &[u8])], post: Post<'_>) {
        for (place, key) in keys {
            let later = keys.iter().filter(|(_, other)| other == key);
            let last = later.map(|(place, _)| *place).max().unwrap_or(*place);
            match was_read_after(key, last) {
                true => self.tell_others(key, post),
                false => self.tell_rememberers(key, post),
            }
        }
        let keys: Vec<&[u8]> = keys.iter().map(|(_, key)| *key).collect();
        self.broadcast(&keys, post);
    }

    /// Tells those who remember `key` but the one who has read it since.
    fn tell_others(&self, key: &[u8], post: Post<'_>) {
        let mut part = self.part(key);
        let is_remembered = part
            .get_mut(key)
            .is_some_and(|ids| ids.remove(&post.origin));
        drop(part);
        self.tell_rememberers(key, post);
        if is_remembered {
            let ids = BTreeSet::from([post.origin]);
            let before = self.part(key).insert(Bytes::copy_from_slice(key), ids);
            self.keys
                .fetch_add(usize::from(before.is_none()), Ordering::Relaxed);
        }
    }

    fn tell_rememberers(&self, key: &[u8], post: Post<'_>) {
        let Some(ids) = self.part(key).remove(key) else {
            return;
        };
        self.keys.fetch_sub(1, Ordering::Relaxed);
        let keys: Arc<[Bytes]> = Arc::new([Bytes::copy_from_slice(key)]);
        let trackers = self.trackers();
        for tracker in ids.iter().filter_map(|id| trackers.by_id.get(id)) {
            let own = tracker.no_loop && tracker.client.id == post.origin;
            if tracker.prefixes.is_none() && !own {
                tracker.tell(Mail::Invalidated(Arc::clone(&keys)), post);
            }
        }
    }

    fn broadcast(&self, keys: &[&[u8]], post: Post<'_>) {
        let trackers = self.trackers();
        for (prefix, ids) in &trackers.by_prefix {
            let mut fitting: Vec<Bytes> = Vec::new();
            for key in keys.iter().filter(|key| key.starts_with(prefix)) {
                if !fitting.iter().any(|known| known == key) {
                    fitting.push(Bytes::copy_from_slice(key));
                }
            }
            if fitting.is_empty() {
                continue;
            }
            let fitting: Arc<[Bytes]> = fitting.into();
            for tracker in ids.iter().filter_map(|id| trackers.by_id.get(id)) {
                if !(tracker.no_loop && tracker.client.id == post.origin) {
                    tracker.tell(Mail::Invalidated(Arc::clone(&fitting)), post);
                }
            }
        }
    }

    /// A whole database is empty: whatever anybody remembers is void.
    pub(crate) fn flushed(&self, post: Post<'_>) {
        self.forget_keys();
        for tracker in self.trackers().by_id.values() {
            tracker.tell(Mail::AllInvalidated, post);
        }
    }

    /// How many connections hear of changes, how many keys and how many pairs of key and connection are
    /// remembered, and for how many prefixes changes are broadcast.
    pub(crate) fn counts(&self) -> [usize; 4] {
        let trackers = self.trackers();
        let (clients, prefixes) = (trackers.by_id.len(), trackers.by_prefix.len());
        drop(trackers);
        let pairs = |part| lock(part).values().map(BTreeSet::len).sum::<usize>();
        let items = self.parts.iter().map(pairs).sum();
        [clients, self.keys.load(Ordering::Relaxed), items, prefixes]
    }

    fn forget_keys(&self) {
        for part in &self.parts {
            let mut part = lock(part);
            self.keys.fetch_sub(part.len(), Ordering::Relaxed);
            part.clear();
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "the low bits are what is wanted"
    )]
    fn number(&self, key: &[u8]) -> usize {
        self.hasher.hash_one(key) as usize % PARTS
    }

    fn part(&self, key: &[u8]) -> MutexGuard<'_, Keys> {
        lock(&self.parts[self.number(key)])
    }

    fn trackers(&self) -> RwLockReadGuard<'_, Trackers> {
        self.trackers.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Trackers {
    fn remove(&mut self, id: u64) -> Option<Arc<Tracker>> {
        let tracker = self.by_id.remove(&id)?;
        for prefix in tracker.prefixes.iter().flatten() {
            if let Some(ids) = self.by_prefix.get_mut(prefix) {
                ids.remove(&id);
                if ids.is_empty() {
                    self.by_prefix.remove(prefix);
                }
            }
        }
        Some(tracker)
    }
}

impl Tracker {
    /// Posts `mail` to the connection, or to the one that is to be told in its place.
    fn tell(&self, mail: Mail, post: Post<'_>) {
        let letter = |mail| Letter {
            mail,
            lsn: post.lsn,
        };
        let Some(id) = self.redirect else {
            inbox::post(&self.client, letter(mail), post.hard_bytes);
            return;
        };
        let other = post.clients.find(id);
        let told = other.is_some_and(|other| inbox::post(&other, letter(mail), post.hard_bytes));
        if !told {
            self.is_broken.store(true, Ordering::Relaxed);
            let broken = letter(Mail::RedirectBroken(id));
            inbox::post(&self.client, broken, post.hard_bytes);
        }
    }
}

fn lock(part: &Mutex<Keys>) -> MutexGuard<'_, Keys> {
    part.lock().unwrap_or_else(PoisonError::into_inner)
}
