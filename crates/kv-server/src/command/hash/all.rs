//! `HGETALL key`, `HKEYS key`, `HVALS key`: look at a whole hash.

use crate::command::prelude::*;

pub(super) const HGETALL: CommandSpec = CommandSpec {
    name: "HGETALL",
    group: Group::Hash,
    summary: "Returns all fields of a hash and their values.",
    syntax: "HGETALL key",
    complexity: "O(N) in the number of fields",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(2),
    keys: Keys::one(1, Access::READ),
    flags: Flags::NONE,
    run: Run::Read(hgetall),
};

pub(super) const HKEYS: CommandSpec = CommandSpec {
    name: "HKEYS",
    group: Group::Hash,
    summary: "Returns all fields of a hash.",
    syntax: "HKEYS key",
    complexity: "O(N) in the number of fields",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(2),
    keys: Keys::one(1, Access::READ),
    flags: Flags::NONE,
    run: Run::Read(hkeys),
};

pub(super) const HVALS: CommandSpec = CommandSpec {
    name: "HVALS",
    group: Group::Hash,
    summary: "Returns the values of all fields of a hash.",
    syntax: "HVALS key",
    complexity: "O(N) in the number of fields",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(2),
    keys: Keys::one(1, Access::READ),
    flags: Flags::NONE,
    run: Run::Read(hvals),
};

fn hgetall(view: &mut View<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    args.finish()?;
    let Some(hash) = view.hash(key)? else {
        reply.map(0);
        return Ok(());
    };
    reply.map(hash.len());
    for (field, value) in hash.iter() {
        reply.bulk(field);
        reply.bulk(value);
    }
    Ok(())
}

fn hkeys(view: &mut View<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    args.finish()?;
    let Some(hash) = view.hash(key)? else {
        reply.array(0);
        return Ok(());
    };
    reply.array(hash.len());
    hash.iter().for_each(|(field, _)| reply.bulk(field));
    Ok(())
}

fn hvals(view: &mut View<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    args.finish()?;
    let Some(hash) = view.hash(key)? else {
        reply.array(0);
        return Ok(());
    };
    reply.array(hash.len());
    hash.iter().for_each(|(_, value)| reply.bulk(value));
    Ok(())
}

#[cfg(test)]
mod tests {
    use kv_proto::Format;

    use crate::command::testing::Shell;

    #[test]
    fn a_hash_is_a_map_where_there_are_maps() {
        let shell = Shell::in_format(Format::Resp3);
        shell.run("HSET h a 1 b 2");
        assert_eq!(shell.run("HGETALL h"), "%2|$1|a|$1|1|$1|b|$1|2|");
        assert_eq!(shell.run("HGETALL none"), "%0|");
        assert_eq!(shell.run("HKEYS h"), "*2|$1|a|$1|b|");
        assert_eq!(shell.run("HVALS h"), "*2|$1|1|$1|2|");
    }
}
