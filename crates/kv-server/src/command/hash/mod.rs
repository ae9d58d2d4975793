//! Hashes: fields, each with a value and, if wanted, a time at which it goes.

mod all;
mod delete;
mod expire;
mod field_list;
mod get;
mod getdel;
mod getex;
mod incr;
mod incrbyfloat;
mod put;
mod random;
mod scan;
mod setex;
mod ttl;

use super::spec::CommandSpec;

/// The commands of this group, sorted by name.
pub(super) const GROUP: &[CommandSpec] = &[
    delete::HDEL,
    get::HEXISTS,
    expire::HEXPIRE,
    expire::HEXPIREAT,
    ttl::HEXPIRETIME,
    get::HGET,
    all::HGETALL,
    getdel::HGETDEL,
    getex::HGETEX,
    incr::HINCRBY,
    incrbyfloat::HINCRBYFLOAT,
    all::HKEYS,
    get::HLEN,
    get::HMGET,
    put::HMSET,
    ttl::HPERSIST,
    expire::HPEXPIRE,
    expire::HPEXPIREAT,
    ttl::HPEXPIRETIME,
    ttl::HPTTL,
    random::HRANDFIELD,
    scan::HSCAN,
    put::HSET,
    setex::HSETEX,
    put::HSETNX,
    get::HSTRLEN,
    ttl::HTTL,
    all::HVALS,
];
