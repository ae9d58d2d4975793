//! `RENAME key newkey`, `RENAMENX key newkey`: another name for a key.

use crate::command::prelude::*;

pub(super) const RENAME: CommandSpec = CommandSpec {
    name: "RENAME",
    group: Group::Keys,
    summary: "Gives what a key holds, and its expiry, another name, whatever had that name.",
    syntax: "RENAME key newkey",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(3),
    keys: Keys::Each(&[
        Keys::one(1, Access::READ.union(Access::DELETE)),
        Keys::one(2, Access::UPDATE.union(Access::BLIND)),
    ]),
    flags: Flags::NEVER_GROWS,
    run: Run::Write(rename),
};

pub(super) const RENAMENX: CommandSpec = CommandSpec {
    name: "RENAMENX",
    group: Group::Keys,
    summary: "Gives what a key holds, and its expiry, another name if no key has it.",
    syntax: "RENAMENX key newkey",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(3),
    keys: Keys::Each(&[
        Keys::one(1, Access::READ.union(Access::DELETE)),
        Keys::one(2, Access::INSERT.union(Access::BLIND)),
    ]),
    flags: Flags::FAST.union(Flags::NEVER_GROWS),
    run: Run::Write(renamenx),
};

fn rename(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let (key, new) = (args.key()?, args.key()?);
    args.finish()?;
    if !txn.move_key(key, txn.db(), new) {
        return Err(CommandError::NO_SUCH_KEY);
    }
    announce(txn, key, new);
    reply.ok();
    Ok(())
}

fn renamenx(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let (key, new) = (args.key()?, args.key()?);
    args.finish()?;
    if !txn.exists(key) {
        return Err(CommandError::NO_SUCH_KEY);
    }
    let free = !txn.exists(new);
    if free {
        txn.move_key(key, txn.db(), new);
        announce(txn, key, new);
    }
    reply.int(i64::from(free));
    Ok(())
}

fn announce(txn: &mut Txn<'_>, key: &[u8], new: &[u8]) {
    if key != new {
        txn.announce(key, event::RENAME_FROM);
        txn.announce(new, event::RENAME_TO);
    }
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn value_and_expiry_move() {
        let shell = Shell::new();
        shell.run("SET a 1 PX 1000");
        shell.run("SET b 2 PX 9");
        assert_eq!(shell.run("RENAME a b"), "+OK|");
        assert_eq!(shell.run("MGET a b"), "*2|$-1|$1|1|");
        assert_eq!(shell.run("PTTL b"), ":1000|");
        assert_eq!(shell.run("RENAME b b"), "+OK|");
        assert_eq!(shell.run("RENAME none b"), "-ERR no such key|");
        assert_eq!(shell.run("RENAMENX b b"), ":0|");
        assert_eq!(shell.run("RENAMENX b c"), ":1|");
        assert_eq!(shell.run("GET c"), "$1|1|");
    }
}
