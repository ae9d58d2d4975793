//! `COPY source destination [DB destination-db] [REPLACE]`: a second key that holds the same.

use kv_core::KeySet;

use super::database;
use crate::command::prelude::*;

pub(super) const COPY: CommandSpec = CommandSpec {
    name: "COPY",
    group: Group::Keys,
    summary: "Copies what a key holds, and its expiry, to another key, which may be in another database.",
    syntax: "COPY source destination [DB destination-db] [REPLACE]",
    complexity: "O(1); a large collection is copied at the first change of either key",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(3),
    keys: Keys::Each(&[
        Keys::one(1, Access::READ),
        Keys::one(2, Access::UPDATE.union(Access::BLIND)),
    ]),
    flags: Flags::NONE,
    run: Run::Write(copy),
};

fn copy(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let (from, to) = (args.key()?, args.key()?);
    let (mut db, mut replace) = (txn.db(), false);
    while args.len() > 0 {
        if args.eat(b"REPLACE") {
            replace = true;
        } else if args.len() > 1 && args.eat(b"DB") {
            db = database::numbered(txn, args.int()?)?;
        } else {
            return Err(CommandError::SYNTAX);
        }
    }
    if db == txn.db() && from == to {
        return Err(database::same_place());
    }
    let taken =
        !replace && txn.exists(from) && txn.in_db(db, KeySet::One(to), |txn| txn.exists(to));
    let copied = !taken && txn.copy_key(from, db, to);
    if copied {
        txn.in_db(db, KeySet::None, |txn| txn.announce(to, event::COPY_TO));
    }
    reply.int(i64::from(copied));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn a_copy_is_a_key_of_its_own() {
        let shell = Shell::new();
        shell.run("SET a 1 PX 1000");
        assert_eq!(shell.run("COPY a b"), ":1|");
        assert_eq!(shell.run("COPY a b"), ":0|");
        assert_eq!(shell.run("COPY none b REPLACE"), ":0|");
        assert_eq!(shell.run("INCR b"), ":2|");
        assert_eq!(shell.run("PTTL b"), ":1000|");
        assert_eq!(shell.run("COPY b a REPLACE"), ":1|");
        assert_eq!(shell.run("MGET a b"), "*2|$1|2|$1|2|");
        assert_eq!(shell.run("COPY a a DB 3"), ":1|");
        assert_eq!(shell.run("COPY a a DB 3"), ":0|");
        shell.advance(1000);
        assert_eq!(shell.run("SET a 5"), "+OK|");
        assert_eq!(shell.run("COPY a a DB 3"), ":1|");
    }
}
