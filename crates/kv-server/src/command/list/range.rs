//! `LRANGE key start stop`, `LTRIM key start stop`: a part of a list, shown or kept.

use std::ops::Range;

use kv_core::ListEnd;

use crate::command::prelude::*;

pub(super) const LRANGE: CommandSpec = CommandSpec {
    name: "LRANGE",
    group: Group::List,
    summary: "Returns the elements of a list from one index to another, both included; negative ones count from \
              the end.",
    syntax: "LRANGE key start stop",
    complexity: "O(S+N) in the distance of the start from the nearer end and the number of elements returned",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(4),
    keys: Keys::one(1, Access::READ),
    flags: Flags::NONE,
    run: Run::Read(lrange),
};

pub(super) const LTRIM: CommandSpec = CommandSpec {
    name: "LTRIM",
    group: Group::List,
    summary: "Removes all elements of a list but those from one index to another, both included; negative ones \
              count from the end.",
    syntax: "LTRIM key start stop",
    complexity: "O(N) in the number of elements removed",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(4),
    keys: Keys::one(1, Access::DELETE),
    flags: Flags::NEVER_GROWS,
    run: Run::Write(ltrim),
};

fn lrange(view: &mut View<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let (start, stop) = (args.int()?, args.int()?);
    args.finish()?;
    let Some(list) = view.list(key)? else {
        reply.array(0);
        return Ok(());
    };
    let elements = list.range(part(list.len(), start, stop));
    reply.array(elements.len());
    elements.for_each(|element| reply.bulk(element));
    Ok(())
}

fn ltrim(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let (start, stop) = (args.int()?, args.int()?);
    args.finish()?;
    if let Some(list) = txn.list(key)? {
        let length = list.len();
        let kept = part(length, start, stop);
        if kept.is_empty() {
            txn.delete(key);
        } else {
            txn.list_pop(key, ListEnd::Back, length - kept.end)?;
            txn.list_pop(key, ListEnd::Front, kept.start)?;
        }
        event::announce_removal(txn, key, event::LTRIM);
    }
    reply.ok();
    Ok(())
}

/// The indexes from `start` to `stop`, both included, of a list of `length`, as far as there are such.
fn part(length: usize, start: i64, stop: i64) -> Range<usize> {
    /// `None` is before the front.
    fn place(length: usize, index: i64) -> Option<usize> {
        match usize::try_from(index) {
            Ok(index) => Some(index),
            Err(_) => length.checked_sub(usize::try_from(index.unsigned_abs()).ok()?),
        }
    }
    let start = place(length, start).unwrap_or(0);
    let behind = place(length, stop).map_or(0, |stop| stop.saturating_add(1).min(length));
    start.min(behind)..behind
}

#[cfg(test)]
mod tests {
    use super::part;
    use crate::command::testing::Shell;

    #[test]
    fn parts_of_five_elements() {
        for ((start, stop), expected) in [
            ((0, 4), 0..5),
            ((0, -1), 0..5),
            ((1, 3), 1..4),
            ((-3, -2), 2..4),
            ((3, 100), 3..5),
            ((-100, 1), 0..2),
            ((i64::MIN, i64::MAX), 0..5),
        ] {
            assert_eq!(part(5, start, stop), expected, "{start} {stop}");
        }
        for (start, stop) in [(5, 10), (3, 1), (-1, -3), (0, -6), (i64::MAX, i64::MIN)] {
            assert!(part(5, start, stop).is_empty(), "{start} {stop}");
        }
    }

    #[test]
    fn trimming_to_nothing_deletes() {
        let shell = Shell::new();
        shell.run("RPUSH l a b c d e");
        shell.run("PEXPIRE l 1000");
        assert_eq!(shell.run("LTRIM l 1 -2"), "+OK|");
        assert_eq!(shell.run("LRANGE l 0 -1"), "*3|$1|b|$1|c|$1|d|");
        assert_eq!(shell.run("PTTL l"), ":1000|");
        assert_eq!(shell.run("LTRIM l 3 9"), "+OK|");
        assert_eq!(shell.run("EXISTS l"), ":0|");
        assert_eq!(shell.run("LTRIM l 0 0"), "+OK|");
    }
}
