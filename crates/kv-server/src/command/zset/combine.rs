//! `ZINTER`, `ZUNION`, `ZDIFF` and their `STORE` forms: what becomes of several sorted sets.

use kv_core::Event;

use super::algebra::{Aggregate, Operation, Source, combine};
use super::score::{self, Form};
use crate::command::prelude::*;

/// The key that is written, then those that are read.
const STORE_KEYS: Keys = Keys::Each(&[
    Keys::one(1, Access::UPDATE.union(Access::BLIND)),
    Keys::Counted {
        count_at: 2,
        step: 1,
        access: Access::READ,
    },
]);

const SHOWN_KEYS: Keys = Keys::Counted {
    count_at: 1,
    step: 1,
    access: Access::READ,
};

pub(super) const ZINTER: CommandSpec = CommandSpec {
    name: "ZINTER",
    group: Group::SortedSet,
    summary: "Returns what is in all of several sorted sets; a missing key counts as an empty one.",
    syntax: "ZINTER numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX>] [WITHSCORES]",
    complexity: "O(N*K+M*log(M)) in the size of the smallest sorted set, the number of sorted sets and of members \
                 returned",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(3),
    keys: SHOWN_KEYS,
    flags: Flags::NONE,
    run: Run::Read(|view, args, reply| show(Operation::Intersection, view, args, reply)),
};

pub(super) const ZINTERSTORE: CommandSpec = CommandSpec {
    name: "ZINTERSTORE",
    group: Group::SortedSet,
    summary: "Puts what is in all of several sorted sets at a key, whatever was there, and returns how many \
              members it has.",
    syntax: "ZINTERSTORE destination numkeys key [key ...] [WEIGHTS weight [weight ...]] \
             [AGGREGATE <SUM | MIN | MAX>]",
    complexity: "O(N*K+M*log(M)) in the size of the smallest sorted set, the number of sorted sets and of members \
                 stored",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(4),
    keys: STORE_KEYS,
    flags: Flags::NONE,
    run: Run::Write(|txn, args, reply| store(Operation::Intersection, txn, args, reply)),
};

pub(super) const ZUNION: CommandSpec = CommandSpec {
    name: "ZUNION",
    group: Group::SortedSet,
    summary: "Returns what is in any of several sorted sets; a missing key counts as an empty one.",
    syntax: "ZUNION numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX>] [WITHSCORES]",
    complexity: "O(N+M*log(M)) in the size of all sorted sets and the number of members returned",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(3),
    keys: SHOWN_KEYS,
    flags: Flags::NONE,
    run: Run::Read(|view, args, reply| show(Operation::Union, view, args, reply)),
};

pub(super) const ZUNIONSTORE: CommandSpec = CommandSpec {
    name: "ZUNIONSTORE",
    group: Group::SortedSet,
    summary: "Puts what is in any of several sorted sets at a key, whatever was there, and returns how many \
              members it has.",
    syntax: "ZUNIONSTORE destination numkeys key [key ...] [WEIGHTS weight [weight ...]] \
             [AGGREGATE <SUM | MIN | MAX>]",
    complexity: "O(N+M*log(M)) in the size of all sorted sets and the number of members stored",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(4),
    keys: STORE_KEYS,
    flags: Flags::NONE,
    run: Run::Write(|txn, args, reply| store(Operation::Union, txn, args, reply)),
};

pub(super) const ZDIFF: CommandSpec = CommandSpec {
    name: "ZDIFF",
    group: Group::SortedSet,
    summary: "Returns what is in the first of several sorted sets and in no other; a missing key counts as an \
              empty one.",
    syntax: "ZDIFF numkeys key [key ...] [WITHSCORES]",
    complexity: "O(N+M*log(M)) in the size of all sorted sets and the number of members returned",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(3),
    keys: SHOWN_KEYS,
    flags: Flags::NONE,
    run: Run::Read(|view, args, reply| show(Operation::Difference, view, args, reply)),
};

pub(super) const ZDIFFSTORE: CommandSpec = CommandSpec {
    name: "ZDIFFSTORE",
    group: Group::SortedSet,
    summary: "Puts what is in the first of several sorted sets and in no other at a key, whatever was there, and \
              returns how many members it has.",
    syntax: "ZDIFFSTORE destination numkeys key [key ...]",
    complexity: "O(N+M*log(M)) in the size of all sorted sets and the number of members stored",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(4),
    keys: STORE_KEYS,
    flags: Flags::NONE,
    run: Run::Write(|txn, args, reply| store(Operation::Difference, txn, args, reply)),
};

/// Takes the number of keys and the keys, and looks all of them up.
///
/// # Errors
///
/// There are fewer keys, or one holds neither a set nor a sorted set.
pub(super) fn sources(
    view: &mut View<'_>,
    args: &mut Args<'_>,
) -> Result<Vec<Source>, CommandError> {
    let count = usize::try_from(args.int()?).unwrap_or(0);
    if count == 0 {
        let name = args.spec().name.to_ascii_lowercase();
        let message = format!("at least 1 input key is needed for '{name}' command");
        return Err(CommandError::err(message));
    }
    let keys = args.take(count)?;
    keys.rest().map(|key| Source::read(view, key)).collect()
}

