//! What tests of durability share: a disk in memory that a test owns, and logs to damage.

mod mem_fs;

pub use mem_fs::MemFs;
