//! What a store tells of its transactions, for those who watch keys: caches, waiting clients, subscribers.
//!
//! A program that nobody watches pays one load for each transaction. Changes are told by [`Txn`](crate::Txn)
//! itself, so none can be forgotten; what people call a change is an [`Event`], named where it is made.
//!
//! Invariant: everything is told while the stripes of its keys are locked. Whoever registers interest in a key
//! inside a transaction on it hears of every change after that transaction, and of none before it.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Db, Lsn};

/// Hears what transactions did.
pub trait Observer: Send + Sync + 'static {
    /// A transaction took place. An implementation must not call the store, must not wait for anybody who
    /// does, and must be quick: the stripes of the keys are locked.
    fn observe(&self, told: &Told<'_>);
}

/// What one transaction did, in order.
#[derive(Clone, Copy, Debug)]
pub struct Told<'t> {
    /// What whoever is shown any of this must wait for.
    pub lsn: Lsn,
    /// Who did it, as [`View::set_origin`](crate::View::set_origin) said; 0: nobody in particular.
    pub origin: u64,
    notes: &'t Notes,
}

impl<'t> Told<'t> {
    /// What happened, in order.
    pub fn happenings(&self) -> impl Iterator<Item = (Db, Happening<'t>)> + use<'t> {
        let notes = self.notes;
        notes.entries.iter().map(move |entry| {
            let key = &notes.keys[entry.key.0..entry.key.1];
            let happening = match entry.what {
                What::Changed => Happening::Changed { key },
                What::Expired => Happening::Expired { key },
                What::FieldsExpired { all } => Happening::FieldsExpired { key, all },
                What::New => Happening::New { key },
                What::Missed => Happening::Missed { key },
                What::Event(event) => Happening::Event { key, event },
                What::FlushedDb => Happening::FlushedDb,
                What::FlushedAll => Happening::FlushedAll,
            };
            (entry.db, happening)
        })
    }
}

/// One thing that happened in a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening<'t> {
    /// The key's value or expiry changed, or it is gone. Told if changes are watched.
    Changed {
        /// The key.
        key: &'t [u8],
    },
    /// The key was removed because its time had come. Told if changes or [`Classes::EXPIRED`] are watched, in
    /// the place of `Changed`.
    Expired {
        /// The key.
        key: &'t [u8],
    },
    /// Fields of the hash were removed because their time had come. Told if changes or [`Classes::FIELDS_EXPIRED`]
    /// are watched, in the place of `Changed`.
    FieldsExpired {
        /// The key.
        key: &'t [u8],
        /// Whether no field is left, and the key is gone.
        all: bool,
    },
    /// There was no such key before. Told if [`Classes::NEW`] is watched.
    New {
        /// The key.
        key: &'t [u8],
    },
    /// A reader found no such key. Told if [`Classes::MISSED`] is watched.
    Missed {
        /// The key.
        key: &'t [u8],
    },
    /// What was done has a name. Told if the event's class is watched.
    Event {
        /// The key.
        key: &'t [u8],
        /// The name.
        event: Event,
    },
    /// Every key of the database is gone. Told if changes are watched.
    FlushedDb,
    /// Every key of every database is gone. Told if changes are watched.
    FlushedAll,
}

/// A name for what is done to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Who wants to hear of it: those who watch this class.
    pub class: Classes,
    /// The name.
    pub name: &'static str,
}

/// A set of classes of events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Classes(u32);

impl Classes {
    /// No class.
    pub const NONE: Self = Self(0);
    /// Keys that are removed because their time has come.
    pub const EXPIRED: Self = Self(1 << 0);
    /// Keys that were not there before.
    pub const NEW: Self = Self(1 << 1);
    /// Keys that a reader did not find.
    pub const MISSED: Self = Self(1 << 2);

    /// Fields of hashes that are removed because their time has come.
    pub const FIELDS_EXPIRED: Self = Self(1 << 3);

    /// The class with this number, from 0 to 27, whose meaning is the caller's.
    ///
    /// # Panics
    ///
    /// When the number is larger.
    #[must_use]
    pub const fn other(number: u32) -> Self {
        assert!(number <= 27, "there are 32 bits");
        Self(1 << (number + 4))
    }

