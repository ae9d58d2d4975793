//! The in-memory engine: a keyspace cut into stripes, each with its own lock.
//!
//! ```text
//! hash of the key --> stripe (lock) --> table of the database --> bucket --> entry
//!                     top bits          one for each              next bits   key, value, expiry
//! ```
//!
//! Invariant: stripes are locked in ascending order, so that no two transactions wait for each other.
//! Invariant: effects are appended to the log while the stripes of their keys are locked.
//! Invariant: everything stands in hash order, see `place`.

// Transactions.
mod access;
mod collect;
mod evict;
mod garbage;
mod lookup;
mod recent;
mod relocate;
mod store;
mod stripe;
mod totals;
mod undo;
mod usage;
mod watch;

// Whole databases.
mod expire;
mod scan;
mod stats;
mod walk;

// Memory.
mod place;
mod raw;
mod table;

mod key_value;

use std::cell::Cell;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard};

pub(crate) use access::{Access, Changes, Expired};
pub use evict::{EvictionRule, Worst};
use expire::Sweeper;
use foldhash::quality::RandomState;
use garbage::Reaper;
use place::{Placing, Spot};
pub(crate) use raw::EntryRef;
use smallvec::SmallVec;
pub use stats::{Keyspace, MemoryStats};
use stripe::Stripe;
use table::Table;
use totals::Totals;
pub use usage::Uses;
pub(crate) use usage::{Usage, counted};
use walk::Walking;
pub use walk::{Walk, WalkBacklog};
pub use watch::KeyWatcher;

use crate::library::Shelf;
use crate::observe::{Notebook, Watch};
use crate::random::STEP;
use crate::txn::Admission;
use crate::{
    At, Classes, Clock, Db, EffectLog, KeySet, Lsn, Observer, Random, Refusal, Size, SystemClock,
    Txn, UnixMillis, ValueLimits, View,
};

/// How a [`MemoryStore`] is made.
#[derive(Clone)]
pub struct MemoryOptions {
    /// How many logical databases there are, 1 to [`limits::DATABASES_MAX`](crate::limits::DATABASES_MAX).
    pub databases: u16,
    /// How many stripes the keyspace is cut into: a power of two, up to
    /// [`limits::STRIPES_MAX`](crate::limits::STRIPES_MAX).
    pub stripes: usize,
    /// What the calls of [`KeyValue`](crate::KeyValue) take for the time.
    pub clock: Arc<dyn Clock>,
    /// Where the luck of transactions begins; `None`: somewhere.
    pub seed: Option<u64>,
}

impl Default for MemoryOptions {
    fn default() -> Self {
        Self {
            databases: 16,
            stripes: 1024,
            clock: Arc::new(SystemClock),
            seed: None,
        }
    }
}

/// A store in memory. Many threads use one through a shared reference.
pub struct MemoryStore {
    stripes: Box<[LockedStripe]>,
    placing: Placing,
    totals: Totals,
    usage: Usage,
    /// When the store was made: what is replayed counts as used then.
    made: UnixMillis,
    sweeper: Sweeper,
    walking: Walking,
    watch: Watch,
    shelf: Shelf,
    reaper: Reaper,
    log: Option<Arc<dyn EffectLog>>,
    clock: Arc<dyn Clock>,
    limits: Arc<ValueLimits>,
    /// The seed of the next transaction that chooses by chance.
    seed: AtomicU64,
    databases: u16,
}

