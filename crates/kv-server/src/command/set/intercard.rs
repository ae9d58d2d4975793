//! `SINTERCARD numkeys key [key ...] [LIMIT limit]`: how much several sets have in common.

use super::algebra::Sources;
use crate::command::prelude::*;

pub(super) const SINTERCARD: CommandSpec = CommandSpec {
    name: "SINTERCARD",
    group: Group::Set,
    summary: "Returns how many members several sets have in common, or that there are at least so many.",
    syntax: "SINTERCARD numkeys key [key ...] [LIMIT limit]",
    complexity: "O(N*M) in the size of the smallest set and the number of sets",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(3),
    keys: Keys::Counted {
        count_at: 1,
        step: 1,
        access: Access::READ,
    },
    flags: Flags::NONE,
    run: Run::Read(sintercard),
};

fn sintercard(view: &mut View<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let count = args.at_least(1, "numkeys should be greater than 0")?;
    if count > args.len() {
        let message = "Number of keys can't be greater than number of args";
        return Err(CommandError::err(message));
    }
    let keys = args.take(count)?;
    let mut limit = 0;
    while args.len() > 0 {
        if args.len() == 1 || !args.eat(b"LIMIT") {
            return Err(CommandError::SYNTAX);
        }
        limit = args.at_least(0, "LIMIT can't be negative")?;
    }
    let limit = if limit == 0 { usize::MAX } else { limit };
    let sources = Sources::read(view, keys.rest())?;
    reply.int(sources.intersection().take(limit).count() as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn counts_up_to_a_limit() {
        let shell = Shell::new();
        shell.run("SADD a 1 2 3");
        shell.run("SADD b 2 3 4");
        assert_eq!(shell.run("SINTERCARD 2 a b"), ":2|");
        assert_eq!(shell.run("SINTERCARD 2 a b LIMIT 1"), ":1|");
        assert_eq!(shell.run("SINTERCARD 2 a b LIMIT 0"), ":2|");
        assert_eq!(shell.run("SINTERCARD 2 a none"), ":0|");
        assert_eq!(
            shell.run("SINTERCARD 9223372036854775807 a"),
            "-ERR Number of keys can't be greater than number of args|"
        );
    }
}
