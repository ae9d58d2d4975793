//! `HINCRBY key field increment`: counts in a field.

use kv_core::StringValue;

use crate::command::prelude::*;

pub(super) const HINCRBY: CommandSpec = CommandSpec {
    name: "HINCRBY",
    group: Group::Hash,
    summary: "Adds an integer to the one that is the value of a field; a missing field counts as 0.",
    syntax: "HINCRBY key field increment",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(4),
    keys: Keys::one(1, Access::READ.union(Access::UPDATE)),
    flags: Flags::FAST.union(Flags::BOUNDED),
    run: Run::Write(hincrby),
};

fn hincrby(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let (key, field) = (args.key()?, args.bytes()?);
    let increment = args.int()?;
    args.finish()?;
    let value = txn.hash(key)?.and_then(|hash| hash.get(field));
    let before = match value.map(StringValue::new) {
        None => 0,
        Some(StringValue::Int(number)) => number,
        Some(StringValue::Bytes(_)) => {
            return Err(CommandError::err("hash value is not an integer"));
        }
    };
    let after = before
        .checked_add(increment)
        .ok_or(CommandError::OVERFLOW)?;
    let mut digits = itoa::Buffer::new();
    txn.hash_set_keeping_expiry(key, &[field, digits.format(after).as_bytes()])?;
    txn.announce(key, event::HINCRBY);
    reply.int(after);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn counts_from_nothing_and_never_wraps() {
        let shell = Shell::new();
        assert_eq!(shell.run("HINCRBY h n 41"), ":41|");
        assert_eq!(shell.run("HINCRBY h n 1"), ":42|");
        assert_eq!(shell.run("HGET h n"), "$2|42|");
        assert_eq!(
            shell.run("HINCRBY h n 9223372036854775807"),
            "-ERR increment or decrement would overflow|"
        );
        shell.run("HSET h s abc");
        assert_eq!(
            shell.run("HINCRBY h s 1"),
            "-ERR hash value is not an integer|"
        );
        assert_eq!(
            shell.run("HINCRBY new n x"),
            "-ERR value is not an integer or out of range|"
        );
        assert_eq!(shell.run("EXISTS new"), ":0|");
    }
}
