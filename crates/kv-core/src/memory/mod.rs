//! The in-memory engine: a keyspace cut into stripes, each with its own lock.
//!
//! Invariant: stripes are locked in ascending order, so that no two transactions wait for each other.
//! Invariant: effects are appended to the log while the stripes of their keys are locked.

mod access;
mod key_value;
mod recent;
mod stats;
mod stripe;
mod table;

use std::cell::Cell;
use std::sync::{Arc, Mutex, MutexGuard};

pub(crate) use access::Access;
use foldhash::quality::RandomState;
pub use stats::{Keyspace, MemoryStats};
use stripe::Stripe;
pub(crate) use table::EntryRef;

use crate::{
    At, Clock, Db, Effect, EffectLog, ExpireSweep, Item, KeySet, Lsn, Refusal, Store, StoreError,
    SystemClock, Txn, UnixMillis, View,
};

/// How a [`MemoryStore`] is made.
#[derive(Clone)]
pub struct MemoryOptions {
    /// How many logical databases there are, 1 to [`limits::DATABASES_MAX`](crate::limits::DATABASES_MAX).
    pub databases: u16,
    /// How many stripes the keyspace is cut into: a power of two.
    pub stripes: usize,
    /// What the calls of [`KeyValue`](crate::KeyValue) take for the time.
    pub clock: Arc<dyn Clock>,
}

impl Default for MemoryOptions {
    fn default() -> Self {
        Self {
            databases: 16,
            stripes: 1024,
            clock: Arc::new(SystemClock),
        }
    }
}

/// A store in memory. Many threads use one through a shared reference.
pub struct MemoryStore {
    stripes: Box<[Mutex<Stripe>]>,
    hasher: RandomState,
    log: Option<Arc<dyn EffectLog>>,
    clock: Arc<dyn Clock>,
    databases: u16,
}

