//! `ZCARD`, `ZSCORE`, `ZMSCORE`, `ZRANK`, `ZREVRANK`: what is in a sorted set, and where.

use crate::command::prelude::*;

pub(super) const ZCARD: CommandSpec = CommandSpec {
    name: "ZCARD",
    group: Group::SortedSet,
    summary: "Returns how many members a sorted set has.",
    syntax: "ZCARD key",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(2),
    keys: Keys::one(1, Access::NONE),
    flags: Flags::FAST,
    run: Run::Read(zcard),
};

pub(super) const ZSCORE: CommandSpec = CommandSpec {
    name: "ZSCORE",
    group: Group::SortedSet,
    summary: "Returns the score of a member.",
    syntax: "ZSCORE key member",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(3),
    keys: Keys::one(1, Access::READ),
    flags: Flags::FAST,
    run: Run::Read(zscore),
};

pub(super) const ZMSCORE: CommandSpec = CommandSpec {
    name: "ZMSCORE",
    group: Group::SortedSet,
    summary: "Returns the scores of several members.",
    syntax: "ZMSCORE key member [member ...]",
    complexity: "O(N) in the number of members given",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(3),
    keys: Keys::one(1, Access::READ),
    flags: Flags::FAST,
    run: Run::Read(zmscore),
};

pub(super) const ZRANK: CommandSpec = CommandSpec {
    name: "ZRANK",
    group: Group::SortedSet,
    summary: "Returns how many members have a lower score than one, or the same and come before it.",
    syntax: "ZRANK key member [WITHSCORE]",
    complexity: "O(log(N)) in the size of the sorted set",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(3),
    keys: Keys::one(1, Access::READ),
    flags: Flags::FAST,
    run: Run::Read(|view, args, reply| rank(false, view, args, reply)),
};

pub(super) const ZREVRANK: CommandSpec = CommandSpec {
    name: "ZREVRANK",
    group: Group::SortedSet,
    summary: "Returns how many members have a higher score than one, or the same and come behind it.",
    syntax: "ZREVRANK key member [WITHSCORE]",
    complexity: "O(log(N)) in the size of the sorted set",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(3),
    keys: Keys::one(1, Access::READ),
    flags: Flags::FAST,
    run: Run::Read(|view, args, reply| rank(true, view, args, reply)),
};

fn zcard(view: &mut View<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    args.finish()?;
    reply.int(view.zset(key)?.map_or(0, |zset| zset.len()) as i64);
    Ok(())
}

fn zscore(view: &mut View<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let (key, member) = (args.key()?, args.bytes()?);
    args.finish()?;
    show(view.zset(key)?.and_then(|zset| zset.score(member)), reply);
    Ok(())
}

fn zmscore(view: &mut View<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let zset = view.zset(key)?;
    reply.array(args.len());
    for member in args.rest() {
        show(zset.and_then(|zset| zset.score(member)), reply);
    }
    Ok(())
}

fn show(score: Option<f64>, reply: &mut Reply<'_>) {
    match score {
        Some(score) => reply.double(score),
        None => reply.null(),
    }
}

fn rank(reversed: bool, view: &mut View<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let (key, member) = (args.key()?, args.bytes()?);
    if args.len() > 1 {
        return Err(args.wrong_arity());
    }
    let scored = args.eat(b"WITHSCORE");
    args.finish()?;
    let zset = view.zset(key)?;
    let found = zset.and_then(|zset| {
        let rank = zset.rank(member)?;
        let rank = if reversed {
            zset.len() - 1 - rank
        } else {
            rank
        };
        Some((rank, zset.score(member)?))
    });
    match (found, scored) {
        (None, true) => reply.null_array(),
        (None, false) => reply.null(),
        (Some((rank, _)), false) => reply.int(rank as i64),
        (Some((rank, score)), true) => {
            reply.array(2);
            reply.int(rank as i64);
            reply.double(score);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn ranks_of_many() {
        let shell = Shell::new();
        for number in 0..300 {
            shell.run(&format!("ZADD z {} m{number}", number % 7));
        }
        assert_eq!(shell.run("ZCARD z"), ":300|");
        let order = shell.run("ZRANGE z 0 -1");
        let members = order.split('|').filter(|word| word.starts_with('m'));
        for (rank, member) in members.enumerate() {
            assert_eq!(shell.run(&format!("ZRANK z {member}")), format!(":{rank}|"));
            let from_end = 299 - rank;
            assert_eq!(
                shell.run(&format!("ZREVRANK z {member}")),
                format!(":{from_end}|")
            );
        }
        assert_eq!(shell.run("ZRANK z none WITHSCORE"), "*-1|");
    }
}
