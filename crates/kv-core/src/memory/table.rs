//! The table of one stripe and database: entries by key, in hash order.
//!
//! The number of buckets goes 1, 2, 3, 4, 6, 8, 12, 16 and so on: steps of about a half waste less memory
//! than doubling. A table grows when there are more than [`FILL_MAX`] entries a bucket, and shrinks when there
//! is less than one. Either moves every entry's 8 bytes once and touches no entry. Since a table is one of
//! many (a store has a thousand stripes), that is short: at 10 million keys a table has about ten thousand
//! entries, and growing it takes some hundred microseconds while the stripe is locked.
//!
//! Invariant: the entry of a key is in the chain of the bucket of the key's place.

use super::expire::{Dues, Expiries};
use super::place::Place;
use super::raw::{Bucket, EntryRef, Slot, prefetch};
use super::usage::Usage;
use crate::{StringValue, UnixMillis};

/// Most entries a bucket, on average, of its seven slots.
const FILL_MAX: usize = 6;

/// Most buckets of a table: beyond, chains grow. A thousand stripes reach that at 10^11 keys.
const BUCKETS_MAX: usize = 1 << Place::BITS;

/// Entries by key. The buckets' address comes first, see `Stripe`.
#[derive(Default)]
#[repr(C)]
pub(crate) struct Table {
    buckets: Box<[Bucket]>,
    len: usize,
    /// Bytes of heap of all entries.
    entry_bytes: usize,
    /// Buckets that are chained to those in `buckets`.
    chained: usize,
    pub(crate) expiries: Expiries,
    /// The stamp of what is added or changed now.
    pub(super) fresh: u32,
}

