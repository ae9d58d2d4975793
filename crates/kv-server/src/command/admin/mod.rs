//! The server as a whole.

mod backup;
mod commandlog;
mod config;
mod dbsize;
mod debug;
mod flush;
mod info;
mod latency;
mod memory;
mod module;
mod monitor;
mod role;
mod save;
mod shutdown;
mod slowlog;
mod time;

use kv_proto::Reply;

use super::spec::CommandSpec;

/// The commands of this group, sorted by name.
pub(super) const GROUP: &[CommandSpec] = &[
    backup::BACKUP,
    save::BGREWRITEAOF,
    save::BGSAVE,
    commandlog::COMMANDLOG,
    config::CONFIG,
    dbsize::DBSIZE,
    debug::DEBUG,
    flush::FLUSHALL,
    flush::FLUSHDB,
    info::INFO,
    save::LASTSAVE,
    latency::LATENCY,
    memory::MEMORY,
    module::MODULE,
    monitor::MONITOR,
    role::ROLE,
    save::SAVE,
    shutdown::SHUTDOWN,
    slowlog::SLOWLOG,
    time::TIME,
];

/// A number of things, as a reply.
fn number(count: usize, reply: &mut Reply<'_>) {
    reply.int(i64::try_from(count).unwrap_or(i64::MAX));
}