/// What stands behind the keys.
struct Options {
    aggregate: Aggregate,
    form: Form,
}

/// Reads all words that are left; weights go to their sources.
fn options(
    operation: Operation,
    may_score: bool,
    mut args: Args<'_>,
    sources: &mut [Source],
) -> Result<Options, CommandError> {
    let weighs = operation != Operation::Difference;
    let mut options = Options {
        aggregate: Aggregate::Sum,
        form: Form::Members,
    };
    while args.len() > 0 {
        if weighs && args.len() > sources.len() && args.eat(b"WEIGHTS") {
            for source in &mut *sources {
                source.weight = score::parse(args.bytes()?)
                    .ok_or_else(|| CommandError::err("weight value is not a float"))?;
            }
        } else if weighs && args.len() > 1 && args.eat(b"AGGREGATE") {
            options.aggregate = aggregate(&mut args)?;
        } else if may_score && args.eat(b"WITHSCORES") {
            options.form = Form::Scored;
        } else {
            return Err(CommandError::SYNTAX);
        }
    }
    Ok(options)
}

fn aggregate(args: &mut Args<'_>) -> Result<Aggregate, CommandError> {
    if args.eat(b"SUM") {
        Ok(Aggregate::Sum)
    } else if args.eat(b"MIN") {
        Ok(Aggregate::Min)
    } else if args.eat(b"MAX") {
        Ok(Aggregate::Max)
    } else {
        Err(CommandError::SYNTAX)
    }
}

fn show(
    operation: Operation,
    view: &mut View<'_>,
    mut args: Args<'_>,
    reply: &mut Reply<'_>,
) -> Outcome {
    let mut sources = sources(view, &mut args)?;
    let options = options(operation, true, args, &mut sources)?;
    let members = combine(operation, options.aggregate, &sources);
    let members = members.into_iter().map(|(score, member)| (member, score));
    score::list(members, options.form, reply);
    Ok(())
}

fn store(
    operation: Operation,
    txn: &mut Txn<'_>,
    mut args: Args<'_>,
    reply: &mut Reply<'_>,
) -> Outcome {
    let destination = args.key()?;
    let mut keys = args;
    let mut sources = sources(txn, &mut args)?;
    let options = options(operation, false, args, &mut sources)?;
    keys.bytes()?;
    for key in keys.take(sources.len())?.rest() {
        event::announce_if_missing(txn, key);
    }
    let members = combine(operation, options.aggregate, &sources);
    // The zero below zero is shown, but not kept.
    let members: Vec<(f64, &[u8])> = members
        .into_iter()
        .map(|(score, member)| (score + 0.0, member))
        .collect();
    let count = members.len();
    let replaces = txn.exists(destination);
    txn.set_zset(destination, members);
    if count > 0 {
        txn.announce(destination, stored(operation));
    } else if replaces {
        txn.announce(destination, event::DEL);
    }
    reply.int(count as i64);
    Ok(())
}

/// The event that the outcome of `operation` was stored.
fn stored(operation: Operation) -> Event {
    match operation {
        Operation::Intersection => event::ZINTERSTORE,
        Operation::Union => event::ZUNIONSTORE,
        Operation::Difference => event::ZDIFFSTORE,
    }
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn scores_are_weighed_and_joined() {
        let shell = Shell::new();
        shell.run("ZADD a 1 x 2 y 3 z");
        shell.run("ZADD b 10 y 20 z 30 w");
        shell.run("SADD s y w");
        assert_eq!(
            shell.run("ZUNION 3 a b s WEIGHTS 1 2 100 WITHSCORES"),
            "*8|$1|x|$1|1|$1|z|$2|43|$1|y|$3|122|$1|w|$3|160|"
        );
        assert_eq!(
            shell.run("ZINTER 2 a b AGGREGATE MAX WITHSCORES"),
            "*4|$1|y|$2|10|$1|z|$2|20|"
        );
        assert_eq!(
            shell.run("ZDIFF 2 a s WITHSCORES"),
            "*4|$1|x|$1|1|$1|z|$1|3|"
        );
        assert_eq!(shell.run("ZDIFFSTORE a 4 a s s none"), ":2|");
        assert_eq!(shell.run("ZINTERCARD 2 a b"), ":1|");
    }

    #[test]
    fn what_is_no_number_is_zero() {
        let shell = Shell::new();
        shell.run("ZADD a inf x 0 y");
        shell.run("ZADD b -inf x 1 y");
        assert_eq!(
            shell.run("ZUNION 2 a b WITHSCORES"),
            "*4|$1|x|$1|0|$1|y|$1|1|"
        );
        assert_eq!(
            shell.run("ZINTER 2 a b WEIGHTS inf 1 WITHSCORES"),
            "*4|$1|x|$1|0|$1|y|$1|1|"
        );
    }

    #[test]
    fn counts_are_checked_before_anything_is_made_of_them() {
        let shell = Shell::new();
        assert_eq!(
            shell.run("ZUNION 9223372036854775807 a"),
            "-ERR syntax error|"
        );
        assert_eq!(
            shell.run("ZINTERSTORE to -1 a"),
            "-ERR at least 1 input key is needed for 'zinterstore' command|"
        );
    }
}
