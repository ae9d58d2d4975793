//! Who wants to know when a key changes: `WATCH`, clients that wait for an element, caches of clients.
//!
//! Watches stand in the stripe of their key, where a writer meets them under the lock that it holds anyway. A
//! stripe in which nobody watches costs a writer one look at a pointer.
//!
//! Invariant: a watcher is told of every change of its key that follows the transaction in which it began to
//! watch, before anybody can see that change.
//! Invariant: the end of a key that had expired before is no change, nor is what has expired in the place of
//! nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::lookup::is_expired;
use super::place::Place;
use super::stripe::Stripe;
use crate::{At, Db, Effect, Lsn, UnixMillis};

/// Is told of changes of the keys that it watches; see [`View::watch`](crate::View::watch).
pub trait KeyWatcher: Send + Sync {
    /// `key` of `db` changed, as of `lsn` ([`Lsn::ZERO`] without a log): it was made, changed, removed, or its
    /// expiry changed. It may be told more than once of one transaction.
    ///
    /// Called while the stripes of that transaction are locked. An implementation must neither block nor call
    /// the store.
    fn changed(&self, db: Db, key: &[u8], lsn: Lsn);
}

/// One change that a watcher is to be told of when its LSN is known.
pub(super) struct News {
    watcher: Arc<dyn KeyWatcher>,
    db: Db,
    key: Box<[u8]>,
}

impl News {
    pub(super) fn tell(&self, lsn: Lsn) {
        self.watcher.changed(self.db, &self.key, lsn);
    }
}

/// The watched keys of a stripe.
#[derive(Default)]
pub(super) struct Watches(BTreeMap<Box<[u8]>, Vec<Watch>>);

struct Watch {
    db: Db,
    place: Place,
    watcher: Arc<dyn KeyWatcher>,
    /// The key had expired when the watch began and has not been removed: its removal is no news.
    is_stale: bool,
}

/// What there is at a key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Presence {
    Absent,
    /// An entry that nobody is shown any more.
    Expired,
    Alive,
}

impl Watch {
    /// Whether `effect`, which concerns the key, is news.
    fn hears(&mut self, effect: &Effect<'_>) -> bool {
        let was_stale = std::mem::take(&mut self.is_stale);
        !(was_stale && matches!(effect, Effect::Delete { .. }))
    }

    /// Whether it is news that what was `before` at the key is `after` from now on, with its whole database.
    fn hears_replacement(&mut self, before: Presence, after: Presence) -> bool {
        let was_stale = std::mem::take(&mut self.is_stale);
        match (before, after) {
            (Presence::Absent, Presence::Absent) => false,
            (_, Presence::Absent) => !was_stale,
            (_, Presence::Expired) if was_stale || before == Presence::Absent => {
                self.is_stale = true;
                false
            }
            (_, Presence::Expired | Presence::Alive) => true,
        }
    }

    fn news(&self, key: &[u8]) -> News {
        News {
            watcher: Arc::clone(&self.watcher),
            db: self.db,
            key: key.into(),
        }
    }
}

impl Stripe {
    /// Lets `watcher` know of changes of `key`, once however often it asks.
    pub(super) fn watch(
        &mut self,
        (db, key): (Db, &[u8]),
        place: Place,
        is_stale: bool,
        watcher: &Arc<dyn KeyWatcher>,
    ) {
        let watches = &mut self.watches.get_or_insert_default().0;
        if !watches.contains_key(key) {
            watches.insert(key.into(), Vec::new());
        }
        let Some(of_key) = watches.get_mut(key) else {
            return;
        };
        let is_there = |watch: &Watch| watch.db == db && Arc::ptr_eq(&watch.watcher, watcher);
        if !of_key.iter().any(is_there) {
            of_key.push(Watch {
                db,
                place,
                watcher: Arc::clone(watcher),
                is_stale,
            });
        }
    }

    /// Ends what [`Stripe::watch`] began.
    pub(super) fn unwatch(&mut self, (db, key): (Db, &[u8]), watcher: &Arc<dyn KeyWatcher>) {
        let Some(watches) = &mut self.watches else {
            return;
        };
        if let Some(of_key) = watches.0.get_mut(key) {
            of_key.retain(|watch| watch.db != db || !Arc::ptr_eq(&watch.watcher, watcher));
            if of_key.is_empty() {
                watches.0.remove(key);
            }
        }
        if watches.0.is_empty() {
            self.watches = None;
        }
    }

    /// Adds to `news` what watchers must know of `effect`, which is about to be applied to one key.
    pub(super) fn note_change(&mut self, effect: &Effect<'_>, news: &mut Vec<News>) {
        let Some((db, key)) = effect.key() else {
            return;
        };
        let watches = self.watches.as_mut().and_then(|all| all.0.get_mut(key));
        for watch in watches.into_iter().flatten() {
            if watch.db == db && watch.hears(effect) {
                news.push(watch.news(key));
            }
        }
    }

