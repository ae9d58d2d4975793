//! Step 4: the engine owns the store, runs requests on it, and works in its background.
//!
//! Invariant: nothing outside this folder takes locks, reads or changes data.

pub(crate) mod blocked;
pub(crate) mod commits;
pub(crate) mod evict;
pub(crate) mod execute;
pub(crate) mod expire;
pub(crate) mod lot;
mod promise;
pub(crate) mod transaction;

use std::cell::{Cell, RefCell};
use std::sync::{Arc, PoisonError};

use kv_core::{
    At, Classes, Cursor, Db, Event, EvictionRule, ExpireSweep, Item, KeySet, KeyWatcher, Keyspace,
    Lsn, MemoryStats, MemoryStore, Observer, Refusal, Store as _, UnixMillis, Uses, ValueLimits,
    View,
};
use kv_wal::{CommitGate, Durability, DurableStore, LogFailure, LogStats, Recovered};

use self::blocked::{Blocked, Wake};
pub(crate) use self::promise::Promise;
use crate::server::Server;

/// The store and what it promises.
pub(crate) struct Engine {
    backend: Backend,
    promise: Arc<Promise>,
}

/// Where data lives.
pub(crate) enum Backend {
    /// In memory only: a restart starts empty.
    Memory(MemoryStore),
    /// In memory and in a log.
    Durable(DurableStore),
}

impl Engine {
    pub(crate) fn new(backend: Backend) -> Self {
        // Without a log the word has no meaning.
        let policy = match &backend {
            Backend::Memory(_) => Durability::No,
            Backend::Durable(store) => store.durability(),
        };
        Self {
            backend,
            promise: Arc::new(Promise::new(policy)),
        }
    }

    /// The time, as commands see it.
    pub(crate) fn now(&self) -> UnixMillis {
        self.memory().clock().now()
    }

    /// How many logical databases there are.
    pub(crate) fn databases(&self) -> u16 {
        self.memory().databases()
    }

    /// Lets `watcher` know of changes of `key`. Whether it is there, which no reply shows.
    pub(crate) fn watch(
        &self,
        db: Db,
        key: &[u8],
        now: UnixMillis,
        watcher: &Arc<dyn KeyWatcher>,
    ) -> bool {
        let at = At { db, now };
        let watch = |view: &mut View<'_>| view.watch(key, watcher);
        self.memory().read_with(at, KeySet::One(key), watch).0
    }

    /// Shows the libraries of functions, as of one moment.
    pub(crate) fn look_at_libraries(&self, look: impl FnOnce(&mut View<'_>)) {
        let at = At {
            db: Db::FIRST,
            now: self.now(),
        };
        self.memory().read_with(at, KeySet::One(b""), look);
    }

    /// Whether there are libraries of functions.
    pub(crate) fn has_libraries(&self) -> bool {
        !self.memory().libraries().is_empty()
    }

    /// A place in the order of scans, drawn by lot: all are equally likely.
    pub(crate) fn any_cursor(&self) -> Cursor {
        self.memory().cursor_at(lot::draw())
    }

    /// Ends what [`Engine::watch`] began.
    pub(crate) fn unwatch(&self, db: Db, key: &[u8], watcher: &Arc<dyn KeyWatcher>) {
        self.memory().unwatch(db, key, watcher);
    }

    /// Takes the client `id` out of the queues of `blocked`; whether it was there.
    pub(crate) fn leave(&self, blocked: &Blocked, id: u64) -> bool {
        blocked.leave(self.memory(), id)
    }

    /// Ends the wait of the client `id`; whether it waited.
    pub(crate) fn unblock(&self, blocked: &Blocked, id: u64, wake: Wake) -> bool {
        blocked.unblock(self.memory(), id, wake)
    }

    /// Serves clients that wait, where that was not possible when it was due.
    pub(crate) fn serve(&self, blocked: &Blocked) {
        blocked.serve(self.memory(), self.now());
    }

    /// Tells `observer` what happens to keys, as far as it is watched for.
    pub(crate) fn set_observer(&self, observer: Box<dyn Observer>) {
        self.memory().set_observer(observer);
    }

    /// One more party wants the observer to be told which keys change.
    pub(crate) fn watch_changes(&self) {
        self.memory().watch_changes();
    }

    /// The end of one [`watch_changes`](Self::watch_changes).
    pub(crate) fn unwatch_changes(&self) {
        self.memory().unwatch_changes();
    }

    /// From now on events of these classes are told to the observer, and of no others.
    pub(crate) fn watch_classes(&self, classes: Classes) {
        self.memory().watch_classes(classes);
    }

    /// Brings what is needed to look `keys` up closer to the processor.
    pub(crate) fn prefetch(&self, db: Db, keys: &[&[u8]]) {
        self.memory().prefetch(db, keys);
    }

    /// What has been found in the data directory, what the log has done since, and what it promises; `None`
    /// without a log.
    pub(crate) fn log(&self) -> Option<LogView<'_>> {
        match &self.backend {
            Backend::Memory(_) => None,
            Backend::Durable(store) => Some(LogView {
                gate: store.gate(),
                durability: store.durability(),
                recovered: store.recovered(),
                stats: store.stats(),
            }),
        }
    }

