//! What a connection gathers before `EXEC`: the requests since `MULTI`, the keys of `WATCH`.
//!
//! Invariant: what is gathered has arrived: it is no larger than the bytes of its requests, and has a limit.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use kv_core::{Db, KeyWatcher, Lsn, UnixMillis};
use kv_proto::{Request, RequestRef};

use crate::command::error::CommandError;
use crate::command::spec::{CommandSpec, Run};
use crate::server::Server;

/// The words of all requests of one transaction, in bytes: what a client may send and have kept.
const QUEUE_BYTES_MAX: usize = 1 << 30;

/// The requests since `MULTI`.
#[derive(Debug, Default)]
pub(crate) struct Multi {
    requests: Vec<Queued>,
    bytes: usize,
    /// Whether a request was refused: `EXEC` will refuse them all.
    pub(crate) is_spoilt: bool,
}

/// A request that waits for `EXEC`.
#[derive(Debug)]
pub(crate) struct Queued {
    pub(crate) spec: &'static CommandSpec,
    pub(crate) request: Request,
}

impl Multi {
    /// Adds a request.
    ///
    /// # Errors
    ///
    /// The transaction would grow too large; it is spoilt then.
    pub(crate) fn push(
        &mut self,
        spec: &'static CommandSpec,
        request: RequestRef<'_>,
    ) -> Result<(), CommandError> {
        self.bytes += request.iter().map(<[u8]>::len).sum::<usize>();
        if self.bytes > QUEUE_BYTES_MAX {
            self.is_spoilt = true;
            self.requests.clear();
            return Err(CommandError::err("the transaction is too large"));
        }
        let request = Request::from_ref(request);
        self.requests.push(Queued { spec, request });
        Ok(())
    }

    /// The requests, in order.
    pub(crate) fn requests(&self) -> &[Queued] {
        &self.requests
    }

    /// The bytes of their words.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether one of them may change data.
    pub(crate) fn writes(&self) -> bool {
        self.requests
            .iter()
            .any(|queued| queued.spec.changes_data())
    }

    /// Whether one of them runs on the thread of scripts.
    pub(crate) fn is_apart(&self) -> bool {
        self.requests.iter().any(|queued| queued.spec.is_apart())
    }

    /// Whether one of them looks at more than its keys.
    pub(crate) fn needs_all(&self) -> bool {
        let all = |spec: &CommandSpec| {
            let is_whole = matches!(spec.run, Run::Server(_) | Run::Library { .. });
            is_whole || spec.is_whole_keyspace() || spec.is_script()
        };
        let hidden = |queued: &Queued| queued.spec.keys.are_hidden(queued.request.as_ref());
        let mut requests = self.requests.iter();
        requests.any(|queued| all(queued.spec) || hidden(queued))
    }
}

/// The keys that a connection watches. They are watched until this is dropped.
pub(crate) struct Watching {
    server: Arc<Server>,
    /// Each with whether it was there when the watch began.
    keys: BTreeMap<(Db, Box<[u8]>), bool>,
    touched: Arc<Touched>,
}

/// Whether a watched key changed, and the newest change.
#[derive(Debug, Default)]
struct Touched {
    is_touched: AtomicBool,
    lsn: AtomicU64,
}

impl KeyWatcher for Touched {
    fn changed(&self, _db: Db, _key: &[u8], lsn: Lsn) {
        self.lsn.fetch_max(lsn.0, Ordering::Relaxed);
        self.is_touched.store(true, Ordering::Release);
    }
}

impl Watching {
    /// Nothing yet.
    pub(crate) fn new(server: &Arc<Server>) -> Self {
        Self {
            server: Arc::clone(server),
            keys: BTreeMap::new(),
            touched: Arc::default(),
        }
    }

    /// Watches `key` of `db` from now on.
    pub(crate) fn add(&mut self, db: Db, key: &[u8], now: UnixMillis) {
        let watcher = Arc::clone(&self.touched) as Arc<dyn KeyWatcher>;
        let was_there = self.server.engine.watch(db, key, now, &watcher);
        // The first look counts: what happened since then must not be forgotten.
        self.keys.entry((db, key.into())).or_insert(was_there);
    }

    /// The newest change of a watched key; `None` when none has changed.
    pub(crate) fn touched(&self) -> Option<Lsn> {
        let is_touched = self.touched.is_touched.load(Ordering::Acquire);
        is_touched.then(|| Lsn(self.touched.lsn.load(Ordering::Relaxed)))
    }

    /// How many keys they are.
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    /// The keys, each with whether it was there when the watch began.
    pub(crate) fn keys(&self) -> impl Iterator<Item = (Db, &[u8], bool)> {
        let keys = self.keys.iter();
        keys.map(|((db, key), was_there)| (*db, &**key, *was_there))
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let watcher = Arc::clone(&self.touched) as Arc<dyn KeyWatcher>;
        for (db, key) in self.keys.keys() {
            self.server.engine.unwatch(*db, key, &watcher);
        }
    }
}
