//! `DEL key [key ...]`, `UNLINK key [key ...]`: remove keys.

use crate::command::prelude::*;

pub(super) const DEL: CommandSpec = CommandSpec {
    name: "DEL",
    group: Group::Keys,
    summary: "Deletes one or more keys.",
    syntax: "DEL key [key ...]",
    complexity: "O(N) in the number of keys",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(2),
    keys: Keys::from(1, Access::DELETE.union(Access::WHOLE)),
    flags: Flags::NEVER_GROWS.union(Flags::BOUNDED),
    run: Run::Write(delete),
};

pub(super) const UNLINK: CommandSpec = CommandSpec {
    name: "UNLINK",
    group: Group::Keys,
    summary: "Deletes one or more keys.",
    syntax: "UNLINK key [key ...]",
    complexity: "O(N) in the number of keys",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(2),
    keys: Keys::from(1, Access::DELETE.union(Access::WHOLE)),
    flags: Flags::FAST.union(Flags::NEVER_GROWS).union(Flags::BOUNDED),
    run: Run::Write(delete),
};

fn delete(txn: &mut Txn<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let asked = args.len();
    let mut removed = 0;
    for key in args.rest() {
        if txn.delete(key) {
            removed += 1;
            txn.announce(key, event::DEL);
        }
    }
    reply.removed(removed, asked);
    Ok(())
}

#[cfg(test)]
mod tests {
    use kv_proto::Format;

    use crate::command::testing::Shell;

    #[test]
    fn counts_what_was_there() {
        let shell = Shell::new();
        shell.run("MSET a 1 b 2 c 3");
        assert_eq!(shell.run("DEL a none a b"), ":2|");
        assert_eq!(shell.run("UNLINK b c"), ":1|");
        assert_eq!(shell.run("DEL c"), ":0|");
    }

    #[test]
    fn what_expired_was_not_there() {
        let shell = Shell::new();
        shell.run("SET k v PX 10");
        shell.advance(10);
        assert_eq!(shell.run("DEL k"), ":0|");
    }

    #[test]
    fn plain_lines_say_whether_the_key_was_there() {
        let shell = Shell::in_format(Format::Plain);
        shell.run("MSET a 1 b 2");
        assert_eq!(shell.run("DEL a"), "OK\n");
        assert_eq!(shell.run("DEL a"), "NULL\n");
        assert_eq!(shell.run("DEL a b"), "(integer) 1\n");
    }
}
