//! `LPOS key element [RANK rank] [COUNT num-matches] [MAXLEN len]`: where an element is.

use kv_core::{List, ListEnd};

use super::side;
use crate::command::prelude::*;

pub(super) const LPOS: CommandSpec = CommandSpec {
    name: "LPOS",
    group: Group::List,
    summary: "Returns the indexes of the elements of a list that equal one.",
    syntax: "LPOS key element [RANK rank] [COUNT num-matches] [MAXLEN len]",
    complexity: "O(N) in the number of elements looked at",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(3),
    keys: Keys::one(1, Access::READ),
    flags: Flags::NONE,
    run: Run::Read(lpos),
};

/// Which matches are wanted.
#[derive(Clone, Copy, Debug)]
struct Wanted {
    /// The end from which to look.
    from: ListEnd,
    /// How many matches to pass over.
    skipped: usize,
    /// How many to show at most.
    count: Option<usize>,
    /// How many elements to look at.
    looked_at: usize,
}

impl Wanted {
    /// Reads all words that are left. The last of each option counts.
    fn parse(mut args: Args<'_>) -> Result<Self, CommandError> {
        let (mut rank, mut count, mut looked_at) = (1, None, 0);
        while args.len() > 0 {
            if args.len() == 1 {
                return Err(CommandError::SYNTAX);
            } else if args.eat(b"RANK") {
                rank = args.signed()?;
                if rank == 0 {
                    return Err(CommandError::err(
                        "RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use \
                         negative to start from the end of the list",
                    ));
                }
            } else if args.eat(b"COUNT") {
                count = Some(args.at_least(0, "COUNT can't be negative")?);
            } else if args.eat(b"MAXLEN") {
                looked_at = args.at_least(0, "MAXLEN can't be negative")?;
            } else {
                return Err(CommandError::SYNTAX);
            }
        }
        let all_for_zero = |count| if count == 0 { usize::MAX } else { count };
        Ok(Self {
            from: if rank < 0 {
                ListEnd::Back
            } else {
                ListEnd::Front
            },
            skipped: usize::try_from(rank.unsigned_abs() - 1).unwrap_or(usize::MAX),
            count: count.map(all_for_zero),
            looked_at: all_for_zero(looked_at),
        })
    }

    /// The indexes of what is wanted of those that equal `element`, in the order in which they are found.
    fn find<'l>(self, list: &'l List, element: &'l [u8]) -> impl Iterator<Item = i64> + 'l {
        let last = list.len() as i64 - 1;
        side::seen_from(list, self.from)
            .take(self.looked_at)
            .zip(0..)
            .filter(move |(other, _)| *other == element)
            .skip(self.skipped)
            .take(self.count.unwrap_or(1))
            .map(move |(_, place)| match self.from {
                ListEnd::Front => place,
                ListEnd::Back => last - place,
            })
    }
}

fn lpos(view: &mut View<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let element = args.bytes()?;
    let wanted = Wanted::parse(args)?;
    let list = view.list(key)?;
    let mut found = list.into_iter().flat_map(|list| wanted.find(list, element));
    if wanted.count.is_some() {
        let found: Vec<i64> = found.collect();
        reply.array(found.len());
        found.into_iter().for_each(|index| reply.int(index));
    } else {
        match found.next() {
            Some(index) => reply.int(index),
            None => reply.null(),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn matches_are_counted_from_either_end() {
        let shell = Shell::new();
        shell.run("RPUSH l a b c a b c a");
        for (options, reply) in [
            ("a", ":0|"),
            ("x", "$-1|"),
            ("a RANK 2", ":3|"),
            ("a RANK -1", ":6|"),
            ("a RANK 4", "$-1|"),
            ("a COUNT 0", "*3|:0|:3|:6|"),
            ("a COUNT 2 RANK -1", "*2|:6|:3|"),
            ("a COUNT 0 MAXLEN 4", "*2|:0|:3|"),
            ("a COUNT 0 MAXLEN 4 RANK -1", "*2|:6|:3|"),
            ("x COUNT 1", "*0|"),
            ("a RANK 9223372036854775807", "$-1|"),
            ("a RANK -9223372036854775807 COUNT 9", "*0|"),
        ] {
            assert_eq!(shell.run(&format!("LPOS l {options}")), reply, "{options}");
        }
    }

    #[test]
    fn nothing_in_nothing() {
        let shell = Shell::new();
        assert_eq!(shell.run("LPOS none a"), "$-1|");
        assert_eq!(shell.run("LPOS none a COUNT 0"), "*0|");
    }
}
