//! Eight bytes that own an entry, own a bucket, or are empty.
//!
//! ```text
//!  63        48 47                                3   2       1       0
//! +------------+-----------------------------------+-------+-------+---------+
//! | check      | address                           | young | child | expires |
//! +------------+-----------------------------------+-------+-------+---------+
//! ```
//!
//! Invariant: the word is null, or an address that `Entry::into_raw` gave, or (with `child`) one that
//! `Box::<Bucket>::into_raw` gave; a slot owns what it points to.
//! Invariant: `expires` is set exactly when the entry's expiry counts, so that a sweep passes over the other
//! entries without touching them.
//! Invariant: `young` is the mark of a walk (see `walk`); a change of the entry takes it away.

use std::mem;

use super::shape::ENTRY_ALIGN;
use super::{Bucket, Entry, EntryRef, prefetch};
use crate::value::Collection;
use crate::{StringValue, UnixMillis};

const EXPIRES: usize = 1;
const CHILD: usize = 2;
const YOUNG: usize = 4;
const FLAGS: usize = ENTRY_ALIGN - 1;
const CHECK_SHIFT: u32 = 48;
const CACHE_LINE: usize = size_of::<Bucket>();
const ADDRESS: usize = ((1 << CHECK_SHIFT) - 1) & !FLAGS;

const _: () = assert!(
    usize::BITS == 64,
    "slots pack hash bits into 64-bit addresses"
);

/// The owner of an entry, of a bucket, or of nothing.
pub(in crate::memory) struct Slot(*mut u8);

// SAFETY: a slot owns what it points to alone, and both entries and buckets may be sent.
unsafe impl Send for Slot {}

impl Slot {
    pub(super) const EMPTY: Self = Self(std::ptr::null_mut());

    /// A new entry; `check` is kept beside it.
    pub(in crate::memory) fn new(
        check: u16,
        key: &[u8],
        value: StringValue<'_>,
        expires: Option<UnixMillis>,
    ) -> Self {
        Self::of_entry(Entry::new(key, value, expires), check, expires.is_some())
    }

    /// A new entry with a collection.
    pub(in crate::memory) fn of_collection(check: u16, key: &[u8], collection: Collection) -> Self {
        Self::of_entry(Entry::of_collection(key, collection), check, false)
    }

    fn of_entry(entry: Entry, check: u16, expires: bool) -> Self {
        let flags = if expires { EXPIRES } else { 0 };
        Self::tagged(entry.into_raw(), usize::from(check) << CHECK_SHIFT | flags)
    }

    pub(super) fn of_child(child: Box<Bucket>) -> Self {
        Self::tagged(Box::into_raw(child).cast(), CHILD)
    }

    fn tagged(address: *mut u8, tag: usize) -> Self {
        assert!(address.addr() & !ADDRESS == 0, "an address beyond 48 bits");
        Self(address.map_addr(|address| address | tag))
    }

    fn address(&self) -> *mut u8 {
        self.0.map_addr(|word| word & ADDRESS)
    }

    fn has(&self, flag: usize) -> bool {
        self.0.addr() & flag != 0
    }

    fn owns_entry(&self) -> bool {
        !self.0.is_null() && !self.has(CHILD)
    }

    /// The hash bits kept beside the address.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "the upper 16 bits remain")]
    pub(in crate::memory) fn check(&self) -> u16 {
        (self.0.addr() >> CHECK_SHIFT) as u16
    }

    /// Whether the entry has an expiry; touches no entry.
    pub(in crate::memory) fn expires(&self) -> bool {
        self.has(EXPIRES)
    }

    /// Whether the entry is younger than the walk that is under way.
    pub(in crate::memory) fn is_young(&self) -> bool {
        self.has(YOUNG)
    }

    /// Sets or takes away the mark of a walk.
    pub(in crate::memory) fn set_young(&mut self, young: bool) {
        assert!(self.owns_entry(), "a slot without an entry");
        let mark = if young { YOUNG } else { 0 };
        self.0 = self.0.map_addr(|word| word & !YOUNG | mark);
    }

    /// An entry like this one; a large string or collection is shared, not copied.
    pub(in crate::memory) fn duplicate(&self) -> Self {
        self.duplicate_as(self.check(), self.entry().key())
    }

    /// As [`Slot::duplicate`], for another key.
    pub(in crate::memory) fn duplicate_as(&self, check: u16, key: &[u8]) -> Self {
        let copy = self.entry().duplicate_as(key);
        Self::of_entry(copy, check, self.expires())
    }

