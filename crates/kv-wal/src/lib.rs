//! Bytes on disk: a log of effects that makes an in-memory store durable.
//!
//! [`DurableStore`] is a [`kv_core::MemoryStore`] with a log, recovered from a directory. It is usable from any
//! program, without a server:
//!
//! ```
//! use kv_core::KeyValue;
//! use kv_wal::{DurableOptions, DurableStore};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let dir = folder.path().join("kv-data");
//! let store = DurableStore::open(&dir, DurableOptions::default())?;
//! store.set(b"greeting", b"hello")?;
//! // On disk. Whatever happens to the process or the machine now, it comes back.
//! drop(store);
//!
//! let store = DurableStore::open(&dir, DurableOptions::default())?;
//! assert_eq!(store.get(b"greeting")?.as_deref(), Some(&b"hello"[..]));
//! # Ok(())
//! # }
//! ```
//!
//! | policy | a write is acknowledged | process crash | OS crash, power loss |
//! |---|---|---|---|
//! | [`Durability::Always`] | when it is flushed with `fdatasync` | loses nothing | loses nothing |
//! | [`Durability::EverySec`] | when the kernel has it | loses nothing | loses at most two seconds |
//! | [`Durability::No`] | when the kernel has it | loses nothing | loses what the kernel had not written back |
//!
//! "Nothing" is: of what was acknowledged. The whole promise, and what it rests on, is `docs/durability.md`.
//!
//! One write's way: the store appends its effects to the open batch (`batch`) while the keys are still locked;
//! the writer thread (`writer`) writes the batch as one frame into the live segment (`segment`, `format`) and
//! syncs it; the gate (`gate`) releases whoever waits. The way back: `replay` reads frames (`reader`) and shows
//! their effects to the store.

// The store.
mod durable;
mod error;
mod options;

// The promise.
mod gate;
mod sync;

// Writing.
mod batch;
mod headroom;
mod keeper;
mod log;
mod pace;
mod poison;
mod primitives;
mod sleeper;
mod syncer;
mod threads;
mod writer;

// Reading back.
mod reader;
mod replay;
mod restore;

// Snapshots.
mod compact;
mod rotation;
mod snapshot;

// Looking after a directory.
mod upkeep;

// Files and bytes.
mod dir;
mod file;
mod format;
pub mod fs;
mod json;
mod manifest;
mod segment;

// Data of others.
pub mod import;

pub use durable::DurableStore;
pub use error::{LogFailure, OpenError};
pub use gate::{Armed, CommitGate, Subscription};
pub use options::{
    DroppedTail, DurableOptions, Encoding, LogStats, OnFailure, OnProgress, Progress, Recovered,
};
pub use snapshot::{SnapshotError, SnapshotInfo, SnapshotProgress, SnapshotRule, SnapshotStatus};
pub use sync::{Durability, UnknownDurability};
pub use upkeep::{
    Copied, Entry, Inspection, Repaired, SegmentFigures, SnapshotFigures, Target, UpkeepError,
    Verdict, copy, first_lsn, inspect, read_log, repair_by_truncating,
};

#[cfg(test)]
mod golden;
#[cfg(all(test, any(kv_shuttle, kv_loom)))]
mod schedules;
#[cfg(feature = "testing")]
pub mod testing;

/// The programs in the README.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
