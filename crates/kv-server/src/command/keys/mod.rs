//! Keys of any kind.

mod copy;
mod database;
mod delete;
mod dump;
mod exists;
pub(super) mod expire;
mod kind;
mod list;
mod migrate;
mod r#move;
mod object;
mod persist;
mod random;
mod rename;
mod restore;
mod scan;
mod sort;
mod swapdb;
mod ttl;

use super::spec::CommandSpec;

/// The commands of this group, sorted by name.
pub(super) const GROUP: &[CommandSpec] = &[
    copy::COPY,
    delete::DEL,
    dump::DUMP,
    exists::EXISTS,
    expire::EXPIRE,
    expire::EXPIREAT,
    ttl::EXPIRETIME,
    list::KEYS,
    migrate::MIGRATE,
    r#move::MOVE,
    object::OBJECT,
    persist::PERSIST,
    expire::PEXPIRE,
    expire::PEXPIREAT,
    ttl::PEXPIRETIME,
    ttl::PTTL,
    random::RANDOMKEY,
    rename::RENAME,
    rename::RENAMENX,
    restore::RESTORE,
    scan::SCAN,
    sort::SORT,
    sort::SORT_RO,
    swapdb::SWAPDB,
    exists::TOUCH,
    ttl::TTL,
    kind::TYPE,
    delete::UNLINK,
];