    /// What is in one or the other.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` is in this.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// What is watched: how many parties watch changes, in the upper half, and which classes, in the lower.
#[derive(Clone, Copy, Default)]
pub(crate) struct Wanted(u64);

const ONE_PARTY: u64 = 1 << 32;
const CLASSES: u64 = ONE_PARTY - 1;

impl Wanted {
    /// Whether anything is to be told at all.
    #[inline]
    pub(crate) fn anything(self) -> bool {
        self.0 != 0
    }

    fn changes(self) -> bool {
        self.0 >= ONE_PARTY
    }

    fn class(self, class: Classes) -> bool {
        self.0 & u64::from(class.0) != 0
    }
}

/// The observer of a store, and what it wants to hear.
#[derive(Default)]
pub(crate) struct Watch {
    /// Read under the lock of a stripe, which orders it: who registers does so before or under that lock.
    wanted: AtomicU64,
    observer: OnceLock<Box<dyn Observer>>,
}

impl Watch {
    #[inline]
    pub(crate) fn wanted(&self) -> Wanted {
        Wanted(self.wanted.load(Ordering::Relaxed))
    }

    pub(crate) fn set_observer(&self, observer: Box<dyn Observer>) {
        let second = self.observer.set(observer).is_err();
        assert!(!second, "a store has one observer");
    }

    pub(crate) fn watch_changes(&self) {
        self.wanted.fetch_add(ONE_PARTY, Ordering::SeqCst);
    }

    pub(crate) fn unwatch_changes(&self) {
        let before = self.wanted.fetch_sub(ONE_PARTY, Ordering::SeqCst);
        assert!(Wanted(before).changes(), "as many ends as beginnings");
    }

    pub(crate) fn watch_classes(&self, classes: Classes) {
        let replace = |wanted| Some(wanted & !CLASSES | u64::from(classes.0));
        let _ = self
            .wanted
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, replace);
    }

    pub(crate) fn tell(&self, lsn: Lsn, notebook: &Notebook) {
        if let (Some(notes), Some(observer)) = (notebook.notes.as_deref(), self.observer.get()) {
            let origin = notebook.origin;
            observer.observe(&Told { lsn, origin, notes });
        }
    }
}

/// What a transaction has to tell so far. Allocates nothing before there is something.
#[derive(Default)]
pub(crate) struct Notebook {
    wanted: Wanted,
    pub(crate) origin: u64,
    notes: Option<Box<Notes>>,
}

#[derive(Debug, Default)]
struct Notes {
    /// The bytes of all keys, one behind the other.
    keys: Vec<u8>,
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    db: Db,
    /// Where the key begins and ends.
    key: (usize, usize),
    what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Changed,
    Expired,
    FieldsExpired { all: bool },
    New,
    Missed,
    Event(Event),
    FlushedDb,
    FlushedAll,
}

impl Notebook {
    #[inline]
    pub(crate) fn new(wanted: Wanted) -> Self {
        Self {
            wanted,
            origin: 0,
            notes: None,
        }
    }

    /// Whether anything is to be told at all.
    #[inline]
    pub(crate) fn is_wanted(&self) -> bool {
        self.wanted.anything()
    }

    /// What has been noted did not happen.
    pub(crate) fn forget(&mut self) {
        self.notes = None;
    }

    #[inline]
    pub(crate) fn wants(&self, class: Classes) -> bool {
        self.wanted.class(class)
    }

    /// How many things there are to tell so far.
    pub(crate) fn len(&self) -> usize {
        self.notes.as_ref().map_or(0, |notes| notes.entries.len())
    }

    pub(crate) fn changed(&mut self, db: Db, key: &[u8]) {
        if self.wanted.changes() {
            self.note(db, key, What::Changed);
        }
    }

    pub(crate) fn expired(&mut self, db: Db, key: &[u8]) {
        if self.wanted.changes() || self.wants(Classes::EXPIRED) {
            self.note(db, key, What::Expired);
        }
    }

