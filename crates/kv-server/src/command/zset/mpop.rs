//! `ZMPOP numkeys key [key ...] MIN | MAX [COUNT count]`: takes members from the first sorted set that is there.

use super::pop::{self, End};
use super::score::Form;
use crate::command::prelude::*;

pub(super) const ZMPOP: CommandSpec = CommandSpec {
    name: "ZMPOP",
    group: Group::SortedSet,
    summary: "Removes and returns members with the lowest or the highest scores from the first sorted set that is \
              there.",
    syntax: "ZMPOP numkeys key [key ...] <MIN | MAX> [COUNT count]",
    complexity: "O(K+M*log(N)) in the number of keys, of members returned and the size of the sorted set",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(4),
    keys: Keys::Counted {
        count_at: 1,
        step: 1,
        access: Access::READ.union(Access::DELETE),
    },
    flags: Flags::NEVER_GROWS,
    run: Run::Write(zmpop),
};

/// What stands behind the number of keys.
#[derive(Clone, Copy, Debug)]
pub(super) struct PopOptions<'r> {
    /// The keys, in the order in which they are tried.
    pub(super) keys: Args<'r>,
    end: End,
    count: usize,
}

impl<'r> PopOptions<'r> {
    /// Reads all words that are left, from the number of keys on.
    ///
    /// # Errors
    ///
    /// They fit no syntax.
    pub(super) fn parse(mut args: Args<'r>) -> Result<Self, CommandError> {
        let keys = args.at_least(1, "numkeys should be greater than 0")?;
        let keys = args.take(keys)?;
        let end = End::eat(&mut args)?;
        let count = match args.eat(b"COUNT") {
            true => args.at_least(1, "count should be greater than 0")?,
            false => 1,
        };
        args.finish()?;
        Ok(Self { keys, end, count })
    }

    /// Pops from the first of the keys that is there and answers its name and the members; `false`, and
    /// nothing is answered or changed, when there is none.
    ///
    /// # Errors
    ///
    /// A key that comes before holds something else than a sorted set.
    pub(super) fn pop(
        &self,
        txn: &mut Txn<'_>,
        reply: &mut Reply<'_>,
    ) -> Result<bool, CommandError> {
        for key in self.keys.rest() {
            if txn.zset(key)?.is_some() {
                reply.array(2);
                reply.bulk(key);
                return pop::pop_some(txn, key, self.end, self.count, Form::Pairs, reply);
            }
        }
        Ok(false)
    }
}

fn zmpop(txn: &mut Txn<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    if !PopOptions::parse(args)?.pop(txn, reply)? {
        reply.null_array();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn the_first_sorted_set_that_is_there_is_popped() {
        let shell = Shell::new();
        shell.run("ZADD b 1 x 2 y 3 z");
        shell.run("SET s x");
        assert_eq!(
            shell.run("ZMPOP 3 a b s MAX COUNT 2"),
            "*2|$1|b|*2|*2|$1|z|$1|3|*2|$1|y|$1|2|"
        );
        assert_eq!(shell.run("ZMPOP 2 b b MIN"), "*2|$1|b|*1|*2|$1|x|$1|1|");
        assert_eq!(shell.run("ZMPOP 2 a b MIN"), "*-1|");
        assert!(shell.run("ZMPOP 2 a s MIN").starts_with("-WRONGTYPE "));
        assert_eq!(
            shell.run("ZMPOP 9223372036854775807 a MIN"),
            "-ERR syntax error|"
        );
    }
}
