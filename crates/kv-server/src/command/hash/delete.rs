//! `HDEL key field [field ...]`: removes fields.

use crate::command::prelude::*;

pub(super) const HDEL: CommandSpec = CommandSpec {
    name: "HDEL",
    group: Group::Hash,
    summary: "Removes fields of a hash and returns how many were there.",
    syntax: "HDEL key field [field ...]",
    complexity: "O(N) in the number of fields given",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(3),
    keys: Keys::one(1, Access::DELETE),
    flags: Flags::FAST.union(Flags::NEVER_GROWS).union(Flags::BOUNDED),
    run: Run::Write(hdel),
};

fn hdel(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let removed = txn.hash_delete(key, &args.words())?;
    if removed > 0 {
        event::announce_removal(txn, key, event::HDEL);
    }
    reply.int(removed as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn the_last_field_takes_the_key_along() {
        let shell = Shell::new();
        shell.run("HSET h a 1 b 2");
        assert_eq!(shell.run("HDEL h a a none"), ":1|");
        assert_eq!(shell.run("HDEL h b"), ":1|");
        assert_eq!(shell.run("EXISTS h"), ":0|");
        assert_eq!(shell.run("HDEL h b"), ":0|");
    }
}
