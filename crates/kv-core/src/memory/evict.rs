//! Eviction: which entry goes when room is to be made.
//!
//! Entries stand in hash order, which has nothing to do with their use, so those that lie side by side are as good
//! a sample as any. The one among a few that fits the rule best goes; that is nearly as good as the best of all,
//! and needs no order to be kept.
//!
//! Invariant: an entry is evicted by a transaction, so the log knows, and whoever watches the key.

use super::place::Place;
use super::raw::EntryRef;
use super::table::Table;
use super::usage::Usage;
use super::{Access, MemoryStore};
use crate::{At, Db, Effect, Event, KeySet, Random, Refusal, Size, UnixMillis};

/// Which entry goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worst {
    /// The one that was not used for longest, or is used least; see [`Uses`](crate::Uses).
    Stalest,
    /// The one that expires soonest.
    Soonest,
    /// Any.
    Any,
}

/// Which entries go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EvictionRule {
    /// Which of a sample goes.
    pub worst: Worst,
    /// Whether only keys with an expiry go.
    pub only_expiring: bool,
    /// How many entries a sample has.
    pub samples: usize,
}

/// The worst entry so far.
struct Candidate {
    badness: u64,
    db: Db,
    key: Box<[u8]>,
}

impl MemoryStore {
    /// Removes one key, the worst of some by `rule`, and announces `event`; about how many bytes that gave back.
    /// `None`: there is no key that may go.
    ///
    /// # Errors
    ///
    /// The log's [`Refusal`]; nothing was removed then.
    pub fn evict(
        &self,
        now: UnixMillis,
        rule: EvictionRule,
        event: Event,
    ) -> Result<Option<usize>, Refusal> {
        let Some(Candidate { db, key, .. }) = self.candidate(now, rule) else {
            return Ok(None);
        };
        self.admit(Size::Unknown)?;
        let at = At { db, now };
        let access = Access::lock(self, db, KeySet::One(&key), false);
        let evicted = self.transact(at, access, Size::Unknown, |txn| {
            let bytes = txn.view.access.count_evicted(db, &key);
            if bytes > 0 {
                txn.view.notebook.changed(db, &key);
                txn.view.notebook.event(db, &key, event);
                txn.record_expiry(&Effect::Delete { db, key: &key });
            }
            bytes
        });
        evicted.map(|(bytes, _)| Some(bytes))
    }

    fn candidate(&self, now: UnixMillis, rule: EvictionRule) -> Option<Candidate> {
        let mut luck = self.random();
        let mut sample = Sample {
            rule,
            now,
            usage: &self.usage,
            seen: 0,
            worst: None,
        };
        let first = luck.below(self.stripes.len());
        for step in 0..self.stripes.len() {
            let stripe = (first + step) % self.stripes.len();
            let number = u32::try_from(stripe).unwrap_or(u32::MAX);
            for (db, table) in self.lock(number).tables() {
                sample.take(db, table, &mut luck);
            }
            if sample.seen >= rule.samples {
                break;
            }
        }
        sample.worst
    }
}

/// A few entries.
struct Sample<'u> {
    rule: EvictionRule,
    now: UnixMillis,
    usage: &'u Usage,
    seen: usize,
    worst: Option<Candidate>,
}

