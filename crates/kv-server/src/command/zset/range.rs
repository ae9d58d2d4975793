//! `ZRANGE` and its older forms: members that stand side by side.

use super::score::{self, Form};
use super::span::{Basis, Said, Span};
use crate::command::prelude::*;

pub(super) const ZRANGE: CommandSpec = CommandSpec {
    name: "ZRANGE",
    group: Group::SortedSet,
    summary: "Returns members of a sorted set from one rank, score or member to another.",
    syntax: "ZRANGE key start stop [BYSCORE | BYLEX] [REV] [LIMIT offset count] [WITHSCORES]",
    complexity: COMPLEXITY,
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(4),
    keys: Keys::one(1, Access::READ),
    flags: Flags::NONE,
    run: Run::Read(|view, args, reply| show(None, None, view, args, reply)),
};

pub(super) const ZREVRANGE: CommandSpec = CommandSpec {
    name: "ZREVRANGE",
    group: Group::SortedSet,
    summary: "Returns members of a sorted set from one rank to another, counted from the highest score.",
    syntax: "ZREVRANGE key start stop [WITHSCORES]",
    complexity: COMPLEXITY,
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(4),
    keys: Keys::one(1, Access::READ),
    flags: Flags::NONE,
    run: Run::Read(|view, args, reply| show(Some(Basis::Rank), Some(true), view, args, reply)),
};

pub(super) const ZRANGEBYSCORE: CommandSpec = CommandSpec {
    name: "ZRANGEBYSCORE",
    group: Group::SortedSet,
    summary: "Returns members of a sorted set from one score to another.",
    syntax: "ZRANGEBYSCORE key min max [WITHSCORES] [LIMIT offset count]",
    complexity: COMPLEXITY,
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(4),
    keys: Keys::one(1, Access::READ),
    flags: Flags::NONE,
    run: Run::Read(|view, args, reply| show(Some(Basis::Score), Some(false), view, args, reply)),
};

pub(super) const ZREVRANGEBYSCORE: CommandSpec = CommandSpec {
    name: "ZREVRANGEBYSCORE",
    group: Group::SortedSet,
    summary: "Returns members of a sorted set from one score down to another.",
    syntax: "ZREVRANGEBYSCORE key max min [WITHSCORES] [LIMIT offset count]",
    complexity: COMPLEXITY,
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(4),
    keys: Keys::one(1, Access::READ),
    flags: Flags::NONE,
    run: Run::Read(|view, args, reply| show(Some(Basis::Score), Some(true), view, args, reply)),
};

pub(super) const ZRANGEBYLEX: CommandSpec = CommandSpec {
    name: "ZRANGEBYLEX",
    group: Group::SortedSet,
    summary: "Returns members of a sorted set all of whose scores are equal, from one member to another.",
    syntax: "ZRANGEBYLEX key min max [LIMIT offset count]",
    complexity: COMPLEXITY,
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(4),
    keys: Keys::one(1, Access::READ),
    flags: Flags::NONE,
    run: Run::Read(|view, args, reply| show(Some(Basis::Lex), Some(false), view, args, reply)),
};

pub(super) const ZREVRANGEBYLEX: CommandSpec = CommandSpec {
    name: "ZREVRANGEBYLEX",
    group: Group::SortedSet,
    summary: "Returns members of a sorted set all of whose scores are equal, from one member back to another.",
    syntax: "ZREVRANGEBYLEX key max min [LIMIT offset count]",
    complexity: COMPLEXITY,
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(4),
    keys: Keys::one(1, Access::READ),
    flags: Flags::NONE,
    run: Run::Read(|view, args, reply| show(Some(Basis::Lex), Some(true), view, args, reply)),
};

const COMPLEXITY: &str =
    "O(log(N)+M) in the size of the sorted set and the number of members returned";

fn show(
    basis: Option<Basis>,
    reversed: Option<bool>,
    view: &mut View<'_>,
    mut args: Args<'_>,
    reply: &mut Reply<'_>,
) -> Outcome {
    let key = args.key()?;
    let said = Said {
        basis,
        reversed,
        may_score: true,
    };
    let span = Span::parse(args, said)?;
    match view.zset(key)? {
        None => score::list(std::iter::empty(), Form::Members, reply),
        Some(zset) => {
            let members = zset.range(span.ranks(zset));
            if span.reversed {
                score::list(members.rev(), span.form, reply);
            } else {
                score::list(members, span.form, reply);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn large_sorted_sets_as_small_ones() {
        let small = Shell::new();
        let large = Shell::new();
        for number in 0..20 {
            small.run(&format!("ZADD z {} m{number}", number / 3));
            large.run(&format!("ZADD z {} m{number}", number / 3));
        }
        for number in 0..300 {
            large.run(&format!("ZADD z 100 x{number}"));
        }
        assert_eq!(large.run("ZREMRANGEBYSCORE z 100 100"), ":300|");
        for words in [
            "0 -1",
            "-3 100 REV",
            "1 5 BYSCORE",
            "(5 (1 BYSCORE REV",
            "1 5 BYSCORE LIMIT 2 4 WITHSCORES",
            "5 1 BYSCORE REV LIMIT 3 2",
            "1 5 BYSCORE LIMIT 9223372036854775807 9223372036854775807",
            "1 5 BYSCORE LIMIT 1 -9223372036854775808",
            "5 1 BYSCORE",
            "- + BYLEX",
        ] {
            let line = format!("ZRANGE z {words}");
            assert_eq!(large.run(&line), small.run(&line), "{words}");
        }
    }
}
