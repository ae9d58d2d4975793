//! One cache line of a table: seven slots, a tag for each, and a chain for what does not fit.
//!
//! ```text
//!  0  seven tags, one byte each: eight bits of each key's hash
//!  7  bits 0-2: slots that own entries; bit 7: the last slot owns the next bucket of the chain
//!  8  seven slots
//! ```
//!
//! Invariant: the entries of a bucket are in its first slots, without a gap.
//! Invariant: a bucket with a next one is full: six entries and the chain; the last one of a chain has two
//! entries at least. So a chain is never longer than it must be.

use super::Slot;
use crate::memory::place::Place;

const SLOTS: usize = 7;
const CHAIN_SLOT: usize = SLOTS - 1;
const META: usize = SLOTS;
const COUNT: u8 = 0b111;
const CHAINED: u8 = 0x80;

/// Seven slots and their tags.
#[repr(C, align(64))]
pub(in crate::memory) struct Bucket {
    head: [u8; 8],
    slots: [Slot; SLOTS],
}

const _: () = assert!(size_of::<Bucket>() == 64);

impl Default for Bucket {
    fn default() -> Self {
        Self {
            head: [0; 8],
            slots: [Slot::EMPTY; SLOTS],
        }
    }
}

impl Bucket {
    /// Bytes of memory of a bucket.
    pub(in crate::memory) const BYTES: usize = size_of::<Self>();

    pub(in crate::memory) fn is_empty(&self) -> bool {
        self.count() == 0
    }

    fn count(&self) -> usize {
        usize::from(self.head[META] & COUNT)
    }

    fn is_chained(&self) -> bool {
        self.head[META] & CHAINED != 0
    }

    fn next(&self) -> Option<&Self> {
        if self.is_chained() {
            self.slots[CHAIN_SLOT].child()
        } else {
            None
        }
    }

    fn next_mut(&mut self) -> Option<&mut Self> {
        self.slots[CHAIN_SLOT].child_mut()
    }

    /// A bit (the highest of byte `i`) for each slot `i` with an entry whose tag is `tag`. Where one is set
    /// rightly, later ones may be set wrongly.
    #[inline]
    fn candidates(&self, tag: u8) -> u64 {
        const ONES: u64 = 0x0101_0101_0101_0101;
        let head = u64::from_le_bytes(self.head);
        let count = head >> (8 * META) & u64::from(COUNT);
        let differing = head ^ (u64::from(tag) * ONES);
        let equal = differing.wrapping_sub(ONES) & !differing & (ONES << 7);
        equal & ((1 << (8 * count)) - 1)
    }

    #[inline]
    fn position(&self, place: Place, key: &[u8]) -> Option<usize> {
        let mut candidates = self.candidates(place.tag());
        while candidates != 0 {
            let index = (candidates.trailing_zeros() / 8) as usize;
            if self.slots[index].holds(place.check(), key) {
                return Some(index);
            }
            candidates &= candidates - 1;
        }
        None
    }

    /// The slot of `key` in this chain.
    #[inline]
    pub(in crate::memory) fn find(&self, place: Place, key: &[u8]) -> Option<&Slot> {
        let mut bucket = self;
        loop {
            if let Some(index) = bucket.position(place, key) {
                return Some(&bucket.slots[index]);
            }
            bucket = bucket.next()?;
        }
    }

    /// As [`Bucket::find`], to change the entry.
    #[inline]
    pub(in crate::memory) fn find_mut(&mut self, place: Place, key: &[u8]) -> Option<&mut Slot> {
        let mut bucket = self;
        loop {
            if let Some(index) = bucket.position(place, key) {
                return Some(&mut bucket.slots[index]);
            }
            bucket = bucket.next_mut()?;
        }
    }

    /// Asks the processor for the entry that the key of `place` probably has in this bucket.
    pub(in crate::memory) fn prefetch_entry(&self, place: Place) {
        let candidates = self.candidates(place.tag());
        if candidates != 0 {
            self.slots[(candidates.trailing_zeros() / 8) as usize].prefetch();
        } else if self.is_chained() {
            self.slots[CHAIN_SLOT].prefetch();
        }
    }