impl Table {
    #[inline]
    pub(crate) fn get(&self, place: Place, key: &[u8]) -> Option<EntryRef<'_>> {
        Some(self.bucket(place)?.find(place, key)?.entry())
    }

    /// Returns the entry that was there if it held a collection or a large string: that may take long to free.
    pub(super) fn set_string(
        &mut self,
        place: Place,
        key: &[u8],
        value: StringValue<'_>,
        expires: Option<UnixMillis>,
    ) -> Option<Slot> {
        let large = |slot: &Slot| slot.entry().is_large();
        let change = |slot: &mut Slot| slot.set_string(value, expires);
        self.change_string(place, key, large, change, value, expires)
    }

    /// As [`Table::set_string`].
    pub(super) fn append_string(
        &mut self,
        place: Place,
        key: &[u8],
        suffix: &[u8],
    ) -> Option<Slot> {
        let other = |slot: &Slot| slot.entry().collection().is_some();
        let change = |slot: &mut Slot| slot.append_string(suffix);
        self.change_string(place, key, other, change, StringValue::new(suffix), None)
    }

    /// Puts `bytes`, of which there are some, at `offset` of the string at `key`. As [`Table::set_string`].
    pub(super) fn patch_string(
        &mut self,
        place: Place,
        key: &[u8],
        offset: usize,
        bytes: &[u8],
    ) -> Option<Slot> {
        let other = |slot: &Slot| slot.entry().collection().is_some();
        let removed = self.change_string(place, key, other, |_| {}, StringValue::Bytes(&[]), None);
        self.change(place, key, |slot| slot.patch_string(offset, bytes));
        removed
    }

    /// Changes the string at `key`; where there is none, or one that is to be replaced, the key gets `value` and
    /// `expires`.
    fn change_string(
        &mut self,
        place: Place,
        key: &[u8],
        is_replaced: impl FnOnce(&Slot) -> bool,
        change: impl FnOnce(&mut Slot),
        value: StringValue<'_>,
        expires: Option<UnixMillis>,
    ) -> Option<Slot> {
        let mut other = false;
        let there = self.change(place, key, |slot| {
            other = is_replaced(slot);
            if !other {
                change(slot);
            }
        });
        let removed = other.then(|| self.remove(place, key)).flatten();
        if other || !there {
            self.insert(place, Slot::new(place.check(), key, value, expires));
        }
        removed
    }

    pub(crate) fn set_expiry(&mut self, place: Place, key: &[u8], expires: Option<UnixMillis>) {
        self.change(place, key, |slot| slot.set_expiry(expires));
    }

    /// Removes `key`, if it is there.
    pub(super) fn remove(&mut self, place: Place, key: &[u8]) -> Option<Slot> {
        let bucket = self.bucket_mut(place)?;
        let chained_before = bucket.chained();
        let slot = bucket.remove(place, key)?;
        let unchained = chained_before - bucket.chained();
        self.chained -= unchained;
        self.len -= 1;
        self.entry_bytes -= slot.entry().heap_bytes();
        self.expiries.changed(slot.entry().dues(), Dues::default());
        if self.len == 0 {
            *self = Self {
                fresh: self.fresh,
                ..Self::default()
            };
        } else if self.len < self.buckets.len() {
            self.resize(fewer(self.buckets.len()));
        }
        Some(slot)
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// How many entries there is room for without growing.
    pub(crate) fn room(&self) -> usize {
        (self.buckets.len() * FILL_MAX).max(self.len)
    }

    /// Bytes of heap of the table and its entries.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.entry_bytes + (self.buckets.len() + self.chained) * Bucket::BYTES
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
            next = next.next_bucket(self.buckets.len())?;
            if enough() {
                return Some(next);
            }
        }
        None
    }

    /// As [`Table::walk`], to change the slots, each of which must keep its entry.
    pub(super) fn walk_mut(
        &mut self,
        from: Place,
        mut show: impl FnMut(&mut Slot),
        mut enough: impl FnMut() -> bool,
    ) -> Option<Place> {
        let mut next = from;
        while let Some(bucket) = self.bucket_mut(next) {
            bucket.for_each_mut(|place, slot| {
                if place >= from {
                    show(slot);
                }
            });
            next = next.next_bucket(self.buckets.len())?;
            if enough() {
                return Some(next);
            }
        }
        None
    }

    /// The slot of `key`.
    pub(super) fn slot(&self, place: Place, key: &[u8]) -> Option<&Slot> {
        self.bucket(place)?.find(place, key)
    }

    /// As [`Table::slot`], to mark it.
    pub(super) fn slot_mut(&mut self, place: Place, key: &[u8]) -> Option<&mut Slot> {
        self.bucket_mut(place)?.find_mut(place, key)
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
        self.buckets.get(place.bucket(self.buckets.len()))
    }

    fn bucket_mut(&mut self, place: Place) -> Option<&mut Bucket> {
        self.buckets.get_mut(place.bucket(self.buckets.len()))
    }

    /// Changes the entry of `key`; `false` when there is none.
    pub(super) fn change(
        &mut self,
        place: Place,
        key: &[u8],
        change: impl FnOnce(&mut Slot),
    ) -> bool {
        let Some(slot) = self
            .buckets
            .get_mut(place.bucket(self.buckets.len()))
            .and_then(|bucket| bucket.find_mut(place, key))
        else {
            return false;
        };
        let (bytes, dues) = (slot.entry().heap_bytes(), slot.entry().dues());
        change(slot);
        if !Usage::is_count(self.fresh) {
            slot.entry().set_stamp(self.fresh);
        }
        self.entry_bytes = self.entry_bytes - bytes + slot.entry().heap_bytes();
        self.expiries.changed(dues, slot.entry().dues());
        true
    }

    /// Adds an entry whose key is not there yet.
    pub(super) fn insert(&mut self, place: Place, slot: Slot) {
        if self.buckets.is_empty() {
            self.buckets = empty_buckets(1);
        } else if self.len >= self.buckets.len() * FILL_MAX && self.buckets.len() < BUCKETS_MAX {
            self.resize(more(self.buckets.len()));
        }
        slot.entry().set_stamp(self.fresh);
        self.len += 1;
        self.entry_bytes += slot.entry().heap_bytes();
        self.expiries.changed(Dues::default(), slot.entry().dues());
        let index = place.bucket(self.buckets.len());
        let bucket = &mut self.buckets[index];
        self.chained += usize::from(bucket.push(place.tag(), slot));
    }

    fn resize(&mut self, buckets: usize) {
        let old = std::mem::replace(&mut self.buckets, empty_buckets(buckets));
        self.chained = 0;
        for mut bucket in old {
            while let Some((tag, slot)) = bucket.pop() {
                let place = Place::of_parts(slot.check(), tag);
                let bucket = &mut self.buckets[place.bucket(buckets)];
                self.chained += usize::from(bucket.push(tag, slot));
            }
        }
    }
}

/// The next larger number of buckets: 2^n or 3 * 2^n.
fn more(buckets: usize) -> usize {
    match buckets {
        1 => 2,
        _ if buckets.is_power_of_two() => buckets + buckets / 2,
        _ => buckets / 3 * 4,
    }
}

/// The next smaller number of buckets.
fn fewer(buckets: usize) -> usize {
    match buckets {
        2 => 1,
        _ if buckets.is_power_of_two() => buckets / 4 * 3,
        _ => buckets / 3 * 2,
    }
}

fn empty_buckets(count: usize) -> Box<[Bucket]> {
    std::iter::repeat_with(Bucket::default)
        .take(count)
        .collect()
}

#[cfg(test)]
mod tests;
