//! What tests of durability share: a disk in memory that a test owns, a simulated disk and the search for
//! crashes that break the promise, logs made to be damaged, the fuzzer of replay, and frames for benchmarks.

mod chance;
pub mod crash;
mod damage;
pub mod disk;
pub mod figures;
mod frame;
mod fuzz;
mod image;
mod mem_fs;
mod oracle;

pub use frame::FrameMaker;
pub use fuzz::{Counts, Failure, Fuzz, Outcome};
pub use mem_fs::MemFs;
