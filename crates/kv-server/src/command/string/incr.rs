//! `INCR key`, `DECR key`, `INCRBY key increment`, `DECRBY key decrement`: count.

use kv_core::{StringRef, StringValue};

use crate::command::expire_time;
use crate::command::prelude::*;

pub(super) const INCR: CommandSpec = CommandSpec {
    name: "INCR",
    group: Group::String,
    summary: "Adds one to the integer at a key; a missing key counts as 0.",
    syntax: "INCR key",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(2),
    keys: Keys::one(1, Access::READ.union(Access::UPDATE)),
    flags: Flags::FAST.union(Flags::BOUNDED),
    run: Run::Write(|txn, args, reply| count_one(1, txn, args, reply)),
};

pub(super) const DECR: CommandSpec = CommandSpec {
    name: "DECR",
    group: Group::String,
    summary: "Takes one from the integer at a key; a missing key counts as 0.",
    syntax: "DECR key",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(2),
    keys: Keys::one(1, Access::READ.union(Access::UPDATE)),
    flags: Flags::FAST.union(Flags::BOUNDED),
    run: Run::Write(|txn, args, reply| count_one(-1, txn, args, reply)),
};

pub(super) const INCRBY: CommandSpec = CommandSpec {
    name: "INCRBY",
    group: Group::String,
    summary: "Adds an integer to the integer at a key; a missing key counts as 0.",
    syntax: "INCRBY key increment",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(3),
    keys: Keys::one(1, Access::READ.union(Access::UPDATE)),
    flags: Flags::FAST.union(Flags::BOUNDED),
    run: Run::Write(incrby),
};

pub(super) const DECRBY: CommandSpec = CommandSpec {
    name: "DECRBY",
    group: Group::String,
    summary: "Takes an integer from the integer at a key; a missing key counts as 0.",
    syntax: "DECRBY key decrement",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(3),
    keys: Keys::one(1, Access::READ.union(Access::UPDATE)),
    flags: Flags::FAST.union(Flags::BOUNDED),
    run: Run::Write(decrby),
};

fn count_one(step: i64, txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    args.finish()?;
    add(txn, key, step, reply)
}

fn incrby(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let increment = args.int()?;
    args.finish()?;
    add(txn, key, increment, reply)
}

fn decrby(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let decrement = args.int()?;
    args.finish()?;
    let increment = decrement
        .checked_neg()
        .ok_or_else(|| CommandError::err("decrement would overflow"))?;
    add(txn, key, increment, reply)
}

fn add(txn: &mut Txn<'_>, key: &[u8], increment: i64, reply: &mut Reply<'_>) -> Outcome {
    let before = txn.string(key)?.map_or(Ok(0), integer)?;
    let after = before
        .checked_add(increment)
        .ok_or(CommandError::OVERFLOW)?;
    let expires = expire_time::current(txn, key);
    txn.set_string(key, StringValue::Int(after), expires);
    txn.announce(key, event::INCRBY);
    reply.int(after);
    Ok(())
}

fn integer(string: StringRef<'_>) -> Result<i64, CommandError> {
    match string.to_value() {
        StringValue::Int(number) => Ok(number),
        StringValue::Bytes(_) => Err(CommandError::NOT_AN_INTEGER),
    }
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn count_from_nothing() {
        let shell = Shell::new();
        assert_eq!(shell.run("INCR n"), ":1|");
        assert_eq!(shell.run("INCRBY n 41"), ":42|");
        assert_eq!(shell.run("DECR n"), ":41|");
        assert_eq!(shell.run("DECRBY n -1"), ":42|");
        assert_eq!(shell.run("GET n"), "$2|42|");
    }

    #[test]
    fn only_plain_decimals_count() {
        let shell = Shell::new();
        for value in ["", "abc", "1.5", "01", "+1", "1a", "9223372036854775808"] {
            shell.run(&format!("SET k {value}"));
            assert_eq!(
                shell.run("INCR k"),
                "-ERR value is not an integer or out of range|",
                "{value}"
            );
            assert_eq!(
                shell.run(&format!("INCRBY n {value}")),
                "-ERR value is not an integer or out of range|",
                "{value}"
            );
        }
        assert_eq!(shell.run("EXISTS n"), ":0|");
    }

    #[test]
    fn nothing_wraps() {
        let shell = Shell::new();
        let overflow = "-ERR increment or decrement would overflow|";
        shell.run("SET n 9223372036854775807");
        assert_eq!(shell.run("INCR n"), overflow);
        assert_eq!(shell.run("INCRBY n 1"), overflow);
        shell.run("SET n -9223372036854775808");
        assert_eq!(shell.run("DECR n"), overflow);
        assert_eq!(shell.run("GET n"), "$20|-9223372036854775808|");
        assert_eq!(
            shell.run("DECRBY n -9223372036854775808"),
            "-ERR decrement would overflow|"
        );
    }

    #[test]
    fn counting_keeps_the_expiry() {
        let shell = Shell::new();
        shell.run("SET n 1 PX 1000");
        shell.run("INCR n");
        assert_eq!(shell.run("PTTL n"), ":1000|");
    }
}
