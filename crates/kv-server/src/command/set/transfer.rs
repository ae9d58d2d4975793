//! `SMOVE source destination member`: a member from one set to another.

use crate::command::prelude::*;

pub(super) const SMOVE: CommandSpec = CommandSpec {
    name: "SMOVE",
    group: Group::Set,
    summary: "Moves a member from one set to another and returns whether it was there.",
    syntax: "SMOVE source destination member",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(4),
    keys: Keys::Each(&[
        Keys::one(1, Access::READ.union(Access::DELETE)),
        Keys::one(2, Access::INSERT),
    ]),
    flags: Flags::FAST.union(Flags::NEVER_GROWS),
    run: Run::Write(smove),
};

/// The destination is looked at only when there is a source, as in Redis.
fn smove(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let (source, destination) = (args.key()?, args.key()?);
    let member = args.bytes()?;
    args.finish()?;
    let Some(set) = txn.set(source)? else {
        reply.int(0);
        return Ok(());
    };
    let there = set.contains(member);
    txn.set(destination)?;
    if there && source != destination {
        txn.set_remove(source, &[member])?;
        event::announce_removal(txn, source, event::SREM);
        if txn.set_add(destination, &[member])? > 0 {
            txn.announce(destination, event::SADD);
        }
    }
    reply.int(i64::from(there));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn the_last_member_takes_the_key_along() {
        let shell = Shell::new();
        shell.run("SADD a x");
        assert_eq!(shell.run("SMOVE a a x"), ":1|");
        assert_eq!(shell.run("SMOVE a b none"), ":0|");
        assert_eq!(shell.run("SMOVE a b x"), ":1|");
        assert_eq!(shell.run("EXISTS a"), ":0|");
        assert_eq!(shell.run("SMEMBERS b"), "*1|$1|x|");
    }
}