/// A stripe and its lock, on cache lines of its own.
#[repr(align(64))]
struct LockedStripe(Mutex<Stripe>);

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
        assert!(
            options.stripes.is_power_of_two() && options.stripes <= crate::limits::STRIPES_MAX,
            "stripes: a power of two in its range"
        );
        assert!(
            (1..=crate::limits::DATABASES_MAX).contains(&options.databases),
            "databases"
        );
        let limits = Arc::<ValueLimits>::default();
        let stripe = || LockedStripe(Mutex::new(Stripe::new(Arc::clone(&limits))));
        let seed = options
            .seed
            .unwrap_or_else(|| RandomState::default().hash_one(0));
        Self {
            stripes: std::iter::repeat_with(stripe)
                .take(options.stripes)
                .collect(),
            placing: Placing::new(options.stripes.trailing_zeros()),
            totals: Totals::new(options.stripes, options.databases),
            usage: Usage::default(),
            made: options.clock.now(),
            sweeper: Sweeper::default(),
            walking: Walking::default(),
            watch: Watch::default(),
            shelf: Shelf::default(),
            reaper: Reaper::default(),
            log: None,
            clock: options.clock,
            limits,
            seed: seed.into(),
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

    /// Up to which sizes collections are packed; may be changed at any time.
    #[must_use]
    pub fn limits(&self) -> &ValueLimits {
        &self.limits
    }

    /// What is remembered of uses from now on; counts grow the more slowly the larger `log_factor` is, and become
    /// less by one in so many minutes, unless these are 0.
    pub fn remember(&self, uses: Uses, log_factor: u32, decay_minutes: u32) {
        self.usage.remember(uses, log_factor, decay_minutes);
    }

    /// Bytes of removed values that are still to be freed.
    #[must_use]
    pub fn garbage_bytes(&self) -> usize {
        self.reaper.pending_bytes()
    }

    /// Luck for one transaction.
    pub(crate) fn random(&self) -> Random {
        Random::new(self.seed.fetch_add(STEP.rotate_left(32), Relaxed))
    }

    /// As [`Store::read`](crate::Store::read), with an answer.
    #[inline]
    pub fn read_with<R>(
        &self,
        at: At,
        keys: KeySet<'_>,
        look: impl FnOnce(&mut View<'_>) -> R,
    ) -> (R, Lsn) {
        self.check_database(at.db);
        let access = Access::lock(self, at.db, keys, true);
        let mut view = View {
            access,
            at,
            seen: Lsn::ZERO,
            leaves_no_trace: false,
            wants_order: false,
            notebook: Notebook::new(self.watch.wanted()),
        };
        let answer = look(&mut view);
        if view.notebook.is_wanted() {
            self.watch.tell(view.seen, &view.notebook);
        }
        (answer, view.seen)
    }

    /// As [`Store::write`](crate::Store::write), with an answer.
    ///
    /// # Errors
    ///
    /// The log's [`Refusal`]; nothing was changed then, whether `change` was run or not.
    #[inline]
    pub fn write_with<R>(
        &self,
        at: At,
        keys: KeySet<'_>,
        change: impl FnOnce(&mut Txn<'_>) -> R,
    ) -> Result<(R, Lsn), Refusal> {
        self.write_sized(at, keys, Size::Growing(0), change)
    }

    /// As [`MemoryStore::write_with`], for a transaction of which more is known. One that says
    /// [`Size::Unknown`] or [`Size::AtMost`], and whose changes after the first are together more than was said and
    /// more than the log can keep, makes the log fail. So does one of [`Size::Growing`] after it has changed whole
    /// databases, which is not taken back.
    ///
    /// # Errors
    ///
    /// The same.
    #[inline]
    pub fn write_sized<R>(
        &self,
        at: At,
        keys: KeySet<'_>,
        size: Size,
        change: impl FnOnce(&mut Txn<'_>) -> R,
    ) -> Result<(R, Lsn), Refusal> {
        self.check_database(at.db);
        self.admit(size)?;
        let access = Access::lock(self, at.db, keys, false);
        self.transact(at, access, size, |txn| {
            txn.delete_expired_of(keys);
            change(txn)
        })
    }

    /// As [`MemoryStore::write_with`], for a transaction that may find out that it should not have begun: after
    /// [`Txn::give_up`] nothing of it has happened.
    ///
    /// # Errors
    ///
    /// The same.
    pub fn write_or_give_up<R>(
        &self,
        at: At,
        keys: KeySet<'_>,
        change: impl FnOnce(&mut Txn<'_>) -> R,
    ) -> Result<(R, Lsn), Refusal> {
        self.check_database(at.db);
        let size = Size::Growing(0);
        self.admit(size)?;
        let access = Access::lock(self, at.db, keys, false);
        self.transact(at, access, size, |txn| {
            // Also where there is no log, which could refuse it.
            txn.changes = Changes::that_can_be_undone();
            txn.delete_expired_of(keys);
            change(txn)
        })
    }

    /// Lets `observer` hear what transactions do from now on, as far as it is watched for:
    /// [`watch_changes`](Self::watch_changes), [`watch_classes`](Self::watch_classes).
    ///
    /// # Panics
    ///
    /// When there is one already.
    pub fn set_observer(&self, observer: Box<dyn Observer>) {
        self.watch.set_observer(observer);
    }

    /// One more party wants to hear which keys change, in every transaction that locks a stripe after this.
    pub fn watch_changes(&self) {
        self.watch.watch_changes();
    }

    /// The end of one [`watch_changes`](Self::watch_changes).
    ///
    /// # Panics
    ///
    /// When there was none.
    pub fn unwatch_changes(&self) {
        self.watch.unwatch_changes();
    }

    /// From now on these classes of events are told and no others.
    pub fn watch_classes(&self, classes: Classes) {
        self.watch.watch_classes(classes);
    }

    /// Asks the log whether a write may begin.
    fn admit(&self, size: Size) -> Result<(), Refusal> {
        self.log.as_deref().map_or(Ok(()), |log| log.admit(size))
    }

    /// Runs `change`, which was admitted with this size, and hands its effects to the log while the stripes are
    /// still locked.
    fn transact<'s, R>(
        &'s self,
        at: At,
        access: Access<'s>,
        size: Size,
        change: impl FnOnce(&mut Txn<'_>) -> R,
    ) -> Result<(R, Lsn), Refusal> {
        let log = self.log.as_deref();
        let mut txn = Txn {
            view: View {
                access,
                at,
                seen: Lsn::ZERO,
                leaves_no_trace: false,
                wants_order: false,
                notebook: Notebook::new(self.watch.wanted()),
            },
            log,
            encoded: log.map(|_| SCRATCH.take()).unwrap_or_default(),
            effects: 0,
            admission: Admission::of(size),
            #[cfg(debug_assertions)]
            unnamed: Vec::new(),
            changes: match size {
                Size::Growing(_) if log.is_some() => Changes::that_can_be_undone(),
                _ => Changes::default(),
            },
        };
        txn.encoded.clear();
        let answer = change(&mut txn);
        if txn.is_void() {
            txn.take_back();
        }
        let lsn = Self::commit(&mut txn);
        if txn.view.notebook.is_wanted() {
            self.watch.tell(lsn, &txn.view.notebook);
        }
        if log.is_some() && txn.encoded.capacity() <= SCRATCH_BYTES_KEPT {
            SCRATCH.set(std::mem::take(&mut txn.encoded));
        }
        let Txn {
            view,
            changes,
            admission,
            ..
        } = txn;
        drop(view);
        self.reaper.take(changes.into_garbage());
        match admission {
            Admission::Refused(refusal) => Err(refusal),
            Admission::UpTo(_) | Admission::Growing(_) | Admission::Whole | Admission::GivenUp => {
                Ok((answer, lsn))
            }
        }
    }

    fn commit(txn: &mut Txn<'_>) -> Lsn {
        if txn.effects == 0 {
            return txn.view.seen;
        }
        let numbered = txn.log.map(|log| {
            let lsn = log.append(&txn.encoded, txn.effects);
            (lsn, log.settled())
        });
        txn.view.access.finish(&txn.changes, numbered);
        numbered.map_or(Lsn::ZERO, |(lsn, _)| lsn)
    }

    /// Ends what [`View::watch`] began. The watcher may still be told of a change that is under way.
    ///
    /// # Panics
    ///
    /// When the store has no such database.
    pub fn unwatch(&self, db: Db, key: &[u8], watcher: &Arc<dyn KeyWatcher>) {
        self.check_database(db);
        let spot = self.placing.spot(key);
        self.lock(spot.stripe).unwatch((db, key), watcher);
    }

    /// Brings what is needed to look `keys` up closer to the processor, all at once: worth it before several
    /// requests on different keys. Changes nothing, waits for nobody and promises nothing.
    ///
    /// # Panics
    ///
    /// When the store has no such database.
    pub fn prefetch(&self, db: Db, keys: &[&[u8]]) {
        /// More would push each other out of the cache again.
        const KEYS_AT_ONCE: usize = 32;

        self.check_database(db);
        for keys in keys.chunks(KEYS_AT_ONCE) {
            let spots: SmallVec<[Spot; KEYS_AT_ONCE]> =
                keys.iter().map(|key| self.placing.spot(key)).collect();
            for spot in &spots {
                raw::prefetch(&raw const self.stripes[spot.stripe as usize]);
            }
            for ask in [Table::prefetch_bucket, Table::prefetch_entry] {
                for spot in &spots {
                    let stripe = &self.stripes[spot.stripe as usize].0;
                    // Where somebody else is at work, a hint is not worth waiting for.
                    let Ok(stripe) = stripe.try_lock() else {
                        continue;
                    };
                    if let Some(table) = stripe.existing_table(db) {
                        ask(table, spot.place);
                    }
                }
            }
        }
    }

    #[inline]
    fn check_database(&self, db: Db) {
        assert!(db.0 < self.databases, "the store has no such database");
    }

    /// The highest number of a stripe: all bits set.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "there are at most STRIPES_MAX"
    )]
    fn last_stripe(&self) -> u32 {
        (self.stripes.len() - 1) as u32
    }

    /// Locks one stripe. A thread that panicked inside one may have left it half changed: the log is the
    /// truth, so the process ends and a restart replays it.
    #[inline]
    fn lock(&self, stripe: u32) -> MutexGuard<'_, Stripe> {
        self.stripes[stripe as usize]
            .0
            .lock()
            .unwrap_or_else(|_| std::process::abort())
    }
}
