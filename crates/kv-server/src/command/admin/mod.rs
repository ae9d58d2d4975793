//! The server as a whole.

mod backup;
mod config;
mod dbsize;
mod flush;
mod info;
mod shutdown;
mod time;

use super::spec::CommandSpec;

/// The commands of this group, sorted by name.
pub(super) const GROUP: &[CommandSpec] = &[
    backup::BACKUP,
    config::CONFIG,
    dbsize::DBSIZE,
    flush::FLUSHALL,
    flush::FLUSHDB,
    info::INFO,
    shutdown::SHUTDOWN,
    time::TIME,
];