    /// Whether this slot owns the entry of `key`.
    #[inline]
    pub(super) fn holds(&self, check: u16, key: &[u8]) -> bool {
        if self.check() != check {
            return false;
        }
        // An entry that begins late in its cache line ends in the next one: both misses at once.
        prefetch(self.address().wrapping_add(CACHE_LINE - 1));
        self.entry().key() == key
    }

    /// The entry that this slot owns.
    ///
    /// # Panics
    ///
    /// When it owns none.
    #[inline]
    pub(in crate::memory) fn entry(&self) -> EntryRef<'_> {
        assert!(self.owns_entry(), "a slot without an entry");
        // SAFETY: the slot owns an entry at this address, and it is borrowed for as long as the look lasts;
        // `EXPIRES` is set only together with an expiry.
        unsafe { EntryRef::from_raw(self.address(), self.has(EXPIRES)) }
    }

    /// Asks the processor for the entry.
    pub(super) fn prefetch(&self) {
        prefetch(self.address());
        prefetch(self.address().wrapping_add(CACHE_LINE - 1));
    }

    /// The bucket that this slot owns, if it does.
    #[inline]
    pub(super) fn child(&self) -> Option<&Bucket> {
        // SAFETY: with `CHILD` set the slot owns a bucket at this address, borrowed as the slot is.
        self.has(CHILD)
            .then(|| unsafe { &*self.address().cast::<Bucket>() })
    }

    /// As [`Slot::child`], to change it.
    pub(super) fn child_mut(&mut self) -> Option<&mut Bucket> {
        // SAFETY: as in `child`, and the slot is borrowed mutably.
        self.has(CHILD)
            .then(|| unsafe { &mut *self.address().cast::<Bucket>() })
    }

    /// Takes the bucket out of this slot, which is empty then.
    pub(super) fn take_child(&mut self) -> Option<Box<Bucket>> {
        if !self.has(CHILD) {
            return None;
        }
        let address = self.address().cast::<Bucket>();
        self.0 = std::ptr::null_mut();
        // SAFETY: the address is that of a box which this slot owned, and no longer does.
        Some(unsafe { Box::from_raw(address) })
    }

    /// Takes the entry out of this slot, which is empty then.
    fn take_entry(&mut self) -> Entry {
        assert!(self.owns_entry(), "a slot without an entry");
        let address = self.address();
        self.0 = std::ptr::null_mut();
        // SAFETY: the address is that of an entry which this slot owned, and no longer does.
        unsafe { Entry::from_raw(address) }
    }

    fn change(&mut self, expires: bool, change: impl FnOnce(Entry) -> Entry) {
        let check = self.check();
        let entry = self.take_entry();
        let stamp = entry.stamp();
        let mut entry = change(entry);
        entry.set_stamp(stamp);
        *self = Self::of_entry(entry, check, expires);
    }

    /// Gives the entry another string and expiry.
    pub(in crate::memory) fn set_string(
        &mut self,
        value: StringValue<'_>,
        expires: Option<UnixMillis>,
    ) {
        self.change(expires.is_some(), |entry| entry.with_string(value, expires));
    }

    /// Adds `suffix` to the end of the entry's string.
    pub(in crate::memory) fn append_string(&mut self, suffix: &[u8]) {
        let expires = self.expires();
        self.change(expires, |entry| entry.with_suffix(suffix, expires));
    }

    /// Puts `bytes` at `offset` of the entry's string, which grows as needed.
    pub(in crate::memory) fn patch_string(&mut self, offset: usize, bytes: &[u8]) {
        let expires = self.expires();
        self.change(expires, |entry| entry.with_patch(offset, bytes, expires));
    }

    /// Changes the entry's collection; `None`, and nothing was done, when it holds a string.
    pub(in crate::memory) fn change_collection<R>(
        &mut self,
        change: impl FnOnce(&mut Collection) -> R,
    ) -> Option<R> {
        let (check, expires) = (self.check(), self.expires());
        let mut entry = self.take_entry();
        let answer = entry.collection_mut().map(change);
        *self = Self::of_entry(entry, check, expires);
        answer
    }

    /// Changes the entry's expiry.
    pub(in crate::memory) fn set_expiry(&mut self, expires: Option<UnixMillis>) {
        self.change(expires.is_some(), |entry| entry.with_expiry(expires));
    }

    /// What this slot owned; it is empty then.
    pub(super) fn take(&mut self) -> Self {
        mem::replace(self, Self::EMPTY)
    }
}

impl Drop for Slot {
    #[inline]
    fn drop(&mut self) {
        if self.0.is_null() {
            return;
        }
        match self.take_child() {
            Some(child) => drop(child),
            None => drop(self.take_entry()),
        }
    }
}
