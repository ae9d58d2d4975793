//! The server as a whole.

mod backup;
mod config;
mod dbsize;
mod debug;
mod flush;
mod info;
mod save;
mod shutdown;
mod time;

use super::spec::CommandSpec;

/// The commands of this group, sorted by name.
pub(super) const GROUP: &[CommandSpec] = &[
    backup::BACKUP,
    save::BGREWRITEAOF,
    save::BGSAVE,
    config::CONFIG,
    dbsize::DBSIZE,
    debug::DEBUG,
    flush::FLUSHALL,
    flush::FLUSHDB,
    info::INFO,
    save::LASTSAVE,
    save::SAVE,
    shutdown::SHUTDOWN,
    time::TIME,
];
