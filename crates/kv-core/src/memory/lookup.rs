//! Looks at keys: the one way in which an entry is found, judged by its time, counted and stamped, and the short way
//! to it for the reads that programs make most.
//!
//! [`MemoryStore::get_string`] and [`MemoryStore::get_strings`] are what a read transaction of theirs would be, less
//! what only larger ones need (measured: 290 of 790 instructions a key). Where somebody listens to what readers miss,
//! they are such a transaction.

use bytes::Bytes;

use super::MemoryStore;
use super::access::{Located, lock_in_order};
use super::place::Spot;
use super::raw::EntryRef;
use super::stripe::Stripe;
use crate::{At, Db, KeySet, Kind, Lsn, StoreError, UnixMillis, ValueRef, View};

/// How a key is looked at.
#[derive(Clone, Copy)]
pub(super) struct Look {
    pub(super) db: Db,
    /// The look counts as a use of the entry, at this time.
    pub(super) used: Option<UnixMillis>,
    /// The look is a reader's, whose looks are counted.
    pub(super) reader: bool,
}

/// What a look has found.
pub(super) struct Seen<'t> {
    /// The entry. What has expired is not there.
    pub(super) entry: Option<EntryRef<'t>>,
    /// The newest LSN that this answer depends on.
    pub(super) newest: Lsn,
    /// A reader has met a key whose time has come.
    pub(super) met_expired: bool,
}

impl MemoryStore {
    /// Looks at `key`, whose spot is in this stripe. `now` is asked only where something may have expired.
    #[inline]
    pub(super) fn look_in<'t>(
        &self,
        stripe: &'t mut Stripe,
        spot: Spot,
        key: &[u8],
        look: Look,
        now: impl FnOnce() -> UnixMillis,
    ) -> Seen<'t> {
        let newest = self.log.as_deref().map_or(Lsn::ZERO, |log| {
            stripe.recent.newest(spot.place, || log.settled())
        });
        let (stats, entry) = stripe.stats_and_entry(look.db, spot.place, key);
        let mut seen = Seen {
            entry: None,
            newest,
            met_expired: false,
        };
        let Some(entry) = entry else {
            stats.misses += u64::from(look.reader);
            return seen;
        };
        if entry.may_expire() {
            let at = At {
                db: look.db,
                now: now(),
            };
            if is_expired(entry, at) {
                if look.reader {
                    stats.misses += 1;
                    self.sweeper.met_expired(spot.stripe);
                    seen.met_expired = has_ended(entry, at);
                }
                return seen;
            }
        }
        stats.hits += u64::from(look.reader);
        if let Some(used) = look.used {
            let stamp = self.usage.used(entry.stamp(), used, || self.random());
            entry.set_stamp(stamp);
        }
        seen.entry = Some(entry);
        seen
    }

    /// The string at `key` in the first database, and the newest change that this shows. What [`View::string`] is in
    /// a read transaction, in less time.
    pub fn get_string(&self, key: &[u8]) -> (Result<Option<Bytes>, StoreError>, Lsn) {
        let spot = self.placing.spot(key);
        let mut stripe = self.lock(spot.stripe);
        if self.watch.wanted().anything() {
            drop(stripe);
            let read = |view: &mut View<'_>| Ok(view.string(key)?.map(|string| string.to_bytes()));
            return self.read_with(self.here(), KeySet::One(key), read);
        }
        let look = self.readers_look();
        let seen = self.look_in(&mut stripe, spot, key, look, || self.clock.now());
        (seen.entry.map(string_of).transpose(), seen.newest)
    }

    /// As [`MemoryStore::get_string`], of several keys as of one moment; `None` where there is no such key or no
    /// string.
    pub fn get_strings(&self, keys: &[&[u8]]) -> (Vec<Option<Bytes>>, Lsn) {
        let (located, mut held) = lock_in_order(self, Db::FIRST, keys);
        if self.watch.wanted().anything() {
            drop(held);
            let read = |view: &mut View<'_>| {
                let mut one = |key: &&[u8]| Some(view.string(key).ok()??.to_bytes());
                keys.iter().map(&mut one).collect()
            };
            return self.read_with(self.here(), KeySet::Many(keys), read);
        }
        let mut now = None;
        let mut newest = Lsn::ZERO;
        let look = self.readers_look();
        let one = |(key, located): (&&[u8], &Located)| {
            let (_, stripe) = &mut held[located.index()];
            let now = || *now.get_or_insert_with(|| self.clock.now());
            let seen = self.look_in(stripe, located.spot(), key, look, now);
            newest = newest.max(seen.newest);
            string_of(seen.entry?).ok()
        };
        let found = keys.iter().zip(&located).map(one).collect();
        (found, newest)
    }

    fn readers_look(&self) -> Look {
        Look {
            db: Db::FIRST,
            used: Some(self.clock.lately()),
            reader: true,
        }
    }

    /// The first database, at this time.
    pub(super) fn here(&self) -> At {
        At {
            db: Db::FIRST,
            now: self.clock.now(),
        }
    }
}

