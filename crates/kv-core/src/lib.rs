//! What a store is: the meaning of data, without IO, without async, without a clock of its own.
//!
//! Two sentences hold the design. **The log holds effects, not commands**: [`Effect`] is every way in
//! which data can change, and replay applies effects, never commands. **Only [`Txn`] can change a
//! store, and `Txn` always records**: a write that is not logged cannot be written down.
//!
//! [`MemoryStore`] is the engine. A program that wants a map that many threads share, with expiry, needs
//! nothing but it and [`KeyValue`]:
//!
//! ```
//! use kv_core::{Clock, Cursor, KeyValue, MemoryOptions, MemoryStore, Store, SystemClock};
//!
//! let store = MemoryStore::new(MemoryOptions::default());
//! std::thread::scope(|scope| {
//!     for thread in 0..8 {
//!         let store = &store;
//!         scope.spawn(move || -> Result<(), kv_core::StoreError> {
//!             let (name, session) = (format!("user:{thread}"), format!("session:{thread}"));
//!             store.set(name.as_bytes(), b"ada")?;
//!             assert_eq!(store.get(name.as_bytes())?.as_deref(), Some(&b"ada"[..]));
//!
//!             // Gone from this time on; the memory comes back with the next sweep.
//!             let now = SystemClock.now();
//!             store.set_until(session.as_bytes(), b"token", now)?;
//!             assert_eq!(store.get(session.as_bytes())?, None);
//!             store.expire_due(now, 1_000);
//!             Ok(())
//!         });
//!     }
//! });
//!
//! let mut names = Vec::new();
//! let mut cursor = Cursor::START;
//! loop {
//!     let (next, keys) = store.scan(cursor, 100)?;
//!     names.extend(keys);
//!     if next == Cursor::START {
//!         break;
//!     }
//!     cursor = next;
//! }
//! assert_eq!(names.len(), 8);
//! # Ok::<(), kv_core::StoreError>(())
//! ```
//!
//! Several changes as one, on keys that are named beforehand:
//!
//! ```
//! use kv_core::{At, Db, KeySet, MemoryOptions, MemoryStore, StringRef, StringValue, UnixMillis};
//!
//! let store = MemoryStore::new(MemoryOptions::default());
//! let at = At { db: Db::FIRST, now: UnixMillis(0) };
//! let keys: [&[u8]; 2] = [b"stock", b"sold"];
//! let (left, _lsn) = store.write_with(at, KeySet::Many(&keys), |txn| {
//!     let left = match txn.string(b"stock") {
//!         Ok(Some(StringRef::Int(number))) => number - 1,
//!         _ => 99,
//!     };
//!     txn.set_string(b"stock", StringValue::Int(left), None);
//!     txn.append_string(b"sold", b"x");
//!     left
//! })?;
//! assert_eq!(left, 99);
//! # Ok::<(), kv_core::StoreError>(())
//! ```
//!
//! Invariant: the order of LSNs agrees with the order in which each key changed, because effects are
//! handed to the log while the stripes of their keys are still locked.
//! Invariant: live writes and replay change memory through the same function, `Stripe::apply`.

// The contracts.
mod item;
mod key_value;
mod store;

// What a store is made of.
mod clock;
mod db;
mod effect;
mod error;
mod library;
pub mod limits;
mod log;
mod lsn;
mod observe;
mod random;
mod slot;
mod value;

// The engine.
mod memory;
mod txn;

// For tests, of this crate and of other stores.
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use clock::{Clock, ManualClock, SystemClock, UnixMillis};
pub use db::Db;
pub use effect::Effect;
pub use error::StoreError;
pub use key_value::{Cursor, KeyValue};
pub use library::Libraries;
pub use log::{EffectLog, Refusal, Size};
pub use lsn::Lsn;
pub use memory::{
    EvictionRule, KeyWatcher, Keyspace, MemoryOptions, MemoryStats, MemoryStore, Uses, Walk,
    WalkBacklog, Worst,
};
pub use observe::{Classes, Event, Happening, Observer, Told};
pub use random::Random;
pub use slot::{SLOT_COUNT, slot_of};
pub use store::{At, ExpireSweep, Item, KeySet, Store};
pub use txn::{Txn, View, ZSetAdded};
pub use value::{
    CollectionKind, Consumer, Elements, Expiry, Group, Hash, HashRef, Kind, List, ListEnd, Pending,
    Set, Stream, StreamChange, StreamEntry, StreamId, StreamIter, StringRef, StringValue,
    ValueLimits, ValueRef, ZSet, ZSetIter,
};
