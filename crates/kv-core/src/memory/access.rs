//! The stripes that a transaction holds.

use std::sync::MutexGuard;

use smallvec::SmallVec;

use super::MemoryStore;
use super::stripe::Stripe;
use super::table::EntryRef;
use crate::{Db, Effect, KeySet, Lsn};

/// The locked stripes of one transaction, by ascending number.
pub(crate) struct Access<'s> {
    store: &'s MemoryStore,
    held: SmallVec<[(usize, MutexGuard<'s, Stripe>); 1]>,
}

impl<'s> Access<'s> {
    pub(crate) fn lock(store: &'s MemoryStore, keys: KeySet<'_>) -> Self {
        let mut wanted: SmallVec<[usize; 16]> = match keys {
            KeySet::None => SmallVec::new(),
            KeySet::One(key) => SmallVec::from_slice(&[store.stripe_of(store.hash(key))]),
            KeySet::Many(keys) => keys
                .iter()
                .map(|key| store.stripe_of(store.hash(key)))
                .collect(),
            KeySet::All => (0..store.stripes.len()).collect(),
        };
        wanted.sort_unstable();
        wanted.dedup();
        let held = wanted
            .into_iter()
            .map(|stripe| (stripe, store.lock(stripe)))
            .collect();
        Self { store, held }
    }

    /// The entry at `key`, expired or not, and the newest LSN that this answer depends on.
    pub(crate) fn look(&mut self, db: Db, key: &[u8]) -> (Option<EntryRef<'_>>, Lsn) {
        let hash = self.store.hash(key);
        let log = self.store.log.as_deref();
        let stripe = self.stripe(hash);
        let newest = log.map_or(Lsn::ZERO, |log| {
            stripe.recent.newest(hash, || log.settled())
        });
        (stripe.get(db, hash, key), newest)
    }

    pub(crate) fn apply(&mut self, effect: &Effect<'_>) {
        match effect.key() {
            Some((_, key)) => {
                let hash = self.store.hash(key);
                let stripe = self.stripe(hash);
                stripe.apply(hash, effect);
                stripe.recent.touch(Some(hash));
            }
            None => {
                assert_eq!(
                    self.held.len(),
                    self.store.stripes.len(),
                    "a flush holds every stripe"
                );
                for (_, stripe) in &mut self.held {
                    stripe.apply(0, effect);
                    stripe.recent.touch(None);
                }
            }
        }
    }

    /// Everything that was touched since it was locked is as of `lsn`.
    pub(crate) fn stamp(&mut self, lsn: Lsn, settled: Lsn) {
        for (_, stripe) in &mut self.held {
            stripe.recent.stamp(lsn, settled);
        }
    }

    fn stripe(&mut self, hash: u64) -> &mut Stripe {
        let wanted = self.store.stripe_of(hash);
        let place = match self.held.as_slice() {
            [(only, _)] if *only == wanted => Ok(0),
            held => held.binary_search_by_key(&wanted, |(stripe, _)| *stripe),
        };
        match place {
            Ok(place) => &mut self.held[place].1,
            Err(_) => panic!("a transaction touched a key that it had not declared"),
        }
    }
}
