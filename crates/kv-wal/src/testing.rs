//! What tests of durability share: a disk in memory that a test owns, and logs to damage.

pub mod crash;
pub mod disk;
mod mem_fs;

pub use mem_fs::MemFs;
