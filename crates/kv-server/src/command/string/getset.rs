//! `GETSET key value`: replaces the string at `key` and returns the one before.

use kv_core::StringValue;

use super::show;
use crate::command::prelude::*;

pub(super) const GETSET: CommandSpec = CommandSpec {
    name: "GETSET",
    group: Group::String,
    summary: "Sets the string at a key and returns the one that was there.",
    syntax: "GETSET key value",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(3),
    keys: Keys::one(1, Access::READ.union(Access::UPDATE)),
    flags: Flags::FAST.union(Flags::BOUNDED),
    run: Run::Write(getset),
};

fn getset(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let value = args.bytes()?;
    args.finish()?;
    show::old_string(reply, txn, key)?;
    txn.set_string(key, StringValue::new(value), None);
    txn.announce(key, event::SET);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn shows_what_it_replaces() {
        let shell = Shell::new();
        assert_eq!(shell.run("GETSET k 1"), "$-1|");
        shell.run("EXPIRE k 10");
        assert_eq!(shell.run("GETSET k two"), "$1|1|");
        assert_eq!(shell.run("GET k"), "$3|two|");
        assert_eq!(shell.run("TTL k"), ":-1|");
    }
}