    /// Adds an entry whose key is not in this chain yet; whether the chain got a bucket more.
    pub(in crate::memory) fn push(&mut self, tag: u8, slot: Slot) -> bool {
        let mut bucket = self;
        while bucket.is_chained() {
            let Some(next) = bucket.next_mut() else {
                unreachable!("a chained bucket has a next one")
            };
            bucket = next;
        }
        let full = bucket.count() == SLOTS;
        if full {
            bucket = bucket.extend_chain();
        }
        bucket.put(tag, slot);
        full
    }

    fn put(&mut self, tag: u8, slot: Slot) {
        let index = self.count();
        self.head[index] = tag;
        self.slots[index] = slot;
        self.head[META] += 1;
    }

    /// Moves the last entry of this full bucket into a new next bucket, and returns that one.
    fn extend_chain(&mut self) -> &mut Self {
        let mut next = Box::<Self>::default();
        next.put(self.head[CHAIN_SLOT], self.slots[CHAIN_SLOT].take());
        self.slots[CHAIN_SLOT] = Slot::of_child(next);
        self.head[META] = CHAINED | (self.head[META] - 1);
        let Some(next) = self.next_mut() else {
            unreachable!("the next bucket was put here")
        };
        next
    }

    /// Takes the entry of `key` out of this chain.
    pub(in crate::memory) fn remove(&mut self, place: Place, key: &[u8]) -> Option<Slot> {
        self.find(place, key)?;
        let (tag, last) = self.pop()?;
        if last.holds(place.check(), key) {
            return Some(last);
        }
        // The last entry of the chain fills the gap.
        let mut bucket = self;
        loop {
            if let Some(index) = bucket.position(place, key) {
                bucket.head[index] = tag;
                return Some(std::mem::replace(&mut bucket.slots[index], last));
            }
            bucket = bucket.next_mut()?;
        }
    }

    /// Takes the last entry out of this chain.
    pub(in crate::memory) fn pop(&mut self) -> Option<(u8, Slot)> {
        let Some(next) = self.next_mut() else {
            return self.pop_own();
        };
        let popped = next.pop();
        if next.count() == 1 && !next.is_chained() {
            let left = next.pop_own();
            self.slots[CHAIN_SLOT] = Slot::EMPTY;
            self.head[META] &= !CHAINED;
            if let Some((tag, slot)) = left {
                self.put(tag, slot);
            }
        }
        popped
    }

    fn pop_own(&mut self) -> Option<(u8, Slot)> {
        let index = self.count().checked_sub(1)?;
        self.head[META] -= 1;
        Some((self.head[index], self.slots[index].take()))
    }

    /// Shows every entry of this chain.
    pub(in crate::memory) fn for_each(&self, mut show: impl FnMut(Place, &Slot)) {
        let mut bucket = Some(self);
        while let Some(here) = bucket {
            for (tag, slot) in here.head.iter().zip(&here.slots[..here.count()]) {
                show(Place::of_parts(slot.check(), *tag), slot);
            }
            bucket = here.next();
        }
    }

    /// As [`Bucket::for_each`], to change the slots, each of which must keep its entry.
    pub(in crate::memory) fn for_each_mut(&mut self, mut show: impl FnMut(Place, &mut Slot)) {
        let mut bucket = Some(self);
        while let Some(here) = bucket {
            let count = here.count();
            for (tag, slot) in here.head.iter().zip(&mut here.slots[..count]) {
                show(Place::of_parts(slot.check(), *tag), slot);
            }
            bucket = if here.is_chained() {
                here.next_mut()
            } else {
                None
            };
        }
    }

    /// How many buckets this one has chained to it.
    pub(in crate::memory) fn chained(&self) -> usize {
        let mut count = 0;
        let mut bucket = self;
        while let Some(next) = bucket.next() {
            count += 1;
            bucket = next;
        }
        count
    }
}

impl Drop for Bucket {
    fn drop(&mut self) {
        // One after the other, so that a long chain needs no deep stack.
        let mut next = self.slots[CHAIN_SLOT].take_child();
        while let Some(mut bucket) = next {
            next = bucket.slots[CHAIN_SLOT].take_child();
        }
    }
}
