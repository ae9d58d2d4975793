//! `ZRANGESTORE destination source start stop ...`: keeps what `ZRANGE` would show.

use super::span::{Said, Span};
use crate::command::prelude::*;

pub(super) const ZRANGESTORE: CommandSpec = CommandSpec {
    name: "ZRANGESTORE",
    group: Group::SortedSet,
    summary: "Puts members of a sorted set from one rank, score or member to another at a key, whatever was there, \
              and returns how many there are.",
    syntax: "ZRANGESTORE destination source min max [BYSCORE | BYLEX] [REV] [LIMIT offset count]",
    complexity: "O(log(N)+M) in the size of the sorted set and the number of members stored",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(5),
    keys: Keys::Each(&[
        Keys::one(1, Access::UPDATE.union(Access::BLIND)),
        Keys::one(2, Access::READ),
    ]),
    flags: Flags::NONE,
    run: Run::Write(zrangestore),
};

fn zrangestore(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let (destination, source) = (args.key()?, args.key()?);
    let said = Said {
        basis: None,
        reversed: None,
        may_score: false,
    };
    let span = Span::parse(args, said)?;
    let zset = txn.zset(source)?.cloned().unwrap_or_default();
    event::announce_if_missing(txn, source);
    let replaces = txn.exists(destination);
    let ranks = span.ranks(&zset);
    let count = ranks.len();
    let members = zset.range(ranks);
    txn.set_zset(destination, members.map(|(member, score)| (score, member)));
    if count > 0 {
        txn.announce(destination, event::ZRANGESTORE);
    } else if replaces {
        txn.announce(destination, event::DEL);
    }
    reply.int(count as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn a_part_of_itself() {
        let shell = Shell::new();
        for number in 0..3000 {
            shell.run(&format!("ZADD z {number} m{number}"));
        }
        assert_eq!(shell.run("ZRANGESTORE z z 10 -1"), ":2990|");
        assert_eq!(shell.run("ZRANGE z 0 0 WITHSCORES"), "*2|$3|m10|$2|10|");
        assert_eq!(shell.run("ZRANGESTORE z none 0 -1"), ":0|");
        assert_eq!(shell.run("EXISTS z"), ":0|");
    }
}
