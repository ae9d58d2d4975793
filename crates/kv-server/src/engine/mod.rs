//! Step 4: the engine owns the store, runs requests on it, and works in its background.
//!
//! Invariant: nothing outside this folder takes locks, reads or changes data.

pub(crate) mod commits;
pub(crate) mod execute;
pub(crate) mod expire;

use std::cell::Cell;
use std::sync::Arc;

use kv_core::{
    Db, ExpireSweep, Keyspace, Lsn, MemoryStats, MemoryStore, Store as _, UnixMillis, ValueLimits,
};
use kv_wal::{CommitGate, Durability, DurableStore, LogFailure, LogStats, Recovered};

use crate::server::Server;

/// The store and what it promises.
pub(crate) struct Engine {
    backend: Backend,
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
        Self { backend }
    }

    /// The time, as commands see it.
    pub(crate) fn now(&self) -> UnixMillis {
        self.memory().clock().now()
    }

    /// How many logical databases there are.
    pub(crate) fn databases(&self) -> u16 {
        self.memory().databases()
    }

    /// How many keys `db` has, and the newest change that this number shows.
    pub(crate) fn count(&self, db: Db) -> (u64, Lsn) {
        let keys = self.memory().len(db);
        (keys, self.memory().newest())
    }

    /// What `db` holds: a statistic, which no reply needs to wait for.
    pub(crate) fn keyspace(&self, db: Db) -> Keyspace {
        self.memory().keyspace(db, self.now())
    }

    /// What the store has counted since the start.
    pub(crate) fn stats(&self) -> MemoryStats {
        self.memory().stats()
    }

    /// About how many bytes the data takes in memory.
    pub(crate) fn memory_used(&self) -> usize {
        self.memory().memory_used()
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

    /// The gate that replies wait at, and the policy that opens it; `None` without a log.
    pub(crate) fn gate(&self) -> Option<(&Arc<CommitGate>, Durability)> {
        match &self.backend {
            Backend::Memory(_) => None,
            Backend::Durable(store) => Some((store.gate(), store.durability())),
        }
    }

    /// What replies wait for unless their connection chose otherwise; without a log the word has no meaning.
    pub(crate) fn durability(&self) -> Durability {
        self.gate().map_or(Durability::No, |(_, policy)| policy)
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
}

impl ServerCx<'_> {
    /// The reply shows data as of `lsn`: it leaves when that is as durable as was promised.
    pub(crate) fn shows(&self, lsn: Lsn) {
        self.shows.set(self.shows.get().max(lsn));
    }
}
