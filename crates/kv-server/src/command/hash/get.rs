//! `HGET`, `HMGET`, `HEXISTS`, `HSTRLEN`, `HLEN`: look at some fields of a hash.

use crate::command::prelude::*;

pub(super) const HGET: CommandSpec = CommandSpec {
    name: "HGET",
    group: Group::Hash,
    summary: "Returns the value of a field of a hash.",
    syntax: "HGET key field",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(3),
    keys: Keys::one(1, Access::READ),
    flags: Flags::FAST,
    run: Run::Read(hget),
};

pub(super) const HMGET: CommandSpec = CommandSpec {
    name: "HMGET",
    group: Group::Hash,
    summary: "Returns the values of several fields of a hash.",
    syntax: "HMGET key field [field ...]",
    complexity: "O(N) in the number of fields given",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(3),
    keys: Keys::one(1, Access::READ),
    flags: Flags::FAST,
    run: Run::Read(hmget),
};

pub(super) const HEXISTS: CommandSpec = CommandSpec {
    name: "HEXISTS",
    group: Group::Hash,
    summary: "Returns whether a hash has a field.",
    syntax: "HEXISTS key field",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(3),
    keys: Keys::one(1, Access::NONE),
    flags: Flags::FAST,
    run: Run::Read(hexists),
};

pub(super) const HSTRLEN: CommandSpec = CommandSpec {
    name: "HSTRLEN",
    group: Group::Hash,
    summary: "Returns the length of the value of a field of a hash, in bytes.",
    syntax: "HSTRLEN key field",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(3),
    keys: Keys::one(1, Access::NONE),
    flags: Flags::FAST,
    run: Run::Read(hstrlen),
};

pub(super) const HLEN: CommandSpec = CommandSpec {
    name: "HLEN",
    group: Group::Hash,
    summary: "Returns how many fields a hash has.",
    syntax: "HLEN key",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(2),
    keys: Keys::one(1, Access::NONE),
    flags: Flags::FAST,
    run: Run::Read(hlen),
};

fn hget(view: &mut View<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    value_of_next(view, &mut args, |value| match value {
        Some(value) => reply.bulk(value),
        None => reply.null(),
    })
}

fn hexists(view: &mut View<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    value_of_next(view, &mut args, |value| {
        reply.int(i64::from(value.is_some()));
    })
}

fn hstrlen(view: &mut View<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    value_of_next(view, &mut args, |value| {
        reply.int(value.map_or(0, <[u8]>::len) as i64);
    })
}

/// Shows the value of the field that `args` names, as the only one, to `look`.
fn value_of_next(
    view: &mut View<'_>,
    args: &mut Args<'_>,
    look: impl FnOnce(Option<&[u8]>),
) -> Outcome {
    let (key, field) = (args.key()?, args.bytes()?);
    args.finish()?;
    look(view.hash(key)?.and_then(|hash| hash.get(field)));
    Ok(())
}

fn hmget(view: &mut View<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let hash = view.hash(key)?;
    reply.array(args.len());
    for field in args.rest() {
        match hash.and_then(|hash| hash.get(field)) {
            Some(value) => reply.bulk(value),
            None => reply.null(),
        }
    }
    Ok(())
}

fn hlen(view: &mut View<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    args.finish()?;
    reply.int(view.hash_len(key)? as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn what_is_missing_is_nothing() {
        let shell = Shell::new();
        shell.run("HSET h a 12345 b ");
        assert_eq!(shell.run("HGET h a"), "$5|12345|");
        assert_eq!(shell.run("HGET h b"), "$0||");
        assert_eq!(shell.run("HGET h c"), "$-1|");
        assert_eq!(shell.run("HGET none a"), "$-1|");
        assert_eq!(shell.run("HMGET none a b"), "*2|$-1|$-1|");
        assert_eq!(shell.run("HSTRLEN h a"), ":5|");
        assert_eq!(shell.run("HSTRLEN h c"), ":0|");
        assert_eq!(shell.run("HEXISTS h b"), ":1|");
        assert_eq!(shell.run("HLEN h"), ":2|");
    }
}
