//! What changes leave over: too much to be freed while a stripe is locked, or by whoever is in a hurry.
//!
//! What takes long to free goes to a thread of its own, which lives as long as the store and is started by the first
//! such piece. Where no thread can be had, whoever made the garbage frees it.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use super::raw::Slot;
use super::stripe::Tables;
use crate::value::Rest;

/// What takes more memory than this is not freed while a lock is held, in bytes.
const HEAVY_BYTES: usize = 16 << 10;

/// What takes more memory than this is left to the thread, in bytes: for less, handing it over costs more.
const VERY_HEAVY_BYTES: usize = 256 << 10;

/// Memory that is no longer reachable. Whoever gets it drops it when no lock is held any more.
pub(crate) struct Garbage {
    kind: Kind,
    /// About how much there is to free.
    bytes: usize,
}

#[expect(dead_code, reason = "kept only to be dropped later")]
enum Kind {
    Tables(Box<Tables>),
    Entry(Slot),
    Rest(Rest),
}

impl Garbage {
    /// What a flush emptied.
    pub(super) fn of_tables(tables: Tables) -> Self {
        Self {
            bytes: tables.heap_bytes(),
            kind: Kind::Tables(Box::new(tables)),
        }
    }

    /// The tables, if that is what this is.
    pub(super) fn into_tables(self) -> Result<Tables, Self> {
        match self.kind {
            Kind::Tables(tables) => Ok(*tables),
            kind => Err(Self { kind, ..self }),
        }
    }

    /// A removed entry, if freeing it takes long; else it is freed here.
    pub(super) fn of_entry(slot: Slot) -> Option<Self> {
        let bytes = slot.entry().heap_bytes();
        (bytes > HEAVY_BYTES).then_some(Self {
            kind: Kind::Entry(slot),
            bytes,
        })
    }

    /// What was cut off a collection, if freeing it takes long; else it is freed here.
    pub(super) fn of_rest(rest: Rest) -> Option<Self> {
        let bytes = rest.heap_bytes();
        (bytes > HEAVY_BYTES).then_some(Self {
            kind: Kind::Rest(rest),
            bytes,
        })
    }
}

/// Frees what takes long to free, on a thread of its own.
#[derive(Default)]
pub(super) struct Reaper {
    to_thread: Mutex<Option<Sender<Vec<Garbage>>>>,
    /// Bytes that wait to be freed.
    pending: Arc<AtomicUsize>,
}

impl Reaper {
    /// Frees garbage, now or soon. The caller holds no stripe's lock.
    pub(super) fn take(&self, all: Vec<Garbage>) {
        // Together: what a flush leaves is a little of each stripe.
        let bytes = all.iter().map(|garbage| garbage.bytes).sum();
        if bytes > VERY_HEAVY_BYTES {
            self.hand_over(all, bytes);
        }
    }

    /// Bytes that wait to be freed.
    pub(super) fn pending_bytes(&self) -> usize {
        self.pending.load(SeqCst)
    }

    fn hand_over(&self, all: Vec<Garbage>, bytes: usize) {
        let mut to_thread = self
            .to_thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if to_thread.is_none() {
            *to_thread = self.start();
        }
        self.pending.fetch_add(bytes, SeqCst);
        let sent = to_thread.as_ref().map(|sender| sender.send(all));
        if !matches!(sent, Some(Ok(()))) {
            // No thread, so it was freed here.
            self.pending.fetch_sub(bytes, SeqCst);
        }
    }

    fn start(&self) -> Option<Sender<Vec<Garbage>>> {
        let (sender, receiver) = channel::<Vec<Garbage>>();
        let pending = Arc::clone(&self.pending);
        let thread = std::thread::Builder::new().name("kv-free".into());
        let started = thread.spawn(move || {
            for garbage in receiver.into_iter().flatten() {
                let bytes = garbage.bytes;
                drop(garbage);
                pending.fetch_sub(bytes, SeqCst);
            }
        });
        started.ok().map(|_| sender)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::{
        At, CollectionKind, Db, KeySet, MemoryOptions, MemoryStore, StringValue, UnixMillis,
    };

    /// Where an interpreter runs the tests, as many as it still frees in the background.
    const ELEMENTS: u32 = if cfg!(miri) { 20_000 } else { 200_000 };

    fn write(store: &MemoryStore, keys: KeySet<'_>, change: impl FnOnce(&mut crate::Txn<'_>)) {
        let at = At {
            db: Db::FIRST,
            now: UnixMillis(0),
        };
        let written = store.write_with(at, keys, change);
        assert_eq!(written.map(|_| ()), Ok(()));
    }

    #[test]
    fn large_values_are_freed_in_the_background() {
        let store = MemoryStore::new(MemoryOptions {
            stripes: 1,
            ..MemoryOptions::default()
        });
        let fill = |txn: &mut crate::Txn<'_>| {
            let members = (0..ELEMENTS).map(|number| number.to_string());
            txn.set_elements(b"k", CollectionKind::Set, members);
        };
        let text = vec![b'x'; 1 << 20];
        write(&store, KeySet::One(b"k"), fill);
        write(&store, KeySet::One(b"k"), |txn| assert!(txn.delete(b"k")));
        write(&store, KeySet::One(b"k"), fill);
        write(&store, KeySet::One(b"k"), |txn| {
            txn.set_string(b"k", StringValue::new(&text), None);
        });
        write(&store, KeySet::One(b"k"), |txn| {
            txn.set_string(b"k", StringValue::Int(1), None);
        });
        write(&store, KeySet::All, |txn| {
            txn.set_string(b"k", StringValue::new(&text), None);
            txn.flush_all();
        });
        assert_eq!(store.memory_used(), 0);
        wait_until_freed(&store);
    }

    #[test]
    fn a_flush_of_many_small_tables_is_freed_in_the_background() {
        let store = MemoryStore::new(MemoryOptions::default());
        for number in 0..ELEMENTS / 10 {
            let key = number.to_be_bytes();
            write(&store, KeySet::One(&key), |txn| {
                txn.set_string(&key, StringValue::new(&[b'x'; 200]), None);
            });
        }
        assert!(!has_thread(&store));
        write(&store, KeySet::All, |txn| txn.flush_all());
        assert!(has_thread(&store));
        wait_until_freed(&store);
    }

    fn has_thread(store: &MemoryStore) -> bool {
        store.reaper.to_thread.lock().unwrap().is_some()
    }

    /// Ends when the thread is done; a test that hangs here shows that there is none.
    fn wait_until_freed(store: &MemoryStore) {
        while store.garbage_bytes() > 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}