    /// The store with a log, whose snapshots can be asked for; `None` without one.
    pub(crate) fn durable(&self) -> Option<&DurableStore> {
        match &self.backend {
            Backend::Memory(_) => None,
            Backend::Durable(store) => Some(store),
        }
    }

    /// The gate that replies wait at, and the log's own policy; `None` without a log.
    pub(crate) fn gate(&self) -> Option<(&Arc<CommitGate>, Durability)> {
        match &self.backend {
            Backend::Memory(_) => None,
            Backend::Durable(store) => Some((store.gate(), store.durability())),
        }
    }

    /// What replies wait for unless their connection chose otherwise.
    pub(crate) fn promise(&self) -> &Arc<Promise> {
        &self.promise
    }

    /// The name of what replies wait for unless their connection chose otherwise.
    pub(crate) fn promised(&self) -> &'static str {
        match self.gate() {
            Some(_) => self.promise.policy().name(),
            None => "off",
        }
    }

    /// Whether replies can wait for what `policy` says.
    ///
    /// # Errors
    ///
    /// There is no log, or it does not sync every second: which of them.
    pub(crate) fn can_promise(&self, policy: Durability) -> Result<(), &'static str> {
        match (self.gate(), policy) {
            (None, _) => Err(
                "the server keeps its data in memory only (durability off): nothing can be made durable",
            ),
            (Some((_, Durability::No)), Durability::EverySec) => Err(
                "the server runs with durability no and does not sync every second: choose always or no",
            ),
            _ => Ok(()),
        }
    }

    /// From now on replies wait for what `policy`, which can be promised, says, unless their connection chose
    /// otherwise.
    pub(crate) fn change_promise(&self, policy: Durability) {
        let newest = match policy {
            Durability::Always => self.tell_undurable(),
            Durability::EverySec | Durability::No => Lsn::ZERO,
        };
        self.promise.change(policy, newest);
    }

    /// Lets reads tell of every change that is not yet durable, for a connection that waits for them under a
    /// weaker policy of the server. The newest change so far: what that connection must wait for first.
    pub(crate) fn tell_undurable(&self) -> Lsn {
        if let Some((gate, _)) = self.gate() {
            gate.tell_undurable();
        }
        self.memory().newest()
    }

    /// Ends the log in order. Memory is given up with it.
    pub(crate) fn close(self) -> Result<(), LogFailure> {
        match self.backend {
            Backend::Memory(_) => Ok(()),
            Backend::Durable(store) => store.close(),
        }
    }

    fn expire_due(&self, budget_keys: usize) -> ExpireSweep {
        self.memory().expire_due(self.now(), budget_keys)
    }

    /// Bytes of removed values that are still to be freed.
    pub(crate) fn garbage_bytes(&self) -> usize {
        self.memory().garbage_bytes()
    }

    /// About how many bytes the data takes in memory, while they are counted.
    #[inline]
    pub(crate) fn memory_counted(&self) -> usize {
        self.memory().memory_counted()
    }

    /// Counts the bytes that the data takes, or does not any more. To be called from time to time.
    pub(crate) fn count_memory(&self, on: bool) {
        match on {
            true => self.memory().count_memory(),
            false => self.memory().stop_counting_memory(),
        }
    }

    /// What is remembered of uses of keys.
    pub(crate) fn remember(&self, uses: Uses, log_factor: u32, decay_minutes: u32) {
        self.memory().remember(uses, log_factor, decay_minutes);
    }

    /// Removes one key to make room; `None`: none may go.
    pub(crate) fn evict(&self, rule: EvictionRule, event: Event) -> Result<Option<usize>, Refusal> {
        self.memory().evict(self.now(), rule, event)
    }

    /// Up to which sizes collections are packed.
    pub(crate) fn limits(&self) -> &ValueLimits {
        self.memory().limits()
    }

    fn memory(&self) -> &MemoryStore {
        match &self.backend {
            Backend::Memory(store) => store,
            Backend::Durable(store) => store.memory(),
        }
    }
}

