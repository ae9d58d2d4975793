//! `SCARD key`, `SMEMBERS key`, `SISMEMBER key member`, `SMISMEMBER key member [member ...]`: what is in a set.

use crate::command::prelude::*;

pub(super) const SCARD: CommandSpec = CommandSpec {
    name: "SCARD",
    group: Group::Set,
    summary: "Returns how many members a set has.",
    syntax: "SCARD key",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(2),
    keys: Keys::one(1, Access::NONE),
    flags: Flags::FAST,
    run: Run::Read(scard),
};

pub(super) const SMEMBERS: CommandSpec = CommandSpec {
    name: "SMEMBERS",
    group: Group::Set,
    summary: "Returns all members of a set.",
    syntax: "SMEMBERS key",
    complexity: "O(N) in the number of members",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(2),
    keys: Keys::one(1, Access::READ),
    flags: Flags::NONE,
    run: Run::Read(smembers),
};

pub(super) const SISMEMBER: CommandSpec = CommandSpec {
    name: "SISMEMBER",
    group: Group::Set,
    summary: "Returns whether something is a member of a set.",
    syntax: "SISMEMBER key member",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(3),
    keys: Keys::one(1, Access::NONE),
    flags: Flags::FAST,
    run: Run::Read(sismember),
};

pub(super) const SMISMEMBER: CommandSpec = CommandSpec {
    name: "SMISMEMBER",
    group: Group::Set,
    summary: "Returns of several things whether each is a member of a set.",
    syntax: "SMISMEMBER key member [member ...]",
    complexity: "O(N) in the number of members given",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(3),
    keys: Keys::one(1, Access::READ),
    flags: Flags::FAST,
    run: Run::Read(smismember),
};

fn scard(view: &mut View<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    args.finish()?;
    reply.int(view.set(key)?.map_or(0, |set| set.len()) as i64);
    Ok(())
}

fn smembers(view: &mut View<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    args.finish()?;
    match view.set(key)? {
        None => reply.set(0),
        Some(set) => {
            reply.set(set.len());
            set.iter().for_each(|member| reply.bulk(member));
        }
    }
    Ok(())
}

fn sismember(view: &mut View<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let (key, member) = (args.key()?, args.bytes()?);
    args.finish()?;
    let set = view.set(key)?;
    reply.int(i64::from(set.is_some_and(|set| set.contains(member))));
    Ok(())
}

fn smismember(view: &mut View<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let set = view.set(key)?;
    reply.array(args.len());
    for member in args.rest() {
        reply.int(i64::from(set.is_some_and(|set| set.contains(member))));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use kv_proto::Format;

    use crate::command::testing::Shell;

    #[test]
    fn members_are_a_set_where_there_are_sets() {
        let shell = Shell::in_format(Format::Resp3);
        shell.run("SADD s a b");
        assert_eq!(shell.run("SMEMBERS s"), "~2|$1|a|$1|b|");
        assert_eq!(shell.run("SMEMBERS none"), "~0|");
        assert_eq!(shell.run("SMISMEMBER s a x"), "*2|:1|:0|");
    }
}
