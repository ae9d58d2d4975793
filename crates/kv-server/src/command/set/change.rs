//! `SADD key member [member ...]`, `SREM key member [member ...]`: add and remove members.

use crate::command::prelude::*;

pub(super) const SADD: CommandSpec = CommandSpec {
    name: "SADD",
    group: Group::Set,
    summary: "Adds members to a set and returns how many are new; a missing key counts as an empty set.",
    syntax: "SADD key member [member ...]",
    complexity: "O(N) in the number of members given",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(3),
    keys: Keys::one(1, Access::INSERT),
    flags: Flags::FAST.union(Flags::BOUNDED),
    run: Run::Write(sadd),
};

pub(super) const SREM: CommandSpec = CommandSpec {
    name: "SREM",
    group: Group::Set,
    summary: "Removes members from a set and returns how many were there.",
    syntax: "SREM key member [member ...]",
    complexity: "O(N) in the number of members given",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(3),
    keys: Keys::one(1, Access::DELETE),
    flags: Flags::FAST.union(Flags::NEVER_GROWS).union(Flags::BOUNDED),
    run: Run::Write(srem),
};

fn sadd(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let added = txn.set_add(key, &args.words())?;
    if added > 0 {
        txn.announce(key, event::SADD);
    }
    reply.int(added as i64);
    Ok(())
}

fn srem(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let removed = txn.set_remove(key, &args.words())?;
    if removed > 0 {
        event::announce_removal(txn, key, event::SREM);
    }
    reply.int(removed as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn what_is_given_twice_counts_once() {
        let shell = Shell::new();
        assert_eq!(shell.run("SADD s a b a"), ":2|");
        assert_eq!(shell.run("SADD s a c"), ":1|");
        assert_eq!(shell.run("SREM s a a none"), ":1|");
        assert_eq!(shell.run("SREM s b c"), ":2|");
        assert_eq!(shell.run("EXISTS s"), ":0|");
    }
}
