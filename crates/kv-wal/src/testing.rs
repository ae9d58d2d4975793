//! What tests of durability share: a disk in memory that a test owns, logs made to be damaged, and the
//! fuzzer of replay.

mod chance;
mod damage;
mod fuzz;
mod image;
mod mem_fs;
mod oracle;

pub use fuzz::{Counts, Failure, Fuzz, Outcome};
pub use mem_fs::MemFs;
