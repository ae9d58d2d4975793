//! `LPUSH`, `RPUSH`, `LPUSHX`, `RPUSHX`: add elements at an end.

use kv_core::ListEnd;

use super::side;
use crate::command::prelude::*;

pub(super) const LPUSH: CommandSpec = CommandSpec {
    name: "LPUSH",
    group: Group::List,
    summary: "Adds elements in front of a list, one after the other; a missing key counts as an empty list.",
    syntax: "LPUSH key element [element ...]",
    complexity: "O(N) in the number of elements added",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(3),
    keys: Keys::one(1, Access::INSERT),
    flags: Flags::FAST.union(Flags::BOUNDED),
    run: Run::Write(|txn, args, reply| push(ListEnd::Front, txn, args, reply)),
};

pub(super) const RPUSH: CommandSpec = CommandSpec {
    name: "RPUSH",
    group: Group::List,
    summary: "Adds elements at the end of a list, one after the other; a missing key counts as an empty list.",
    syntax: "RPUSH key element [element ...]",
    complexity: "O(N) in the number of elements added",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(3),
    keys: Keys::one(1, Access::INSERT),
    flags: Flags::FAST.union(Flags::BOUNDED),
    run: Run::Write(|txn, args, reply| push(ListEnd::Back, txn, args, reply)),
};

pub(super) const LPUSHX: CommandSpec = CommandSpec {
    name: "LPUSHX",
    group: Group::List,
    summary: "Adds elements in front of a list, one after the other, if there is one.",
    syntax: "LPUSHX key element [element ...]",
    complexity: "O(N) in the number of elements added",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(3),
    keys: Keys::one(1, Access::INSERT),
    flags: Flags::FAST.union(Flags::BOUNDED),
    run: Run::Write(|txn, args, reply| push_if_there(ListEnd::Front, txn, args, reply)),
};

pub(super) const RPUSHX: CommandSpec = CommandSpec {
    name: "RPUSHX",
    group: Group::List,
    summary: "Adds elements at the end of a list, one after the other, if there is one.",
    syntax: "RPUSHX key element [element ...]",
    complexity: "O(N) in the number of elements added",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(3),
    keys: Keys::one(1, Access::INSERT),
    flags: Flags::FAST.union(Flags::BOUNDED),
    run: Run::Write(|txn, args, reply| push_if_there(ListEnd::Back, txn, args, reply)),
};

fn push(end: ListEnd, txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let length = add(end, txn, key, args)?;
    reply.int(length as i64);
    Ok(())
}

/// Adds the words that are left; how long the list is then.
fn add(end: ListEnd, txn: &mut Txn<'_>, key: &[u8], args: Args<'_>) -> Result<usize, CommandError> {
    let length = txn.list_push(key, end, &args.words())?;
    txn.announce(key, side::pushed(end));
    Ok(length)
}

fn push_if_there(
    end: ListEnd,
    txn: &mut Txn<'_>,
    mut args: Args<'_>,
    reply: &mut Reply<'_>,
) -> Outcome {
    let key = args.key()?;
    let there = txn.list(key)?.is_some();
    let length = match there {
        true => add(end, txn, key, args)?,
        false => 0,
    };
    reply.int(length as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn the_last_element_is_outermost() {
        let shell = Shell::new();
        assert_eq!(shell.run("RPUSH l a b"), ":2|");
        assert_eq!(shell.run("LPUSH l c d"), ":4|");
        assert_eq!(shell.run("LRANGE l 0 -1"), "*4|$1|d|$1|c|$1|a|$1|b|");
    }

    #[test]
    fn pushing_keeps_the_expiry() {
        let shell = Shell::new();
        shell.run("RPUSH l a");
        shell.run("PEXPIRE l 1000");
        shell.run("LPUSHX l b");
        assert_eq!(shell.run("PTTL l"), ":1000|");
    }
}