    /// Fields have expired; `all`: and the key with them.
    pub(crate) fn fields_expired(&mut self, db: Db, key: &[u8], all: bool) {
        if self.wanted.changes() || self.wants(Classes::FIELDS_EXPIRED) {
            self.note(db, key, What::FieldsExpired { all });
        }
    }

    pub(crate) fn new_key(&mut self, db: Db, key: &[u8]) {
        self.note(db, key, What::New);
    }

    /// A reader that looks a key up twice misses it once.
    pub(crate) fn missed(&mut self, db: Db, key: &[u8]) {
        let again = self.notes.as_deref().is_some_and(|notes| {
            let is_same = |entry: &Entry| {
                entry.what == What::Missed && &notes.keys[entry.key.0..entry.key.1] == key
            };
            notes.entries.last().is_some_and(is_same)
        });
        if !again {
            self.note(db, key, What::Missed);
        }
    }

    pub(crate) fn event(&mut self, db: Db, key: &[u8], event: Event) {
        if self.wants(event.class) {
            self.note(db, key, What::Event(event));
        }
    }

    pub(crate) fn flushed(&mut self, db: Option<Db>) {
        if self.wanted.changes() {
            let what = db.map_or(What::FlushedAll, |_| What::FlushedDb);
            self.note(db.unwrap_or(Db::FIRST), b"", what);
        }
    }

