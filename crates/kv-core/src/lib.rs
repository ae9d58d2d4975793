//! What a store is: the meaning of data, without IO, without async, without a clock of its own.
//!
//! Two sentences hold the design. **The log holds effects, not commands**: [`Effect`] is every way in
//! which data can change, and replay applies effects, never commands. **Only [`Txn`] can change a
//! store, and `Txn` always records**: a write that is not logged cannot be written down.
//!
//! Invariant: the order of LSNs agrees with the order in which each key changed, because effects are
//! handed to the log while the stripes of their keys are still locked.
//! Invariant: live writes and replay change memory through the same function, `Stripe::apply`.

// The contracts.
mod key_value;
mod store;

// What a store is made of.
mod clock;
mod db;
mod effect;
mod error;
pub mod limits;
mod log;
mod lsn;
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
pub use log::{EffectLog, Refusal};
pub use lsn::Lsn;
pub use memory::{Keyspace, MemoryOptions, MemoryStats, MemoryStore, Walk, WalkBacklog};
pub use slot::{SLOT_COUNT, slot_of};
pub use store::{At, ExpireSweep, Item, KeySet, Store};
pub use txn::{Txn, View};
pub use value::{Expiry, Kind, StringRef, StringValue, ValueRef};