    /// Adds to `news` what watchers must know of `effect`, which is about to be applied to whole databases at
    /// `now`: only the keys that are there, or will be, change.
    pub(super) fn note_changes(
        &mut self,
        effect: &Effect<'_>,
        now: UnixMillis,
        news: &mut Vec<News>,
    ) {
        let Some(mut watches) = self.watches.take() else {
            return;
        };
        for (key, of_key) in &mut watches.0 {
            for watch in of_key.iter_mut() {
                let Some(successor) = effect.successor(watch.db) else {
                    continue;
                };
                let before = self.presence(At { db: watch.db, now }, watch.place, key);
                let after = successor.map_or(Presence::Absent, |db| {
                    self.presence(At { db, now }, watch.place, key)
                });
                if watch.hears_replacement(before, after) {
                    news.push(watch.news(key));
                }
            }
        }
        self.watches = Some(watches);
    }

    fn presence(&self, at: At, place: Place, key: &[u8]) -> Presence {
        let table = self.existing_table(at.db);
        match table.and_then(|table| table.get(place, key)) {
            None => Presence::Absent,
            Some(entry) if is_expired(entry, at) => Presence::Expired,
            Some(_) => Presence::Alive,
        }
    }
}

impl Effect<'_> {
    /// Whose keys are those of `db` after this effect, if it changes the whole of `db`: `Some(None)` is nobody's.
    fn successor(&self, db: Db) -> Option<Option<Db>> {
        match *self {
            Self::FlushDb { db: emptied } if emptied == db => Some(None),
            Self::FlushAll => Some(None),
            Self::SwapDbs { one, other } if db == one => Some(Some(other)),
            Self::SwapDbs { one, other } if db == other => Some(Some(one)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, PoisonError};

    use super::*;
    use crate::testing::log::ManualLog;
    use crate::{At, KeySet, MemoryOptions, MemoryStore, Store, StringValue, Txn, UnixMillis};

    /// Remembers what it is told.
    #[derive(Default)]
    struct Ear(Mutex<Vec<(u16, String, u64)>>);

    impl KeyWatcher for Ear {
        fn changed(&self, db: Db, key: &[u8], lsn: Lsn) {
            let key = String::from_utf8_lossy(key).into_owned();
            let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            heard.push((db.0, key, lsn.0));
        }
    }

    struct Setting {
        store: MemoryStore,
        ear: Arc<Ear>,
        watcher: Arc<dyn KeyWatcher>,
    }

    impl Setting {
        fn new() -> Self {
            let store = MemoryStore::new(MemoryOptions {
                stripes: 2,
                ..MemoryOptions::default()
            });
            let ear = Arc::new(Ear::default());
            Self {
                store: store.with_log(Arc::new(ManualLog::default())),
                watcher: Arc::clone(&ear) as _,
                ear,
            }
        }

        fn write(&self, db: u16, now: i64, change: impl FnOnce(&mut Txn<'_>)) {
            let at = At {
                db: Db(db),
                now: UnixMillis(now),
            };
            let written = self.store.write_with(at, KeySet::All, change);
            written.expect("no refusal");
        }

        fn watch(&self, db: u16, now: i64, key: &[u8]) {
            let at = At {
                db: Db(db),
                now: UnixMillis(now),
            };
            self.store
                .read_with(at, KeySet::One(key), |view| view.watch(key, &self.watcher));
        }

        /// What was heard since the last time, as `db:key@lsn`.
        fn heard(&self) -> Vec<String> {
            let mut heard = self.ear.0.lock().unwrap_or_else(PoisonError::into_inner);
            let heard = std::mem::take(&mut *heard).into_iter();
            heard
                .map(|(db, key, lsn)| format!("{db}:{key}@{lsn}"))
                .collect()
        }
    }

    fn set(txn: &mut Txn<'_>, key: &[u8], expires: Option<i64>) {
        txn.set_string(key, StringValue::new(b"v"), expires.map(UnixMillis));
    }

    #[test]
    fn a_watcher_hears_of_its_key_and_database_only() {
        let setting = Setting::new();
        setting.watch(0, 0, b"k");
        setting.watch(0, 0, b"k");
        setting.watch(1, 0, b"k");
        setting.write(0, 0, |txn| {
            set(txn, b"other", None);
            set(txn, b"k", None);
        });
        assert_eq!(setting.heard(), ["0:k@2"]);
        setting.write(1, 0, |txn| txn.append_string(b"k", b"x"));
        assert_eq!(setting.heard(), ["1:k@3"]);
        setting.write(2, 0, |txn| txn.append_string(b"k", b"x"));
        assert!(setting.heard().is_empty());
        setting.store.unwatch(Db(0), b"k", &setting.watcher);
        setting.write(0, 0, |txn| set(txn, b"k", None));
        assert!(setting.heard().is_empty());
        setting.store.unwatch(Db(1), b"k", &setting.watcher);
        setting.store.unwatch(Db(1), b"k", &setting.watcher);
        let stripes = (0..2).map(|number| setting.store.lock(number).watches.is_none());
        assert!(stripes.into_iter().all(|nobody| nobody));
    }

    #[test]
    fn a_flush_is_news_of_the_keys_that_it_removes() {
        let setting = Setting::new();
        setting.write(0, 0, |txn| set(txn, b"there", None));
        for key in [b"there".as_slice(), b"not there"] {
            setting.watch(0, 0, key);
            setting.watch(1, 0, key);
        }
        setting.write(1, 0, |txn| txn.flush_db());
        assert!(setting.heard().is_empty());
        setting.write(0, 0, |txn| txn.flush_db());
        assert_eq!(setting.heard(), ["0:there@3"]);
        setting.write(1, 0, |txn| set(txn, b"there", None));
        setting.heard();
        setting.write(0, 0, |txn| txn.flush_all());
        assert_eq!(setting.heard(), ["1:there@5"]);
    }

    #[test]
    fn a_move_is_news_of_both_keys_and_a_copy_of_one() {
        let setting = Setting::new();
        setting.write(0, 0, |txn| set(txn, b"from", None));
        for key in [b"from".as_slice(), b"to"] {
            setting.watch(0, 0, key);
            setting.watch(1, 0, key);
        }
        setting.write(0, 0, |txn| assert!(txn.copy_key(b"from", Db(1), b"to")));
        assert_eq!(setting.heard(), ["1:to@2"]);
        setting.write(0, 0, |txn| assert!(txn.move_key(b"from", Db(0), b"to")));
        assert_eq!(setting.heard(), ["0:from@3", "0:to@3"]);
        setting.write(0, 0, |txn| assert!(!txn.move_key(b"from", Db(0), b"to")));
        assert!(setting.heard().is_empty());
    }

    #[test]
    fn a_swap_is_news_of_keys_that_were_there_or_are_now() {
        let setting = Setting::new();
        setting.write(0, 0, |txn| set(txn, b"zero", None));
        setting.write(1, 0, |txn| set(txn, b"one", None));
        for key in [b"zero".as_slice(), b"one", b"none"] {
            setting.watch(0, 0, key);
            setting.watch(2, 0, key);
        }
        setting.write(5, 0, |txn| txn.swap_dbs(Db(1), Db(0)));
        let mut heard = setting.heard();
        heard.sort();
        assert_eq!(heard, ["0:one@3", "0:zero@3"]);
        setting.write(5, 0, |txn| txn.swap_dbs(Db(0), Db(0)));
        assert!(setting.heard().is_empty());
    }

    #[test]
    fn a_swap_of_what_has_expired_for_nothing_is_no_news() {
        let setting = Setting::new();
        setting.write(1, 0, |txn| set(txn, b"dead", Some(10)));
        for key in [b"dead".as_slice(), b"other"] {
            setting.watch(1, 10, key);
            setting.watch(0, 10, key);
        }
        let swap = || setting.write(5, 10, |txn| txn.swap_dbs(Db(1), Db(0)));
        for _ in 0..3 {
            swap();
            assert!(setting.heard().is_empty());
        }
        setting.write(0, 10, |txn| set(txn, b"dead", None));
        setting.heard();
        swap();
        let mut heard = setting.heard();
        heard.sort();
        assert_eq!(heard, ["0:dead@6", "1:dead@6"]);
    }

    #[test]
    fn an_end_that_was_there_before_is_no_news() {
        let setting = Setting::new();
        let dead = |key: &[u8]| {
            setting.write(0, 0, |txn| set(txn, key, Some(10)));
            setting.watch(0, 10, key);
        };
        dead(b"k");
        setting.store.expire_due(UnixMillis(10), 100);
        assert!(setting.heard().is_empty());
        setting.write(0, 10, |txn| set(txn, b"k", None));
        assert_eq!(setting.heard().len(), 1);

        dead(b"flushed");
        setting.heard();
        setting.write(1, 10, |txn| {
            txn.in_db(Db(0), KeySet::None, |txn| txn.flush_db())
        });
        assert_eq!(setting.heard(), ["0:k@5"]);

        // One that was alive dies before everybody's eyes.
        setting.write(0, 10, |txn| set(txn, b"live", Some(20)));
        setting.watch(0, 10, b"live");
        setting.store.expire_due(UnixMillis(20), 100);
        assert_eq!(setting.heard().len(), 1);
    }
}