    #[cold]
    fn note(&mut self, db: Db, key: &[u8], what: What) {
        let notes = self.notes.get_or_insert_default();
        let start = notes.keys.len();
        notes.keys.extend_from_slice(key);
        notes.entries.push(Entry {
            db,
            key: (start, notes.keys.len()),
            what,
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::{
        At, KeySet, KeyValue as _, MemoryOptions, MemoryStore, Store as _, StringValue, UnixMillis,
    };

    /// Writes down what it hears.
    #[derive(Clone, Default)]
    struct Scribe(Arc<Mutex<Vec<String>>>);

    impl Observer for Scribe {
        fn observe(&self, told: &Told<'_>) {
            let mut heard = self.0.lock().expect("no test panics in here");
            for (db, happening) in told.happenings() {
                let text = |key: &[u8]| String::from_utf8_lossy(key).into_owned();
                let line = match happening {
                    Happening::Changed { key } => format!("{} changed", text(key)),
                    Happening::Expired { key } => format!("{} expired", text(key)),
                    Happening::FieldsExpired { key, all } => {
                        format!(
                            "{} fields expired{}",
                            text(key),
                            if all { ", all" } else { "" }
                        )
                    }
                    Happening::New { key } => format!("{} new", text(key)),
                    Happening::Missed { key } => format!("{} missed", text(key)),
                    Happening::Event { key, event } => format!("{} {}", text(key), event.name),
                    Happening::FlushedDb => "flushed".to_owned(),
                    Happening::FlushedAll => "all flushed".to_owned(),
                };
                heard.push(format!("{db}/{} {line}", told.origin));
            }
        }
    }

    impl Scribe {
        fn heard(&self) -> String {
            let mut heard = self.0.lock().expect("no test panics in here");
            std::mem::take(&mut *heard).join(", ")
        }
    }

    const SET: Event = Event {
        class: Classes::other(0),
        name: "set",
    };

    fn observed() -> (MemoryStore, Scribe) {
        let (store, scribe) = (
            MemoryStore::new(MemoryOptions::default()),
            Scribe::default(),
        );
        store.set_observer(Box::new(scribe.clone()));
        (store, scribe)
    }

    fn set(store: &MemoryStore, expires: Option<i64>) {
        let at = At {
            db: Db(2),
            now: UnixMillis(10),
        };
        let written = store.write_with(at, KeySet::One(b"k"), |txn| {
            txn.set_origin(7);
            txn.set_string(b"k", StringValue::new(b"v"), expires.map(UnixMillis));
            txn.announce(b"k", SET);
        });
        written.expect("no log refuses");
    }

    #[test]
    fn nothing_is_told_that_nobody_wants() {
        let (store, scribe) = observed();
        set(&store, None);
        store.watch_classes(Classes::other(1));
        set(&store, None);
        assert_eq!(scribe.heard(), "");
        store.watch_classes(Classes::other(0));
        set(&store, None);
        assert_eq!(scribe.heard(), "2/7 k set");
    }

    #[test]
    fn changes_are_told_as_long_as_one_party_wants_them() {
        let (store, scribe) = observed();
        store.watch_changes();
        store.watch_changes();
        store.unwatch_changes();
        set(&store, Some(20));
        assert_eq!(scribe.heard(), "2/7 k changed");
        store.expire_due(UnixMillis(30), 10);
        assert_eq!(scribe.heard(), "2/0 k expired");
        store.unwatch_changes();
        set(&store, None);
        assert_eq!(scribe.heard(), "");
    }

    #[test]
    fn fields_that_expire_are_told_and_so_is_the_end_of_their_key() {
        let (store, scribe) = observed();
        store.watch_classes(Classes::FIELDS_EXPIRED.union(Classes::EXPIRED));
        let at = |now| At {
            db: Db(2),
            now: UnixMillis(now),
        };
        let made = store.write_with(at(10), KeySet::One(b"h"), |txn| {
            txn.hash_set(b"h", &[b"a", b"1", b"b", b"2", b"c", b"3"])?;
            txn.hash_expire(b"h", &[b"a"], Some(UnixMillis(20)))?;
            txn.hash_expire(b"h", &[b"b"], Some(UnixMillis(30)))?;
            txn.hash_expire(b"h", &[b"c"], Some(UnixMillis(40)))
        });
        made.expect("no log refuses").0.expect("a hash");
        assert_eq!(scribe.heard(), "");
        store.expire_due(UnixMillis(20), 10);
        assert_eq!(scribe.heard(), "2/0 h fields expired");
        // A write meets what has expired before it changes anything.
        let written = store.write_with(at(30), KeySet::One(b"h"), |txn| txn.exists(b"h"));
        assert!(written.expect("no log refuses").0);
        assert_eq!(scribe.heard(), "2/0 h fields expired");
        store.expire_due(UnixMillis(40), 10);
        assert_eq!(scribe.heard(), "2/0 h fields expired, all");
        // Those that sweeps removed.
        assert_eq!(store.stats().expired_fields, 2);
    }

    #[test]
    fn new_and_missing_keys_and_flushes_are_told() {
        let (store, scribe) = observed();
        store.watch_classes(Classes::NEW.union(Classes::MISSED));
        store.watch_changes();
        let at = At {
            db: Db(2),
            now: UnixMillis(10),
        };
        let look = || {
            store
                .read_with(at, KeySet::One(b"k"), |view| {
                    view.exists(b"k") || view.exists(b"k")
                })
                .0
        };
        assert!(!look());
        assert_eq!(scribe.heard(), "2/0 k missed");
        set(&store, None);
        set(&store, None);
        assert_eq!(scribe.heard(), "2/7 k new, 2/7 k changed, 2/7 k changed");
        assert!(look());
        let flushed = store.write_with(at, KeySet::All, |txn| {
            txn.flush_db();
            txn.flush_all();
        });
        flushed.expect("no log refuses");
        assert_eq!(scribe.heard(), "2/0 flushed, 0/0 all flushed");
        assert_eq!(store.get(b"k"), Ok(None));
        assert_eq!(store.get_many(&[b"a", b"b"]), Ok(vec![None, None]));
        let missed = "0/0 k missed, 0/0 a missed, 0/0 b missed";
        assert_eq!(scribe.heard(), missed);
    }

    #[cfg(debug_assertions)]
    #[test]
    fn a_change_that_nobody_named_is_found() {
        let (store, _) = observed();
        let at = At {
            db: Db(0),
            now: UnixMillis(10),
        };
        let keys: [&[u8]; 2] = [b"a", b"b"];
        let unnamed = store.write_with(at, KeySet::Many(&keys), |txn| {
            for key in keys {
                txn.set_string(key, StringValue::Int(1), None);
            }
            txn.announce(b"a", SET);
            txn.unannounced()
        });
        assert_eq!(unnamed.expect("no log refuses").0, Some(b"b".to_vec()));
    }
}