/// What there is to know about the log.
pub(crate) struct LogView<'e> {
    pub(crate) gate: &'e CommitGate,
    pub(crate) durability: Durability,
    pub(crate) recovered: &'e Recovered,
    pub(crate) stats: LogStats,
}

/// The server, as a handler of class `Server` gets it.
pub(crate) struct ServerCx<'s> {
    pub(crate) server: &'s Arc<Server>,
    /// The connection's database.
    pub(crate) db: Db,
    /// The time of the request.
    pub(crate) now: UnixMillis,
    shows: Cell<Lsn>,
    whole: RefCell<&'s mut dyn Whole>,
}

/// Looks at whole databases: at the store, or from within a transaction that holds all of it. A handler must
/// not go to the store in another way, for inside of `EXEC` it would wait for itself.
trait Whole {
    /// How many keys `db` has, and the newest change that this number shows.
    fn count(&mut self, db: Db) -> (u64, Lsn);
    /// Shows about `count` keys from `cursor` on, as [`MemoryStore::scan_at`] does. Returns where to go on, and
    /// the newest change that was shown.
    fn scan(
        &mut self,
        at: At,
        cursor: Cursor,
        count: usize,
        show: &mut dyn FnMut(&Item<'_>),
    ) -> (Cursor, Lsn);
    /// Removes what has expired of the wanted ones of about `count` keys from `cursor` on, if it can be done here.
    fn expire_scanned(
        &mut self,
        at: At,
        cursor: Cursor,
        count: usize,
        is_wanted: &dyn Fn(&Item<'_>) -> bool,
    );
    /// What `db` holds.
    fn keyspace(&mut self, db: Db, now: UnixMillis) -> Keyspace;
    /// What the store has counted since the start.
    fn stats(&mut self) -> MemoryStats;
    /// About how many bytes the data takes in memory.
    fn memory_used(&mut self) -> usize;
}

impl Whole for &MemoryStore {
    fn count(&mut self, db: Db) -> (u64, Lsn) {
        let keys = self.len(db);
        (keys, self.newest())
    }

    fn scan(
        &mut self,
        at: At,
        cursor: Cursor,
        count: usize,
        show: &mut dyn FnMut(&Item<'_>),
    ) -> (Cursor, Lsn) {
        let next = self.scan_at(at, cursor, count, show);
        (next, self.newest())
    }

    fn expire_scanned(
        &mut self,
        at: At,
        cursor: Cursor,
        count: usize,
        is_wanted: &dyn Fn(&Item<'_>) -> bool,
    ) {
        let mut expired: Vec<Box<[u8]>> = Vec::new();
        // At the beginning of time nothing has expired: the scan shows everything.
        let before_all = At {
            now: UnixMillis(i64::MIN),
            ..at
        };
        self.scan_at(before_all, cursor, count, &mut |item| {
            if item.expires.is_some_and(|expires| expires <= at.now) && is_wanted(item) {
                expired.push(item.key.into());
            }
        });
        for key in &expired {
            // A log that takes nothing leaves the key where it is; it is not shown all the same.
            let _ = self.write_with(at, KeySet::One(key), |_| ());
        }
    }

    fn keyspace(&mut self, db: Db, now: UnixMillis) -> Keyspace {
        MemoryStore::keyspace(self, db, now)
    }

    fn stats(&mut self) -> MemoryStats {
        MemoryStore::stats(self)
    }

    fn memory_used(&mut self) -> usize {
        MemoryStore::memory_used(self)
    }
}

impl Whole for View<'_> {
    fn count(&mut self, db: Db) -> (u64, Lsn) {
        // What it shows is what the transaction shows.
        (self.in_db(db, View::len), Lsn::ZERO)
    }

    fn scan(
        &mut self,
        at: At,
        cursor: Cursor,
        count: usize,
        show: &mut dyn FnMut(&Item<'_>),
    ) -> (Cursor, Lsn) {
        let next = self.in_db(at.db, |view| View::scan(view, cursor, count, show));
        (next, Lsn::ZERO)
    }

    fn expire_scanned(&mut self, _: At, _: Cursor, _: usize, _: &dyn Fn(&Item<'_>) -> bool) {
        // A view changes nothing.
    }

    fn keyspace(&mut self, db: Db, _now: UnixMillis) -> Keyspace {
        self.in_db(db, View::keyspace)
    }

    fn stats(&mut self) -> MemoryStats {
        View::stats(self)
    }

    fn memory_used(&mut self) -> usize {
        View::memory_used(self)
    }
}

impl ServerCx<'_> {
    /// How many keys `db` has.
    pub(crate) fn count(&self, db: Db) -> u64 {
        let (keys, as_of) = self.whole.borrow_mut().count(db);
        self.shows(as_of);
        keys
    }

    /// Shows about `count` keys of the connection's database from `cursor` on, and returns where to go on.
    pub(crate) fn scan(
        &self,
        cursor: Cursor,
        count: usize,
        show: &mut dyn FnMut(&Item<'_>),
    ) -> Cursor {
        let (next, as_of) = self.whole.borrow_mut().scan(self.at(), cursor, count, show);
        self.shows(as_of);
        next
    }

    /// Shows about `count` keys of `db` from `cursor` on as they are in memory, expired ones and fields included,
    /// and returns where to go on: for statistics, which no reply needs to wait for.
    pub(crate) fn scan_memory(
        &self,
        db: Db,
        cursor: Cursor,
        count: usize,
        show: &mut dyn FnMut(&Item<'_>),
    ) -> Cursor {
        // At the beginning of time nothing has expired.
        let at = At {
            db,
            now: UnixMillis(i64::MIN),
        };
        self.whole.borrow_mut().scan(at, cursor, count, show).0
    }

    /// Removes what has expired of the wanted ones of the keys that such a scan passes, where no sweep does it.
    pub(crate) fn expire_scanned(
        &self,
        cursor: Cursor,
        count: usize,
        is_wanted: &dyn Fn(&Item<'_>) -> bool,
    ) {
        if expire::is_left_to_reads(self.server) {
            self.whole
                .borrow_mut()
                .expire_scanned(self.at(), cursor, count, is_wanted);
        }
    }

    fn at(&self) -> At {
        At {
            db: self.db,
            now: self.now,
        }
    }

    /// What `db` holds: a statistic, which no reply needs to wait for.
    pub(crate) fn keyspace(&self, db: Db) -> Keyspace {
        self.whole.borrow_mut().keyspace(db, self.now)
    }

    /// What the store has counted since the start, or since [`Self::reset_stats`].
    pub(crate) fn stats(&self) -> MemoryStats {
        let before = self.server.stats.store_before.lock();
        let before = before.unwrap_or_else(PoisonError::into_inner);
        self.whole.borrow_mut().stats().since(&before)
    }

    /// Lets the store's counts begin at zero again.
    pub(crate) fn reset_stats(&self) {
        let before = self.server.stats.store_before.lock();
        *before.unwrap_or_else(PoisonError::into_inner) = self.whole.borrow_mut().stats();
    }

    /// About how many bytes the data takes in memory.
    pub(crate) fn memory_used(&self) -> usize {
        self.whole.borrow_mut().memory_used()
    }

    /// The reply shows data as of `lsn`: it leaves when that is as durable as was promised.
    pub(crate) fn shows(&self, lsn: Lsn) {
        self.shows.set(self.shows.get().max(lsn));
    }
}