thread_local! {
    /// The encoding buffer of the last transaction of this thread, kept for the next one.
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Scratch buffers that grew beyond this are given back, in bytes.
const SCRATCH_BYTES_KEPT: usize = 1 << 20;

impl MemoryStore {
    /// An empty store that nothing logs.
    ///
    /// # Panics
    ///
    /// When the options are out of their documented ranges.
    #[must_use]
    pub fn new(options: MemoryOptions) -> Self {
        assert!(options.stripes.is_power_of_two(), "stripes: a power of two");
        assert!(
            (1..=crate::limits::DATABASES_MAX).contains(&options.databases),
            "databases"
        );
        let stripes = (0..options.stripes)
            .map(|_| Mutex::new(Stripe::default()))
            .collect();
        Self {
            stripes,
            hasher: RandomState::default(),
            log: None,
            clock: options.clock,
            databases: options.databases,
        }
    }

    /// The same store, with `log` taking the effects of every transaction from now on. Replay comes first.
    #[must_use]
    pub fn with_log(mut self, log: Arc<dyn EffectLog>) -> Self {
        self.log = Some(log);
        self
    }

    /// How many logical databases there are.
    #[must_use]
    pub fn databases(&self) -> u16 {
        self.databases
    }

    /// The clock that [`KeyValue`](crate::KeyValue) calls use.
    #[must_use]
    pub fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// As [`Store::read`], with an answer.
    pub fn read_with<R>(
        &self,
        at: At,
        keys: KeySet<'_>,
        look: impl FnOnce(&mut View<'_>) -> R,
    ) -> (R, Lsn) {
        let mut view = View {
            access: Access::lock(self, keys),
            at,
            seen: Lsn::ZERO,
        };
        let answer = look(&mut view);
        (answer, view.seen)
    }

    /// As [`Store::write`], with an answer.
    ///
    /// # Errors
    ///
    /// The log's [`Refusal`]; `change` was not run then.
    pub fn write_with<R>(
        &self,
        at: At,
        keys: KeySet<'_>,
        change: impl FnOnce(&mut Txn<'_>) -> R,
    ) -> Result<(R, Lsn), Refusal> {
        let log = self.log.as_deref();
        if let Some(log) = log {
            log.admit()?;
        }
        let view = View {
            access: Access::lock(self, keys),
            at,
            seen: Lsn::ZERO,
        };
        let mut txn = Txn {
            view,
            log,
            encoded: SCRATCH.take(),
            effects: 0,
        };
        txn.encoded.clear();
        txn.delete_expired_of(keys);
        let answer = change(&mut txn);
        let lsn = self.commit(&mut txn);
        if txn.encoded.capacity() <= SCRATCH_BYTES_KEPT {
            SCRATCH.set(std::mem::take(&mut txn.encoded));
        }
        Ok((answer, lsn))
    }

    /// Hands the effects of `txn` to the log, while its stripes are still locked.
    fn commit(&self, txn: &mut Txn<'_>) -> Lsn {
        match (&self.log, txn.effects) {
            (None, _) => Lsn::ZERO,
            (Some(_), 0) => txn.view.seen,
            (Some(log), effects) => {
                let lsn = log.append(&txn.encoded, effects);
                txn.view.access.stamp(lsn, log.settled());
                lsn
            }
        }
    }

    fn hash(&self, key: &[u8]) -> u64 {
        use std::hash::BuildHasher;
        self.hasher.hash_one(key)
    }

    fn stripe_of(&self, hash: u64) -> usize {
        let bits = self.stripes.len().trailing_zeros();
        if bits == 0 {
            0
        } else {
            usize::try_from(hash >> (64 - bits)).unwrap_or(0)
        }
    }

    /// Locks one stripe. A thread that panicked inside one may have left it half changed: the log is the
    /// truth, so the process ends and a restart replays it.
    fn lock(&self, stripe: usize) -> MutexGuard<'_, Stripe> {
        self.stripes[stripe]
            .lock()
            .unwrap_or_else(|_| std::process::abort())
    }
}

impl Txn<'_> {
    fn delete_expired_of(&mut self, keys: KeySet<'_>) {
        match keys {
            KeySet::One(key) => {
                self.delete_expired(key);
            }
            KeySet::Many(keys) => {
                for key in keys {
                    self.delete_expired(key);
                }
            }
            KeySet::None | KeySet::All => {}
        }
    }
}

impl Store for MemoryStore {
    fn read(&self, at: At, keys: KeySet<'_>, look: &mut dyn FnMut(&mut View<'_>)) -> Lsn {
        self.read_with(at, keys, look).1
    }

    fn write(
        &self,
        at: At,
        keys: KeySet<'_>,
        change: &mut dyn FnMut(&mut Txn<'_>),
    ) -> Result<Lsn, Refusal> {
        self.write_with(at, keys, change).map(|((), lsn)| lsn)
    }

    fn apply(&self, effect: &Effect<'_>) {
        match effect.key() {
            Some((_, key)) => {
                let hash = self.hash(key);
                self.lock(self.stripe_of(hash)).apply(hash, effect);
            }
            None => (0..self.stripes.len()).for_each(|stripe| self.lock(stripe).apply(0, effect)),
        }
    }

    fn wait(&self, _lsn: Lsn) -> Result<(), StoreError> {
        Ok(())
    }

    fn len(&self, db: Db) -> u64 {
        (0..self.stripes.len())
            .map(|stripe| self.lock(stripe).len(db))
            .sum()
    }

    fn for_each(&self, show: &mut dyn FnMut(&Item<'_>)) {
        for stripe in 0..self.stripes.len() {
            self.lock(stripe).for_each(show);
        }
    }

    fn newest(&self) -> Lsn {
        (0..self.stripes.len())
            .map(|stripe| self.lock(stripe).recent.newest_of_all())
            .max()
            .unwrap_or_default()
    }

    fn expire_due(&self, now: UnixMillis, budget_keys: usize) -> ExpireSweep {
        let mut sweep = ExpireSweep::default();
        for stripe in 0..self.stripes.len() {
            let due = self.lock(stripe).due(now);
            for (db, key) in due {
                if sweep.looked_at == budget_keys {
                    sweep.more = true;
                    return sweep;
                }
                sweep.looked_at += 1;
                let at = At { db, now };
                if self.write_with(at, KeySet::One(&key), |_| ()).is_err() {
                    sweep.more = true;
                    return sweep;
                }
                sweep.removed += 1;
            }
        }
        sweep
    }
}
