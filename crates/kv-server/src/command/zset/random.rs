//! `ZRANDMEMBER key [count [WITHSCORES]]`: members by chance.

use super::score::{self, Form};
use crate::command::prelude::*;
use crate::command::sample::Sample;

pub(super) const ZRANDMEMBER: CommandSpec = CommandSpec {
    name: "ZRANDMEMBER",
    group: Group::SortedSet,
    summary: "Returns members of a sorted set that are chosen by chance; so many, some perhaps more than once, if \
              the count is negative.",
    syntax: "ZRANDMEMBER key [count [WITHSCORES]]",
    complexity: "O(M*log(N)) in the number of members returned and the size of the sorted set",
    since: "0.1.0",
    compat: Compat::Differs("A count below -2147483648 is out of range."),
    arity: Arity::at_least(2),
    keys: Keys::one(1, Access::READ),
    flags: Flags::NONE,
    run: Run::Read(zrandmember),
};

/// With scores, counts have one bit less.
const WITH_SCORES: std::ops::RangeInclusive<i64> = -(i64::MAX / 2)..=i64::MAX / 2;

fn zrandmember(view: &mut View<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    if args.len() == 0 {
        return one(view, key, reply);
    }
    let count = args.signed()?;
    let scores = args.eat(b"WITHSCORES");
    args.finish()?;
    if scores && !WITH_SCORES.contains(&count) {
        return Err(CommandError::OUT_OF_RANGE);
    }
    let mut random = view.random();
    let Some(zset) = view.zset(key)? else {
        reply.array(0);
        return Ok(());
    };
    let drawn = Sample::of(count).draw(zset.len(), &mut random)?;
    let form = if scores { Form::Scored } else { Form::Members };
    // Every number that is drawn is the rank of a member.
    let members = drawn.map(|rank| zset.at(rank).unwrap_or_default());
    score::list(members, form, reply);
    Ok(())
}

fn one(view: &mut View<'_>, key: &[u8], reply: &mut Reply<'_>) -> Outcome {
    let mut random = view.random();
    let zset = view.zset(key)?;
    match zset.and_then(|zset| zset.at(random.below(zset.len()))) {
        Some((member, _)) => reply.bulk(member),
        None => reply.null(),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn members_and_perhaps_their_scores() {
        let shell = Shell::new();
        shell.run("ZADD z 1 a 2 b 3 c");
        assert!(shell.run("ZRANDMEMBER z").starts_with("$1|"));
        assert!(shell.run("ZRANDMEMBER z 2").starts_with("*2|"));
        assert!(shell.run("ZRANDMEMBER z 9 WITHSCORES").starts_with("*6|"));
        assert!(shell.run("ZRANDMEMBER z -9 WITHSCORES").starts_with("*18|"));
        assert_eq!(shell.run("ZRANDMEMBER none -9"), "*0|");
        assert_eq!(
            shell.run("ZRANDMEMBER z -4611686018427387903"),
            "-ERR value is out of range|"
        );
    }
}
