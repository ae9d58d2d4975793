//! `GETDEL key`: returns the string at `key`, then deletes the key.

use super::show;
use crate::command::prelude::*;

pub(super) const GETDEL: CommandSpec = CommandSpec {
    name: "GETDEL",
    group: Group::String,
    summary: "Returns the string at a key and deletes the key.",
    syntax: "GETDEL key",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(2),
    keys: Keys::one(1, Access::READ.union(Access::DELETE)),
    flags: Flags::FAST.union(Flags::NEVER_GROWS).union(Flags::BOUNDED),
    run: Run::Write(getdel),
};

fn getdel(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    args.finish()?;
    show::old_string(reply, txn, key)?;
    if txn.delete(key) {
        txn.announce(key, event::DEL);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn the_key_is_gone_afterwards() {
        let shell = Shell::new();
        shell.run("SET k v");
        assert_eq!(shell.run("GETDEL k"), "$1|v|");
        assert_eq!(shell.run("GETDEL k"), "$-1|");
        assert_eq!(shell.run("EXISTS k"), ":0|");
    }
}
