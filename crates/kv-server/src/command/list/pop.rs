//! `LPOP key [count]`, `RPOP key [count]`: take elements from an end.
//!
//! Owns what a pop answers and does; the commands that pop from one of several keys, or wait for one, use it.

use kv_core::ListEnd;

use super::side;
use crate::command::prelude::*;

pub(super) const LPOP: CommandSpec = CommandSpec {
    name: "LPOP",
    group: Group::List,
    summary: "Removes and returns the first elements of a list.",
    syntax: "LPOP key [count]",
    complexity: "O(N) in the number of elements returned",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(2),
    keys: Keys::one(1, Access::READ.union(Access::DELETE)),
    flags: Flags::FAST.union(Flags::NEVER_GROWS),
    run: Run::Write(|txn, args, reply| pop(ListEnd::Front, txn, args, reply)),
};

pub(super) const RPOP: CommandSpec = CommandSpec {
    name: "RPOP",
    group: Group::List,
    summary: "Removes and returns the last elements of a list, the last one first.",
    syntax: "RPOP key [count]",
    complexity: "O(N) in the number of elements returned",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(2),
    keys: Keys::one(1, Access::READ.union(Access::DELETE)),
    flags: Flags::FAST.union(Flags::NEVER_GROWS),
    run: Run::Write(|txn, args, reply| pop(ListEnd::Back, txn, args, reply)),
};

fn pop(end: ListEnd, txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    if args.len() > 1 {
        return Err(args.wrong_arity());
    }
    if args.len() == 0 {
        if !pop_one(txn, key, end, reply)? {
            reply.null();
        }
        return Ok(());
    }
    let count = args.amount()?;
    if !pop_some(txn, key, end, count, reply)? {
        reply.null_array();
    }
    Ok(())
}

/// Pops one element of the list at `key` and answers it; `false`, and nothing is answered or changed, when
/// there is no such key.
///
/// # Errors
///
/// The key holds something else.
pub(in crate::command) fn pop_one(
    txn: &mut Txn<'_>,
    key: &[u8],
    end: ListEnd,
    reply: &mut Reply<'_>,
) -> Result<bool, CommandError> {
    let Some(element) = txn.list(key)?.and_then(|list| side::outermost(list, end)) else {
        return Ok(false);
    };
    reply.bulk(element);
    txn.list_pop(key, end, 1)?;
    event::announce_removal(txn, key, side::popped(end));
    Ok(true)
}

/// Pops up to `count` elements of the list at `key` and answers a list of them, the outermost first; `false`,
/// and nothing is answered or changed, when there is no such key.
///
/// # Errors
///
/// The key holds something else.
pub(in crate::command) fn pop_some(
    txn: &mut Txn<'_>,
    key: &[u8],
    end: ListEnd,
    count: usize,
    reply: &mut Reply<'_>,
) -> Result<bool, CommandError> {
    let Some(list) = txn.list(key)? else {
        return Ok(false);
    };
    let count = count.min(list.len());
    reply.array(count);
    side::seen_from(list, end)
        .take(count)
        .for_each(|element| reply.bulk(element));
    if txn.list_pop(key, end, count)? > 0 {
        event::announce_removal(txn, key, side::popped(end));
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn pops_from_either_end() {
        let shell = Shell::new();
        shell.run("RPUSH l a b c d e");
        assert_eq!(shell.run("LPOP l"), "$1|a|");
        assert_eq!(shell.run("RPOP l"), "$1|e|");
        assert_eq!(shell.run("RPOP l 2"), "*2|$1|d|$1|c|");
        assert_eq!(shell.run("LPOP l 0"), "*0|");
        assert_eq!(shell.run("LPOP l 9223372036854775807"), "*1|$1|b|");
        assert_eq!(shell.run("EXISTS l"), ":0|");
        assert_eq!(shell.run("LPOP l 1"), "*-1|");
        assert_eq!(shell.run("LPOP l"), "$-1|");
    }

    #[test]
    fn a_count_is_a_number_from_zero() {
        let shell = Shell::new();
        for count in ["-1", "x", "9223372036854775808"] {
            assert_eq!(
                shell.run(&format!("RPOP l {count}")),
                "-ERR value is out of range, must be positive|"
            );
        }
    }
}
