//! `APPEND key value`: adds to the end of a string.

use kv_core::limits::STRING_BYTES_MAX;

use crate::command::prelude::*;

pub(super) const APPEND: CommandSpec = CommandSpec {
    name: "APPEND",
    group: Group::String,
    summary: "Adds bytes to the end of the string at a key, which is made if it is missing.",
    syntax: "APPEND key value",
    complexity: "O(1) amortised",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(3),
    keys: Keys::one(1, Access::INSERT),
    flags: Flags::FAST.union(Flags::BOUNDED),
    run: Run::Write(append),
};

fn append(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let suffix = args.bytes()?;
    args.finish()?;
    let there = txn.string(key)?.map(|string| string.len());
    let length = there.unwrap_or(0) + suffix.len();
    if length > STRING_BYTES_MAX {
        return Err(CommandError::STRING_TOO_LONG);
    }
    if there.is_none() || !suffix.is_empty() {
        txn.append_string(key, suffix);
        txn.announce(key, event::APPEND);
    }
    reply.int(length as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn grows_strings_and_numbers() {
        let shell = Shell::new();
        assert_eq!(shell.run("APPEND k 1"), ":1|");
        assert_eq!(shell.run("APPEND k 0"), ":2|");
        assert_eq!(shell.run("INCR k"), ":11|");
        assert_eq!(shell.run("APPEND k x"), ":3|");
        assert_eq!(shell.run("GET k"), "$3|11x|");
    }

    #[test]
    fn nothing_makes_an_empty_string() {
        let shell = Shell::new();
        assert_eq!(shell.run("APPEND k "), ":0|");
        assert_eq!(shell.run("GET k"), "$0||");
        assert_eq!(shell.run("APPEND k "), ":0|");
    }

    #[test]
    fn keeps_the_expiry() {
        let shell = Shell::new();
        shell.run("SET k v PX 1000");
        shell.run("APPEND k w");
        assert_eq!(shell.run("PTTL k"), ":1000|");
    }
}
