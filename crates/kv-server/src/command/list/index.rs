//! `LLEN key`, `LINDEX key index`, `LSET key index element`: how long a list is, and one element of it.

use crate::command::prelude::*;

pub(super) const LLEN: CommandSpec = CommandSpec {
    name: "LLEN",
    group: Group::List,
    summary: "Returns how many elements a list has.",
    syntax: "LLEN key",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(2),
    keys: Keys::one(1, Access::NONE),
    flags: Flags::FAST,
    run: Run::Read(llen),
};

pub(super) const LINDEX: CommandSpec = CommandSpec {
    name: "LINDEX",
    group: Group::List,
    summary: "Returns the element at an index of a list; a negative index counts from the end.",
    syntax: "LINDEX key index",
    complexity: "O(log N) in the length of the list",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(3),
    keys: Keys::one(1, Access::READ),
    flags: Flags::NONE,
    run: Run::Read(lindex),
};

pub(super) const LSET: CommandSpec = CommandSpec {
    name: "LSET",
    group: Group::List,
    summary: "Replaces the element at an index of a list; a negative index counts from the end.",
    syntax: "LSET key index element",
    complexity: "O(log N) in the length of the list",
    since: "0.1.0",
    compat: Compat::Differs(
        "An index is never cut to 32 bits: one far outside of the list is out of range.",
    ),
    arity: Arity::exactly(4),
    keys: Keys::one(1, Access::UPDATE),
    flags: Flags::BOUNDED,
    run: Run::Write(lset),
};

fn llen(view: &mut View<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    args.finish()?;
    reply.int(view.list(key)?.map_or(0, |list| list.len()) as i64);
    Ok(())
}

/// A bad index is an error only where there is a list, as in Redis.
fn lindex(view: &mut View<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let Some(list) = view.list(key)? else {
        reply.null();
        return Ok(());
    };
    let element = place(list.len(), args.int()?).and_then(|index| list.get(index));
    args.finish()?;
    match element {
        Some(element) => reply.bulk(element),
        None => reply.null(),
    }
    Ok(())
}

fn lset(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let length = txn
        .list(key)?
        .map(|list| list.len())
        .ok_or(CommandError::NO_SUCH_KEY)?;
    let index = place(length, args.int()?).filter(|index| *index < length);
    let index = index.ok_or_else(|| CommandError::err("index out of range"))?;
    let element = args.bytes()?;
    args.finish()?;
    txn.list_set(key, index, element)?;
    txn.announce(key, event::LSET);
    reply.ok();
    Ok(())
}

/// The place that `index` names in a list of this length, if it is not before the front.
fn place(length: usize, index: i64) -> Option<usize> {
    match usize::try_from(index) {
        Ok(index) => Some(index),
        Err(_) => length.checked_sub(usize::try_from(index.unsigned_abs()).ok()?),
    }
}

#[cfg(test)]
mod tests {
    use super::place;
    use crate::command::testing::Shell;

    #[test]
    fn places_count_from_either_end() {
        assert_eq!(place(3, 0), Some(0));
        assert_eq!(place(3, -1), Some(2));
        assert_eq!(place(3, -3), Some(0));
        assert_eq!(place(3, -4), None);
        assert_eq!(place(3, i64::MIN), None);
    }

    #[test]
    fn the_key_is_looked_at_before_the_index() {
        let shell = Shell::new();
        assert_eq!(shell.run("LINDEX l x"), "$-1|");
        assert_eq!(shell.run("LSET l x y"), "-ERR no such key|");
        shell.run("RPUSH l a b");
        assert_eq!(
            shell.run("LINDEX l x"),
            "-ERR value is not an integer or out of range|"
        );
        assert_eq!(shell.run("LSET l 2 c"), "-ERR index out of range|");
        assert_eq!(shell.run("LSET l -1 c"), "+OK|");
        assert_eq!(shell.run("LINDEX l 1"), "$1|c|");
    }
}
