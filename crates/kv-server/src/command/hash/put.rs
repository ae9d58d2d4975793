//! `HSET`, `HMSET`, `HSETNX`: give fields values.

use crate::command::prelude::*;

pub(super) const HSET: CommandSpec = CommandSpec {
    name: "HSET",
    group: Group::Hash,
    summary: "Gives fields of a hash values and returns how many are new; a missing key counts as an empty hash.",
    syntax: "HSET key field value [field value ...]",
    complexity: "O(N) in the number of fields given",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(4),
    keys: Keys::one(1, Access::UPDATE),
    flags: Flags::FAST.union(Flags::BOUNDED),
    run: Run::Write(hset),
};

pub(super) const HMSET: CommandSpec = CommandSpec {
    name: "HMSET",
    group: Group::Hash,
    summary: "Gives fields of a hash values; a missing key counts as an empty hash.",
    syntax: "HMSET key field value [field value ...]",
    complexity: "O(N) in the number of fields given",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(4),
    keys: Keys::one(1, Access::UPDATE),
    flags: Flags::FAST.union(Flags::BOUNDED),
    run: Run::Write(hmset),
};

pub(super) const HSETNX: CommandSpec = CommandSpec {
    name: "HSETNX",
    group: Group::Hash,
    summary: "Gives a field of a hash a value if it has none; a missing key counts as an empty hash.",
    syntax: "HSETNX key field value",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(4),
    keys: Keys::one(1, Access::INSERT),
    flags: Flags::FAST.union(Flags::BOUNDED),
    run: Run::Write(hsetnx),
};

fn hset(txn: &mut Txn<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let new = put(txn, args)?;
    reply.int(new as i64);
    Ok(())
}

fn hmset(txn: &mut Txn<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    put(txn, args)?;
    reply.ok();
    Ok(())
}

/// Gives the fields that are left in `args` their values; how many are new.
fn put(txn: &mut Txn<'_>, mut args: Args<'_>) -> Result<usize, CommandError> {
    let key = args.key()?;
    if !args.len().is_multiple_of(2) {
        return Err(args.wrong_arity());
    }
    let new = txn.hash_set(key, &args.words())?;
    txn.announce(key, event::HSET);
    Ok(new)
}

fn hsetnx(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let (field, value) = (args.bytes()?, args.bytes()?);
    args.finish()?;
    let free = txn.hash(key)?.is_none_or(|hash| !hash.contains(field));
    if free {
        txn.hash_set(key, &[field, value])?;
        txn.announce(key, event::HSET);
    }
    reply.int(i64::from(free));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn counts_fields_that_are_new() {
        let shell = Shell::new();
        assert_eq!(shell.run("HSET h a 1 b 2 a 3"), ":2|");
        assert_eq!(shell.run("HSET h a 4 c 5"), ":1|");
        assert_eq!(shell.run("HMSET h d 6"), "+OK|");
        assert_eq!(shell.run("HSETNX h a 7"), ":0|");
        assert_eq!(shell.run("HSETNX h e 8"), ":1|");
        assert_eq!(
            shell.run("HMGET h a b c d e"),
            "*5|$1|4|$1|2|$1|5|$1|6|$1|8|"
        );
    }

    #[test]
    fn a_field_without_a_value_changes_nothing() {
        let shell = Shell::new();
        for command in ["HSET", "HMSET"] {
            let name = command.to_ascii_lowercase();
            assert_eq!(
                shell.run(&format!("{command} h a 1 b")),
                format!("-ERR wrong number of arguments for '{name}' command|")
            );
        }
        assert_eq!(shell.run("EXISTS h"), ":0|");
    }
}
