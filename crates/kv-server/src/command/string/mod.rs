//! Strings and numbers.

mod append;
mod comparison;
pub(super) mod decimal;
mod delex;
mod delifeq;
mod digest;
mod get;
mod getdel;
mod getex;
mod getset;
mod incr;
mod incrbyfloat;
mod lcs;
mod mget;
mod mset;
mod msetex;
mod range;
mod set;
mod set_options;
mod setex;
mod setnx;
mod show;
mod strlen;

use super::spec::CommandSpec;

/// The commands of this group, sorted by name.
pub(super) const GROUP: &[CommandSpec] = &[
    append::APPEND,
    incr::DECR,
    incr::DECRBY,
    delex::DELEX,
    delifeq::DELIFEQ,
    digest::DIGEST,
    get::GET,
    getdel::GETDEL,
    getex::GETEX,
    range::GETRANGE,
    getset::GETSET,
    incr::INCR,
    incr::INCRBY,
    incrbyfloat::INCRBYFLOAT,
    lcs::LCS,
    mget::MGET,
    mset::MSET,
    msetex::MSETEX,
    mset::MSETNX,
    setex::PSETEX,
    set::SET,
    setex::SETEX,
    setnx::SETNX,
    range::SETRANGE,
    strlen::STRLEN,
    range::SUBSTR,
];
