//! The memory of entries: the only folder with unsafe code, behind types that are safe to use.
//!
//! | file | what it is | why it needs unsafe code |
//! |---|---|---|
//! | `entry` | one key with all that belongs to it, in one allocation | the length of an allocation is data |
//! | `content` | what an entry is made with | none |
//! | `shape` | what lies where in an entry | none |
//! | `slot` | the owner of an entry or of a bucket, packed into 8 bytes | flags and hash bits inside an address |
//! | `bucket` | 7 slots and their tags in one cache line | none |
//! | `prefetch` | a hint to the processor | an intrinsic |
//!
//! # The argument
//!
//! **Who owns what.** An [`Entry`] owns one allocation, as a `Box` does: it is made by `Entry::new` only, is
//! neither `Clone` nor `Copy`, and gives the allocation back in its `Drop`. A [`Slot`] owns at most one
//! `Entry` or one `Box<Bucket>`, in the form of the address that `into_raw` gave; a bit of the word says
//! which. Whoever takes the owner out leaves an empty slot behind, so nothing is freed twice; dropping a
//! slot drops what it owns, so nothing is lost. A [`Bucket`] owns its slots; a table owns its buckets.
//!
//! **What is borrowed.** Looks at an entry ([`EntryRef`]) borrow the slot, and through it the bucket, the
//! table and the lock guard of the stripe. Every change of an entry takes its slot by `&mut`. So the borrow
//! checker keeps looks and changes apart, across threads by means of the stripe's mutex. One thing is changed
//! through a look: the stamp in the header, which says when the entry was used. No reference to a header exists, it
//! is read and written by value, and looks are not sent to other threads.
//!
//! **What an allocation holds.** Its first 8 bytes are a `Header`, written before anything else and whenever
//! the shape changes; all offsets, and the layout that the allocation is freed with, come from the header
//! by one function each. All bytes that a look can reach are initialised when the entry is made: key,
//! expiry if there is room for one, `used` bytes of the value. The rest of the room may be uninitialised and
//! is only ever written.
//!
//! **Panics.** Between the allocation of an entry and its last initialisation only plain copies run, which
//! cannot panic; what may panic (arithmetic on lengths) or allocate runs before. When memory runs out,
//! `handle_alloc_error` ends the process. A slot that was emptied by a panic in between is empty, not
//! dangling; its stripe's mutex is poisoned then, and the next lock of it aborts.
//!
//! **Addresses.** Slots use 48 bits for the address, all that user space has unless a program asks for more
//! by a hint; `Slot` asserts it. Tagging goes through `map_addr`, so the provenance of the allocation stays:
//! the tests of this crate run under Miri with strict provenance.

#![expect(
    unsafe_code,
    reason = "one allocation per entry and 8 bytes per slot are what the engine's speed and size come from"
)]

mod bucket;
mod content;
mod entry;
mod prefetch;
mod shape;
mod slot;

pub(super) use bucket::Bucket;
use entry::Entry;
pub(crate) use entry::EntryRef;
pub(super) use prefetch::prefetch;
pub(super) use slot::Slot;
