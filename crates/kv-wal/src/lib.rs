//! Bytes on disk: a log of effects that makes an in-memory store durable.
//!
//! [`DurableStore`] is a [`kv_core::MemoryStore`] with a log, recovered from a directory. What each policy
//! survives is told at [`Durability`]; the whole promise is `docs/durability.md`.

// The store.
mod durable;
mod error;
mod options;

// The promise.
mod gate;
mod sync;

// Writing.
mod batch;
mod keeper;
mod log;
mod pace;
mod poison;
mod sleeper;
mod syncer;
mod threads;
mod writer;

// Reading back.
mod reader;
mod replay;

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

pub use durable::DurableStore;
pub use error::{LogFailure, OpenError};
pub use gate::{Armed, CommitGate, Subscription};
pub use options::{
    DroppedTail, DurableOptions, Encoding, LogStats, OnFailure, OnProgress, Progress, Recovered,
};
pub use sync::{Durability, UnknownDurability};
pub use upkeep::{
    Copied, Entry, Inspection, Repaired, SegmentFigures, Target, UpkeepError, Verdict, copy,
    inspect, read_log, repair_by_truncating,
};

#[cfg(feature = "testing")]
pub mod testing;
