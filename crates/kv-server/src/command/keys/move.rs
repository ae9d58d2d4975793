//! `MOVE key db`: a key in another database.

use kv_core::KeySet;

use super::database;
use crate::command::prelude::*;

pub(super) const MOVE: CommandSpec = CommandSpec {
    name: "MOVE",
    group: Group::Keys,
    summary: "Moves a key, with its expiry, to another database if it is not there.",
    syntax: "MOVE key db",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(3),
    keys: Keys::one(1, Access::READ.union(Access::UPDATE)),
    flags: Flags::FAST.union(Flags::NEVER_GROWS),
    run: Run::Write(r#move),
};

fn r#move(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let db = database::numbered(txn, args.int()?)?;
    args.finish()?;
    if db == txn.db() {
        return Err(database::same_place());
    }
    let free = txn.exists(key) && !txn.in_db(db, KeySet::One(key), |txn| txn.exists(key));
    let moved = free && txn.move_key(key, db, key);
    if moved {
        txn.announce(key, event::MOVE_FROM);
        txn.in_db(db, KeySet::None, |txn| txn.announce(key, event::MOVE_TO));
    }
    reply.int(i64::from(moved));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn only_to_where_it_is_not() {
        let shell = Shell::new();
        shell.run("SET a 1");
        assert_eq!(shell.run("MOVE a 2"), ":1|");
        assert_eq!(shell.run("EXISTS a"), ":0|");
        assert_eq!(shell.run("MOVE a 2"), ":0|");
        shell.run("SET a 2");
        assert_eq!(shell.run("MOVE a 2"), ":0|");
        assert_eq!(shell.run("SWAPDB 0 2"), "+OK|");
        assert_eq!(shell.run("GET a"), "$1|1|");
    }
}