#[inline]
fn string_of(entry: EntryRef<'_>) -> Result<Bytes, StoreError> {
    match entry.value() {
        ValueRef::String(string) => Ok(string.to_bytes()),
        other => Err(StoreError::WrongKind {
            expected: Kind::String,
            found: other.kind(),
        }),
    }
}

/// Whether the key is not there any more: its time or that of all its fields has come.
pub(super) fn is_expired(entry: EntryRef<'_>, at: At) -> bool {
    has_ended(entry, at)
        || entry
            .collection()
            .is_some_and(|collection| collection.is_empty_by(at.now))
}

/// Whether the key's own time has come.
pub(super) fn has_ended(entry: EntryRef<'_>, at: At) -> bool {
    entry.expires().is_some_and(|expires| expires <= at.now)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::testing::log::ManualLog;
    use crate::{
        CollectionKind, KeyValue, ManualClock, MemoryOptions, StringValue, Txn, UnixMillis,
    };

    const KEYS: [&[u8]; 6] = [
        b"text",
        b"number",
        b"long",
        b"list",
        b"gone soon",
        b"nothing",
    ];

    /// A store with one key of each sort, all but one of which stay.
    fn filled(stripes: usize) -> (MemoryStore, Arc<ManualClock>, Arc<ManualLog>) {
        let clock = Arc::new(ManualClock::new(UnixMillis(10)));
        let log = Arc::new(ManualLog::default());
        let options = MemoryOptions {
            stripes,
            clock: clock.clone(),
            ..MemoryOptions::default()
        };
        let store = MemoryStore::new(options).with_log(log.clone());
        let fill = |txn: &mut Txn<'_>| {
            txn.set_string(b"text", StringValue::new(b"v"), None);
            txn.set_string(b"number", StringValue::new(b"-12"), None);
            txn.set_string(b"long", StringValue::new(&[b'x'; 100_000]), None);
            txn.set_elements(b"list", CollectionKind::List, ["a"]);
            txn.set_string(b"gone soon", StringValue::new(b"w"), Some(UnixMillis(20)));
        };
        let written = store.write_with(store.here(), KeySet::Many(&KEYS), fill);
        log.settle(written.expect("no refusal").1);
        (store, clock, log)
    }

    /// What a read transaction says.
    fn read(store: &MemoryStore, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        let look = |view: &mut View<'_>| Ok(view.string(key)?.map(|string| string.to_bytes()));
        store.read_with(store.here(), KeySet::One(key), look).0
    }

    #[test]
    fn a_short_look_says_what_a_transaction_says() {
        for stripes in [1, 64] {
            let (store, clock, _) = filled(stripes);
            for there in [4, 3] {
                let expected = KEYS.map(|key| read(&store, key));
                assert_eq!(KEYS.map(|key| store.get(key)), expected);
                let strings = expected.map(|found| found.unwrap_or(None));
                assert_eq!(store.get_many(&KEYS), Ok(strings.to_vec()));
                assert_eq!(strings.iter().flatten().count(), there);
                clock.advance(10);
            }
            let twice: [&[u8]; 3] = [b"text", b"nothing", b"text"];
            let text = Some(Bytes::from_static(b"v"));
            assert_eq!(store.get_many(&twice), Ok(vec![text.clone(), None, text]));
            assert_eq!(store.get_many(&[]), Ok(vec![]));
        }
    }

    #[test]
    fn a_short_look_counts_as_a_transaction_does() {
        let (store, clock, _) = filled(4);
        clock.advance(10);
        let count = |look: &dyn Fn()| {
            let before = store.stats();
            look();
            let since = store.stats().since(&before);
            (since.hits, since.misses)
        };
        let by_transactions = count(&|| KEYS.iter().for_each(|key| drop(read(&store, key))));
        let one_by_one = count(&|| KEYS.iter().for_each(|key| drop(store.get(key))));
        let together = count(&|| drop(store.get_many(&KEYS)));
        assert_eq!(by_transactions, (4, 2));
        assert_eq!((one_by_one, together), (by_transactions, by_transactions));
    }

    #[test]
    fn a_short_look_names_the_unsettled_change_that_it_shows() {
        let (store, _, log) = filled(4);
        assert_eq!(store.get_string(b"text").1, Lsn::ZERO);
        let set = |txn: &mut Txn<'_>| txn.set_string(b"text", StringValue::new(b"w"), None);
        let written = store.write_with(store.here(), KeySet::One(b"text"), set);
        let lsn = written.expect("no refusal").1;
        assert_eq!(store.get_string(b"text").1, lsn);
        assert_eq!(store.get_strings(&KEYS).1, lsn);
        assert_eq!(store.get_string(b"number").1, Lsn::ZERO);
        log.settle(lsn);
        assert_eq!(store.get_strings(&KEYS).1, Lsn::ZERO);
    }
}
