//! `LINSERT key BEFORE | AFTER pivot element`: adds an element beside another.

use crate::command::prelude::*;

pub(super) const LINSERT: CommandSpec = CommandSpec {
    name: "LINSERT",
    group: Group::List,
    summary: "Adds an element to a list before or after the first one that equals another.",
    syntax: "LINSERT key <BEFORE | AFTER> pivot element",
    complexity: "O(N) in the length of the list",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(5),
    keys: Keys::one(1, Access::INSERT),
    flags: Flags::NONE,
    run: Run::Write(linsert),
};

fn linsert(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let after = args.eat(b"AFTER");
    if !after && !args.eat(b"BEFORE") {
        return Err(CommandError::SYNTAX);
    }
    let (pivot, element) = (args.bytes()?, args.bytes()?);
    args.finish()?;
    let Some(list) = txn.list(key)? else {
        reply.int(0);
        return Ok(());
    };
    let Some(index) = list.iter().position(|other| other == pivot) else {
        reply.int(-1);
        return Ok(());
    };
    let length = txn.list_insert(key, index + usize::from(after), element)?;
    txn.announce(key, event::LINSERT);
    reply.int(length.unwrap_or_default() as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn beside_the_first_that_equals() {
        let shell = Shell::new();
        assert_eq!(shell.run("LINSERT l BEFORE a x"), ":0|");
        shell.run("RPUSH l a b a");
        assert_eq!(shell.run("LINSERT l after a x"), ":4|");
        assert_eq!(shell.run("LINSERT l BEFORE a y"), ":5|");
        assert_eq!(shell.run("LINSERT l BEFORE none z"), ":-1|");
        assert_eq!(shell.run("LRANGE l 0 -1"), "*5|$1|y|$1|a|$1|x|$1|b|$1|a|");
        assert_eq!(shell.run("LINSERT l BESIDE a x"), "-ERR syntax error|");
    }
}
