//! `LREM key count element`: removes the elements that equal one.

use kv_core::ListEnd;

use crate::command::prelude::*;

pub(super) const LREM: CommandSpec = CommandSpec {
    name: "LREM",
    group: Group::List,
    summary: "Removes the first elements of a list that equal one: some from the front, some from the end if the \
              count is negative, all if it is 0.",
    syntax: "LREM key count element",
    complexity: "O(N) in the length of the list",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(4),
    keys: Keys::one(1, Access::DELETE),
    flags: Flags::NEVER_GROWS,
    run: Run::Write(lrem),
};

fn lrem(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let count = args.signed()?;
    let element = args.bytes()?;
    args.finish()?;
    let from = if count < 0 {
        ListEnd::Back
    } else {
        ListEnd::Front
    };
    let count = match count.unsigned_abs() {
        0 => usize::MAX,
        count => usize::try_from(count).unwrap_or(usize::MAX),
    };
    let removed = txn.list_remove(key, from, count, element)?;
    if removed > 0 {
        event::announce_removal(txn, key, event::LREM);
    }
    reply.int(removed as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn from_the_front_from_the_end_and_all() {
        let shell = Shell::new();
        shell.run("RPUSH l a b a c a d a");
        assert_eq!(shell.run("LREM l 1 a"), ":1|");
        assert_eq!(shell.run("LREM l -1 a"), ":1|");
        assert_eq!(shell.run("LRANGE l 0 -1"), "*5|$1|b|$1|a|$1|c|$1|a|$1|d|");
        assert_eq!(shell.run("LREM l 0 a"), ":2|");
        assert_eq!(shell.run("LREM l -9223372036854775807 a"), ":0|");
        for last in ["b", "c", "d"] {
            assert_eq!(shell.run(&format!("LREM l 9 {last}")), ":1|");
        }
        assert_eq!(shell.run("EXISTS l"), ":0|");
    }
}
