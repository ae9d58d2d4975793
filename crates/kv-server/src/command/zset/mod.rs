//! Sorted sets: members, each once, in the order of their scores.

mod add;
mod algebra;
mod blocking;
mod combine;
mod count;
mod intercard;
mod interval;
mod look;
mod mpop;
mod pop;
mod random;
mod range;
mod range_store;
mod remove;
mod scan;
mod score;
mod span;

pub(super) use add::{Addition, Condition};
pub(super) use score::parse as parse_score;

use super::spec::CommandSpec;

/// The commands of this group, sorted by name.
pub(super) const GROUP: &[CommandSpec] = &[
    blocking::BZMPOP,
    blocking::BZPOPMAX,
    blocking::BZPOPMIN,
    add::ZADD,
    look::ZCARD,
    count::ZCOUNT,
    combine::ZDIFF,
    combine::ZDIFFSTORE,
    add::ZINCRBY,
    combine::ZINTER,
    intercard::ZINTERCARD,
    combine::ZINTERSTORE,
    count::ZLEXCOUNT,
    mpop::ZMPOP,
    look::ZMSCORE,
    pop::ZPOPMAX,
    pop::ZPOPMIN,
    random::ZRANDMEMBER,
    range::ZRANGE,
    range::ZRANGEBYLEX,
    range::ZRANGEBYSCORE,
    range_store::ZRANGESTORE,
    look::ZRANK,
    remove::ZREM,
    remove::ZREMRANGEBYLEX,
    remove::ZREMRANGEBYRANK,
    remove::ZREMRANGEBYSCORE,
    range::ZREVRANGE,
    range::ZREVRANGEBYLEX,
    range::ZREVRANGEBYSCORE,
    look::ZREVRANK,
    scan::ZSCAN,
    look::ZSCORE,
    combine::ZUNION,
    combine::ZUNIONSTORE,
];