impl Sample<'_> {
    /// Looks at entries of `table` from anywhere on, until there are enough.
    fn take(&mut self, db: Db, table: &Table, luck: &mut Random) {
        let wanted = match self.rule.only_expiring {
            true => table.expiries.count(),
            false => table.len(),
        };
        let wanted = wanted.min(self.rule.samples.saturating_sub(self.seen));
        if wanted == 0 {
            return;
        }
        let enough = self.seen + wanted;
        let bits = luck.below(1 << Place::BITS);
        let anywhere = Place::new(u32::try_from(bits).unwrap_or(0));
        for from in [anywhere, Place::START] {
            let seen = std::cell::Cell::new(self.seen);
            table.walk(
                from,
                |slot| {
                    if slot.expires() || !self.rule.only_expiring {
                        self.look(db, slot.entry());
                        seen.set(self.seen);
                    }
                },
                || seen.get() >= enough,
            );
            if self.seen >= enough {
                return;
            }
        }
    }

    fn look(&mut self, db: Db, entry: EntryRef<'_>) {
        self.seen += 1;
        let badness = match self.rule.worst {
            Worst::Stalest => self.usage.staleness(entry.stamp(), self.now).into(),
            Worst::Soonest => entry
                .expires()
                .map_or(0, |expires| expires.0.abs_diff(i64::MAX)),
            Worst::Any => 0,
        };
        if self
            .worst
            .as_ref()
            .is_none_or(|worst| worst.badness < badness)
        {
            let key = entry.key().into();
            self.worst = Some(Candidate { badness, db, key });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::log::ManualLog;
    use crate::{Classes, MemoryOptions, Store as _, StringValue, Uses};

    const EVICTED: Event = Event {
        class: Classes::other(7),
        name: "evicted",
    };

    const KEYS: u32 = 200;

    /// A store in which each key was used a second after the one before; those that end in 7 expire.
    fn store(stripes: usize) -> MemoryStore {
        let store = MemoryStore::new(MemoryOptions {
            stripes,
            ..MemoryOptions::default()
        });
        for key in 0..KEYS {
            let now = UnixMillis(1_000_000 + i64::from(key) * 1000);
            let at = At { db: Db(0), now };
            let text = key.to_string();
            let expires = text
                .ends_with('7')
                .then(|| UnixMillis(9_000_000 - i64::from(key)));
            let written = store.write_with(at, KeySet::One(text.as_bytes()), |txn| {
                txn.set_string(text.as_bytes(), StringValue::new(b"v"), expires);
            });
            assert!(written.is_ok());
        }
        store
    }

    fn rule(worst: Worst, only_expiring: bool, samples: usize) -> EvictionRule {
        EvictionRule {
            worst,
            only_expiring,
            samples,
        }
    }

    const END: UnixMillis = UnixMillis(2_000_000);

    fn keys(store: &MemoryStore) -> Vec<u32> {
        let mut keys = Vec::new();
        store.for_each(&mut |item| {
            let text = std::str::from_utf8(item.key).expect("a number");
            keys.push(text.parse().expect("a number"));
        });
        keys.sort_unstable();
        keys
    }

    #[test]
    fn of_a_sample_of_all_the_stalest_goes() {
        for stripes in [1, 64] {
            let store = store(stripes);
            let all = rule(Worst::Stalest, false, 1000);
            let at = At {
                db: Db(0),
                now: END,
            };
            // A look is a use, unless it is to leave no trace.
            store.read_with(at, KeySet::One(b"0"), |view| view.value(b"0").is_some());
            store.read_with(at, KeySet::One(b"1"), |view| {
                view.leave_no_trace();
                view.value(b"1").is_some()
            });
            for _ in 0..3 {
                assert!(matches!(store.evict(END, all, EVICTED), Ok(Some(1..))));
            }
            assert_eq!(keys(&store)[..3], [0, 4, 5]);
            assert_eq!(store.stats().evicted, 3);
        }
    }

    #[test]
    fn only_what_expires_goes_if_that_is_the_rule() {
        let store = store(16);
        let soonest = rule(Worst::Soonest, true, 1000);
        assert!(matches!(store.evict(END, soonest, EVICTED), Ok(Some(1..))));
        assert!(!keys(&store).contains(&197));
        let any = rule(Worst::Any, true, 1);
        while store.evict(END, any, EVICTED) != Ok(None) {}
        assert_eq!(store.len(Db(0)), u64::from(KEYS - KEYS / 10));
        assert!(keys(&store).iter().all(|key| key % 10 != 7));
        let any = rule(Worst::Any, false, 5);
        while store.evict(END, any, EVICTED) != Ok(None) {}
        assert_eq!((keys(&store).len(), store.memory_used()), (0, 0));
    }

    #[test]
    fn what_is_used_often_stays() {
        let store = store(4);
        store.remember(Uses::Frequency, 0, 0);
        let at = At {
            db: Db(0),
            now: END,
        };
        for key in 0..KEYS {
            let text = key.to_string();
            let used = store.write_with(at, KeySet::One(text.as_bytes()), |txn| {
                txn.set_frequency(text.as_bytes(), if key < 5 { 100 } else { 10 });
            });
            assert!(used.is_ok());
        }
        let all = rule(Worst::Stalest, false, 1000);
        for _ in 0..KEYS - 5 {
            assert!(matches!(store.evict(END, all, EVICTED), Ok(Some(1..))));
        }
        assert_eq!(keys(&store), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn evictions_are_in_the_log() {
        let log = std::sync::Arc::new(ManualLog::default());
        let store = store(4).with_log(log.clone());
        let any = rule(Worst::Any, false, 5);
        let at = At {
            db: Db(0),
            now: END,
        };
        assert!(matches!(store.evict(END, any, EVICTED), Ok(Some(1..))));
        let written = store.write_with(at, KeySet::One(b"new"), |txn| {
            txn.set_string(b"new", StringValue::new(b"v"), None);
        });
        assert!(written.is_ok());
        // Of so many keys one is gone, in the log too.
        let replayed = self::store(4);
        log.replay(&replayed);
        assert_eq!(replayed.len(Db(0)), u64::from(KEYS));
        assert_eq!(store.len(Db(0)), u64::from(KEYS));
    }
}
