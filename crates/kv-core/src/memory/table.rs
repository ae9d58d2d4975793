//! The table of one stripe and database: entries by key, in hash order.
//!
//! A power of two of buckets, each for one span of places. It doubles when there are more than
//! [`FILL_MAX`] entries a bucket, and halves when there is less than one. Either moves every entry's
//! 8 bytes once and touches no entry. Since a table is one of many (a store has a thousand stripes), that is
//! short: at 10 million keys a table has about ten thousand entries, and doubling it takes some tens of
//! microseconds while the stripe is locked.
//!
//! Invariant: the entry of a key is in the chain of the bucket of the key's place.

use super::expire::Expiries;
use super::place::Place;
use super::raw::{Bucket, EntryRef, Slot, prefetch};
use crate::{StringValue, UnixMillis};

/// Most entries a bucket, on average, of its seven slots.
const FILL_MAX: usize = 6;

/// Entries by key.
#[derive(Default)]
pub(crate) struct Table {
    buckets: Box<[Bucket]>,
    /// There are 2^`bits` buckets, or none.
    bits: u32,
    len: usize,
    /// Bytes of heap of all entries.
    entry_bytes: usize,
    pub(crate) expiries: Expiries,
}

impl Table {
    #[inline]
    pub(crate) fn get(&self, place: Place, key: &[u8]) -> Option<EntryRef<'_>> {
        Some(self.bucket(place)?.find(place, key)?.entry())
    }

    pub(crate) fn set_string(
        &mut self,
        place: Place,
        key: &[u8],
        value: StringValue<'_>,
        expires: Option<UnixMillis>,
    ) {
        if !self.change(place, key, |slot| slot.set_string(value, expires)) {
            self.insert(place, key, value, expires);
        }
    }

    pub(crate) fn append_string(&mut self, place: Place, key: &[u8], suffix: &[u8]) {
        if !self.change(place, key, |slot| slot.append_string(suffix)) {
            self.insert(place, key, StringValue::new(suffix), None);
        }
    }

    pub(crate) fn set_expiry(&mut self, place: Place, key: &[u8], expires: Option<UnixMillis>) {
        self.change(place, key, |slot| slot.set_expiry(expires));
    }

    /// Removes `key`; whether it was there.
    pub(crate) fn remove(&mut self, place: Place, key: &[u8]) -> bool {
        let removed = self
            .bucket_mut(place)
            .and_then(|bucket| bucket.remove(place, key));
        let Some(slot) = removed else {
            return false;
        };
        self.len -= 1;
        self.entry_bytes -= slot.entry().heap_bytes();
        self.expiries.changed(slot.entry().expires(), None);
        if self.len == 0 {
            *self = Self::default();
        } else if self.len < self.buckets.len() {
            self.resize(self.bits - 1);
        }
        true
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Bytes of heap of the table and its entries.
    pub(crate) fn heap_bytes(&self) -> usize {
        let chained: usize = self.buckets.iter().map(Bucket::chained).sum();
        self.entry_bytes + (self.buckets.len() + chained) * Bucket::BYTES
    }

    pub(crate) fn for_each(&self, mut show: impl FnMut(EntryRef<'_>)) {
        for bucket in &self.buckets {
            bucket.for_each(|_, slot| show(slot.entry()));
        }
    }

    /// Shows the entries of the first bucket that has any.
    pub(crate) fn sample(&self, mut show: impl FnMut(EntryRef<'_>)) {
        let filled = self.buckets.iter().find(|bucket| !bucket.is_empty());
        if let Some(bucket) = filled {
            bucket.for_each(|_, slot| show(slot.entry()));
        }
    }

    /// Shows the slots of whole buckets, from `from` on in hash order, until `enough` says so after a bucket.
    /// Returns where to go on; `None` when there are no more.
    pub(super) fn walk(
        &self,
        from: Place,
        mut show: impl FnMut(&Slot),
        mut enough: impl FnMut() -> bool,
    ) -> Option<Place> {
        let mut next = from;
        while let Some(bucket) = self.bucket(next) {
            bucket.for_each(|place, slot| {
                if place >= from {
                    show(slot);
                }
            });
            next = next.next_bucket(self.bits)?;
            if enough() {
                return Some(next);
            }
        }
        None
    }

    /// Asks the processor for the bucket of `place`.
    pub(crate) fn prefetch_bucket(&self, place: Place) {
        if let Some(bucket) = self.bucket(place) {
            prefetch(bucket);
        }
    }

    /// Asks the processor for the entry at `place`. Reads the bucket.
    pub(crate) fn prefetch_entry(&self, place: Place) {
        if let Some(bucket) = self.bucket(place) {
            bucket.prefetch_entry(place);
        }
    }

    #[inline]
    fn bucket(&self, place: Place) -> Option<&Bucket> {
        self.buckets.get(place.bucket(self.bits))
    }

    fn bucket_mut(&mut self, place: Place) -> Option<&mut Bucket> {
        self.buckets.get_mut(place.bucket(self.bits))
    }

    /// Changes the entry of `key`; `false` when there is none.
    fn change(&mut self, place: Place, key: &[u8], change: impl FnOnce(&mut Slot)) -> bool {
        let Some(slot) = self
            .buckets
            .get_mut(place.bucket(self.bits))
            .and_then(|bucket| bucket.find_mut(place, key))
        else {
            return false;
        };
        let (bytes, expires) = (slot.entry().heap_bytes(), slot.entry().expires());
        change(slot);
        self.entry_bytes = self.entry_bytes - bytes + slot.entry().heap_bytes();
        self.expiries.changed(expires, slot.entry().expires());
        true
    }

    /// Adds an entry whose key is not there yet.
    fn insert(
        &mut self,
        place: Place,
        key: &[u8],
        value: StringValue<'_>,
        expires: Option<UnixMillis>,
    ) {
        if self.buckets.is_empty() {
            self.buckets = empty_buckets(0);
        } else if self.len >= self.buckets.len() * FILL_MAX && self.bits < Place::BITS {
            self.resize(self.bits + 1);
        }
        let slot = Slot::new(place.check(), key, value, expires);
        self.len += 1;
        self.entry_bytes += slot.entry().heap_bytes();
        self.expiries.changed(None, expires);
        if let Some(bucket) = self.bucket_mut(place) {
            bucket.push(place.tag(), slot);
        }
    }

    fn resize(&mut self, bits: u32) {
        let old = std::mem::replace(&mut self.buckets, empty_buckets(bits));
        self.bits = bits;
        for mut bucket in old {
            while let Some((tag, slot)) = bucket.pop() {
                let place = Place::of_parts(slot.check(), tag);
                self.buckets[place.bucket(bits)].push(tag, slot);
            }
        }
    }
}

fn empty_buckets(bits: u32) -> Box<[Bucket]> {
    std::iter::repeat_with(Bucket::default)
        .take(1 << bits)
        .collect()
}
