//! Hashes: fields, each with a value.

mod all;
mod delete;
mod get;
mod incr;
mod incrbyfloat;
mod put;

use super::spec::CommandSpec;

/// The commands of this group, sorted by name.
pub(super) const GROUP: &[CommandSpec] = &[
    delete::HDEL,
    get::HEXISTS,
    get::HGET,
    all::HGETALL,
    incr::HINCRBY,
    incrbyfloat::HINCRBYFLOAT,
    all::HKEYS,
    get::HLEN,
    get::HMGET,
    put::HMSET,
    put::HSET,
    put::HSETNX,
    get::HSTRLEN,
    all::HVALS,
];
