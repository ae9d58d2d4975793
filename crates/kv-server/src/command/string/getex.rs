//! `GETEX key [option]`: returns the string at `key` and changes when the key goes.

use super::show;
use crate::command::expire_time::{self, End};
use crate::command::prelude::*;

pub(super) const GETEX: CommandSpec = CommandSpec {
    name: "GETEX",
    group: Group::String,
    summary: "Returns the string at a key and changes when the key goes.",
    syntax: "GETEX key [EX seconds | PX milliseconds | EXAT unix-time-seconds | \
             PXAT unix-time-milliseconds | PERSIST]",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Differs(
        "A time that cannot be one is an error, as in Valkey, also where there is no such key.",
    ),
    arity: Arity::at_least(2),
    keys: Keys::one(1, Access::READ.union(Access::UPDATE)),
    flags: Flags::FAST.union(Flags::NEVER_GROWS).union(Flags::BOUNDED),
    run: Run::Write(getex),
};

fn getex(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let end = End::parse(args)?;
    let change = match end {
        End::AsBefore => None,
        End::Never => Some(None),
        End::At(time) => {
            let expires = time.form.read(time.number, txn.now(), args.spec().name)?;
            Some(Some(expires))
        }
    };
    show::old_string(reply, txn, key)?;
    if let Some(expires) = change {
        expire_time::change(txn, key, expires);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn shows_the_string_and_moves_its_end() {
        let shell = Shell::new();
        assert_eq!(shell.run("GETEX k EX 10"), "$-1|");
        shell.run("SET k v");
        assert_eq!(shell.run("GETEX k"), "$1|v|");
        assert_eq!(shell.run("TTL k"), ":-1|");
        assert_eq!(shell.run("GETEX k EX 10"), "$1|v|");
        assert_eq!(shell.run("TTL k"), ":10|");
        assert_eq!(shell.run("GETEX k"), "$1|v|");
        assert_eq!(shell.run("TTL k"), ":10|");
        assert_eq!(shell.run("GETEX k persist"), "$1|v|");
        assert_eq!(shell.run("TTL k"), ":-1|");
        assert_eq!(shell.run("GETEX k PXAT 1700000000500"), "$1|v|");
        assert_eq!(shell.run("PTTL k"), ":500|");
        assert_eq!(shell.run("GETEX k EXAT 1"), "$1|v|");
        assert_eq!(shell.run("EXISTS k"), ":0|");
    }

    #[test]
    fn contradictions_are_syntax_errors() {
        let shell = Shell::new();
        for options in [
            "EX 1 PERSIST",
            "PERSIST PX 1",
            "EX 1 PX 1",
            "KEEPTTL",
            "NX",
            "EX",
        ] {
            let reply = shell.run(&format!("GETEX k {options}"));
            assert_eq!(reply, "-ERR syntax error|", "{options}");
        }
        assert_eq!(
            shell.run("GETEX none EX 0"),
            "-ERR invalid expire time in 'getex' command|"
        );
    }
}
