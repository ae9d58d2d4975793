//! What stripes publish about themselves, to be read without their locks.
//!
//! Each number is written by whoever holds the stripe's lock, before giving it back, and only when it
//! changed; so nothing here is contended and `DBSIZE` costs a walk over one array.
//!
//! Invariant: whoever sees a count sees the newest LSN that it came from, or a newer one: LSNs are published
//! before counts, and read after them.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use super::expire::NEVER;
use super::stripe::Stripe;
use crate::{Db, Lsn, UnixMillis};

/// The published numbers of all stripes.
#[derive(Debug)]
pub(crate) struct Totals {
    /// Keys, by database and stripe.
    keys: Box<[AtomicU64]>,
    /// The newest LSN that changed a stripe.
    newest: Box<[AtomicU64]>,
    /// A lower bound of a stripe's expiries.
    due: Box<[AtomicI64]>,
    /// Bytes of heap, by database and stripe.
    bytes: Box<[AtomicU64]>,
    /// Whether their sum is kept.
    sums_bytes: AtomicBool,
    /// Their sum, as of the last [`Totals::sum_bytes`], and the changes since.
    all_bytes: AtomicU64,
}

impl Totals {
    pub(crate) fn new(stripes: usize, databases: u16) -> Self {
        let zeros = |count| {
            std::iter::repeat_with(AtomicU64::default)
                .take(count)
                .collect()
        };
        Self {
            keys: zeros(stripes * usize::from(databases)),
            newest: zeros(stripes),
            due: std::iter::repeat_with(|| AtomicI64::new(NEVER.0))
                .take(stripes)
                .collect(),
            sums_bytes: AtomicBool::new(false),
            bytes: zeros(stripes * usize::from(databases)),
            all_bytes: AtomicU64::new(0),
        }
    }

    /// Publishes what a change in one database of a stripe changed. The caller holds the stripe's lock.
    pub(crate) fn publish(&self, number: u32, db: Db, stripe: &Stripe) {
        let stripes = self.newest.len();
        let index = number as usize;
        store(&self.newest[index], stripe.recent.newest_of_all().0);
        let table = stripe.existing_table(db);
        let keys = table.map_or(0, |table| table.len() as u64);
        store(&self.keys[db.index() * stripes + index], keys);
        let bytes = table.map_or(0, |table| table.heap_bytes() as u64);
        self.publish_bytes(&self.bytes[db.index() * stripes + index], bytes);
        // Lower only: a bound that is too low costs a look, and the sweep publishes the exact one.
        let bound = table.map_or(NEVER, |table| table.expiries.bound());
        if bound.0 < self.due[index].load(Ordering::Relaxed) {
            self.due[index].store(bound.0, Ordering::Release);
        }
    }

    fn publish_bytes(&self, place: &AtomicU64, bytes: u64) {
        let before = place.load(Ordering::Relaxed);
        if before == bytes {
            return;
        }
        place.store(bytes, Ordering::Relaxed);
        if self.sums_bytes.load(Ordering::Relaxed) {
            // It goes round at the end of numbers, and back.
            let more = bytes.wrapping_sub(before);
            self.all_bytes.fetch_add(more, Ordering::Relaxed);
        }
    }

    /// Publishes the bound of a stripe's expiries. The caller holds the stripe's lock.
    pub(crate) fn publish_due(&self, number: u32, stripe: &Stripe) {
        let published = &self.due[number as usize];
        let due = stripe.expiry_bound().0;
        if published.load(Ordering::Relaxed) != due {
            published.store(due, Ordering::Release);
        }
    }

    /// As [`Totals::publish`], for a change in all databases.
    pub(crate) fn publish_all(&self, number: u32, stripe: &Stripe) {
        let databases = self.keys.len() / self.newest.len();
        (0..)
            .take(databases)
            .for_each(|db| self.publish(number, Db(db), stripe));
    }

    /// How many keys `db` has.
    pub(crate) fn keys(&self, db: Db) -> u64 {
        let stripes = self.newest.len();
        self.keys[db.index() * stripes..][..stripes]
            .iter()
            .map(|count| count.load(Ordering::Acquire))
            .sum()
    }

    /// Adds the bytes of all tables and entries up, and keeps the sum from now on. A change that is made meanwhile
    /// may be in it twice or not at all, until the next call.
    pub(crate) fn sum_bytes(&self) {
        self.sums_bytes.store(true, Ordering::SeqCst);
        let bytes = self.bytes.iter().map(|bytes| bytes.load(Ordering::Relaxed));
        let sum = bytes.fold(0, u64::wrapping_add);
        self.all_bytes.store(sum, Ordering::Relaxed);
    }

    /// Keeps no sum any more.
    pub(crate) fn forget_bytes(&self) {
        self.sums_bytes.store(false, Ordering::SeqCst);
    }

    /// Bytes of heap of all tables and entries, while their sum is kept.
    pub(crate) fn bytes(&self) -> u64 {
        self.all_bytes.load(Ordering::Relaxed)
    }

    /// The newest LSN of all.
    pub(crate) fn newest(&self) -> Lsn {
        let newest = self.newest.iter().map(|lsn| lsn.load(Ordering::Acquire));
        Lsn(newest.max().unwrap_or_default())
    }

    /// A lower bound of a stripe's expiries.
    pub(crate) fn due(&self, stripe: u32) -> UnixMillis {
        UnixMillis(self.due[stripe as usize].load(Ordering::Acquire))
    }
}

fn store(place: &AtomicU64, value: u64) {
    if place.load(Ordering::Relaxed) != value {
        place.store(value, Ordering::Release);
    }
}
