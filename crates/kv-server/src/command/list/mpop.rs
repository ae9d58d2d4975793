//! `LMPOP numkeys key [key ...] LEFT | RIGHT [COUNT count]`: takes elements from the first list that is there.

use kv_core::ListEnd;

use super::{pop, side};
use crate::command::prelude::*;

pub(super) const LMPOP: CommandSpec = CommandSpec {
    name: "LMPOP",
    group: Group::List,
    summary: "Removes and returns elements from an end of the first list that is there.",
    syntax: "LMPOP numkeys key [key ...] <LEFT | RIGHT> [COUNT count]",
    complexity: "O(N+M) in the number of keys and of elements returned",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(4),
    keys: Keys::Counted {
        count_at: 1,
        step: 1,
        access: Access::READ.union(Access::DELETE),
    },
    flags: Flags::NEVER_GROWS,
    run: Run::Write(lmpop),
};

/// What stands behind the number of keys.
#[derive(Clone, Copy, Debug)]
pub(in crate::command) struct PopOptions<'r> {
    /// The keys, in the order in which they are tried.
    pub(in crate::command) keys: Args<'r>,
    /// Where to pop.
    pub(in crate::command) end: ListEnd,
    /// How many elements at most.
    pub(in crate::command) count: usize,
}

impl<'r> PopOptions<'r> {
    /// Reads all words that are left, from the number of keys on.
    pub(in crate::command) fn parse(mut args: Args<'r>) -> Result<Self, CommandError> {
        let keys = args.at_least(1, "numkeys should be greater than 0")?;
        let keys = args.take(keys)?;
        let end = side::eat(&mut args)?;
        let count = match args.eat(b"COUNT") {
            true => args.at_least(1, "count should be greater than 0")?,
            false => 1,
        };
        args.finish()?;
        Ok(Self { keys, end, count })
    }

    /// Pops from the first of the keys that is there and answers its name and the elements; `false`, and
    /// nothing is answered or changed, when there is none.
    ///
    /// # Errors
    ///
    /// A key that comes before holds something else than a list.
    pub(in crate::command) fn pop(
        &self,
        txn: &mut Txn<'_>,
        reply: &mut Reply<'_>,
    ) -> Result<bool, CommandError> {
        for key in self.keys.rest() {
            if txn.list(key)?.is_some() {
                reply.array(2);
                reply.bulk(key);
                return pop::pop_some(txn, key, self.end, self.count, reply);
            }
        }
        Ok(false)
    }
}

fn lmpop(txn: &mut Txn<'_>, args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    if !PopOptions::parse(args)?.pop(txn, reply)? {
        reply.null_array();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn the_first_list_that_is_there_is_popped() {
        let shell = Shell::new();
        shell.run("RPUSH b 1 2 3");
        shell.run("SET s x");
        assert_eq!(
            shell.run("LMPOP 3 a b s RIGHT COUNT 2"),
            "*2|$1|b|*2|$1|3|$1|2|"
        );
        assert_eq!(shell.run("LMPOP 2 b b LEFT"), "*2|$1|b|*1|$1|1|");
        assert_eq!(shell.run("LMPOP 2 a b LEFT"), "*-1|");
        assert!(shell.run("LMPOP 2 a s LEFT").starts_with("-WRONGTYPE "));
    }

    #[test]
    fn counts_are_checked_before_anything_is_made_of_them() {
        let shell = Shell::new();
        for (words, message) in [
            ("0 a LEFT", "numkeys should be greater than 0"),
            ("9223372036854775807 a LEFT", "syntax error"),
            ("2 a LEFT", "syntax error"),
            ("1 a LEFT COUNT 0", "count should be greater than 0"),
            ("1 a LEFT COUNT", "syntax error"),
            ("1 a LEFT COUNT 1 COUNT 1", "syntax error"),
            ("1 a UP", "syntax error"),
        ] {
            let reply = shell.run(&format!("LMPOP {words}"));
            assert_eq!(reply, format!("-ERR {message}|"), "{words}");
        }
    }
}
