//! `SETNX key value`: sets a string where no key is.

use kv_core::StringValue;

use crate::command::prelude::*;

pub(super) const SETNX: CommandSpec = CommandSpec {
    name: "SETNX",
    group: Group::String,
    summary: "Sets the string at a key if the key is not there.",
    syntax: "SETNX key value",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(3),
    keys: Keys::one(1, Access::INSERT.union(Access::BLIND)),
    flags: Flags::FAST.union(Flags::BOUNDED),
    run: Run::Write(setnx),
};

fn setnx(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let value = args.bytes()?;
    args.finish()?;
    let free = !txn.exists(key);
    if free {
        txn.set_string(key, StringValue::new(value), None);
        txn.announce(key, event::SET);
    }
    reply.int(i64::from(free));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn the_first_one_wins() {
        let shell = Shell::new();
        assert_eq!(shell.run("SETNX k 1"), ":1|");
        assert_eq!(shell.run("SETNX k 2"), ":0|");
        assert_eq!(shell.run("GET k"), "$1|1|");
    }
}
