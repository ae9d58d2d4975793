//! `DELIFEQ key value`: deletes a string if it is a certain one.

use crate::command::prelude::*;

pub(super) const DELIFEQ: CommandSpec = CommandSpec {
    name: "DELIFEQ",
    group: Group::String,
    summary: "Deletes a key if it holds a certain string.",
    syntax: "DELIFEQ key value",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(3),
    keys: Keys::one(1, Access::DELETE.union(Access::WHOLE)),
    flags: Flags::FAST.union(Flags::NEVER_GROWS),
    run: Run::Write(delifeq),
};

fn delifeq(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let wanted = args.bytes()?;
    args.finish()?;
    let string = txn.string(key)?;
    let is_it = string.is_some_and(|string| string.as_bytes(&mut itoa::Buffer::new()) == wanted);
    if is_it {
        txn.delete(key);
        txn.announce(key, event::DEL);
    }
    reply.removed(i64::from(is_it), 1);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn only_that_string_goes() {
        let shell = Shell::new();
        shell.run("MSET k v n 17");
        assert_eq!(shell.run("DELIFEQ k w"), ":0|");
        assert_eq!(shell.run("DELIFEQ none v"), ":0|");
        assert_eq!(shell.run("DELIFEQ k v"), ":1|");
        assert_eq!(shell.run("DELIFEQ n 17"), ":1|");
        assert_eq!(shell.run("EXISTS k n"), ":0|");
    }
}
