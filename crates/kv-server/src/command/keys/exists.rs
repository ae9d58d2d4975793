//! `EXISTS key [key ...]`, `TOUCH key [key ...]`: count the keys that are there.

use crate::command::prelude::*;

pub(super) const EXISTS: CommandSpec = CommandSpec {
    name: "EXISTS",
    group: Group::Keys,
    summary: "Counts how many of the keys are there; a key named twice counts twice.",
    syntax: "EXISTS key [key ...]",
    complexity: "O(N) in the number of keys",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(2),
    keys: Keys::from(1, Access::NONE),
    flags: Flags::FAST,
    run: Run::Read(|view, args, reply| count(view, args, reply, View::exists)),
};

pub(super) const TOUCH: CommandSpec = CommandSpec {
    name: "TOUCH",
    group: Group::Keys,
    summary: "Counts how many of the keys are there, and counts as a use of them.",
    syntax: "TOUCH key [key ...]",
    complexity: "O(N) in the number of keys",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(2),
    keys: Keys::from(1, Access::NONE),
    flags: Flags::FAST,
    run: Run::Read(|view, args, reply| count(view, args, reply, View::touch)),
};

fn count<'v>(
    view: &mut View<'v>,
    args: Args<'_>,
    reply: &mut Reply<'_>,
    is_there: fn(&mut View<'v>, &[u8]) -> bool,
) -> Outcome {
    let mut there = 0;
    for key in args.rest() {
        there += i64::from(is_there(view, key));
    }
    reply.int(there);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn counts_each_mention() {
        let shell = Shell::new();
        shell.run("MSET a 1 b 2");
        for name in ["EXISTS", "TOUCH"] {
            assert_eq!(shell.run(&format!("{name} a b none a")), ":3|");
            assert_eq!(shell.run(&format!("{name} none")), ":0|");
        }
    }

    #[test]
    fn what_expired_is_not_there() {
        let shell = Shell::new();
        shell.run("SET k v PX 10");
        shell.advance(9);
        assert_eq!(shell.run("EXISTS k"), ":1|");
        shell.advance(1);
        assert_eq!(shell.run("EXISTS k"), ":0|");
    }
}
