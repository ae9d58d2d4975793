//! `MSETEX numkeys key value [key value ...] [option ...]`: sets several strings at once, under a condition
//! and with an end.

use super::set_options::{Condition, SetOptions};
use crate::command::prelude::*;

pub(super) const MSETEX: CommandSpec = CommandSpec {
    name: "MSETEX",
    group: Group::String,
    summary: "Sets the strings at several keys, all at once, if a condition holds, to be gone at some time.",
    syntax: "MSETEX numkeys key value [key value ...] [NX | XX] [EX seconds | PX milliseconds | \
             EXAT unix-time-seconds | PXAT unix-time-milliseconds | KEEPTTL]",
    complexity: "O(N) in the number of keys",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(4),
    keys: Keys::Counted {
        count_at: 1,
        step: 2,
        access: Access::UPDATE.union(Access::BLIND),
    },
    flags: Flags::NONE,
    run: Run::Write(msetex),
};

fn msetex(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let count = args.count()?;
    let pairs = args.take(count.saturating_mul(2))?;
    let options = SetOptions::parse(args)?;
    if options.get || matches!(options.condition, Condition::Compares(_)) {
        return Err(CommandError::SYNTAX);
    }
    let end = options.end.resolve(txn.now(), args.spec().name)?;
    let mut holds = true;
    for key in pairs.rest().step_by(2) {
        holds = holds && options.condition.holds(txn, key)?;
    }
    if holds {
        let mut pairs = pairs;
        while pairs.len() > 0 {
            let key = pairs.key()?;
            end.put(txn, key, pairs.bytes()?);
        }
    }
    reply.int(i64::from(holds));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn sets_all_or_none() {
        let shell = Shell::new();
        assert_eq!(shell.run("MSETEX 2 a 1 b 2 PX 1500"), ":1|");
        assert_eq!(shell.run("PTTL b"), ":1500|");
        assert_eq!(shell.run("MSETEX 2 c 1 a 2 NX"), ":0|");
        assert_eq!(shell.run("MSETEX 2 a 3 c 3 XX"), ":0|");
        assert_eq!(shell.run("MSETEX 2 a 3 b 4 XX KEEPTTL"), ":1|");
        assert_eq!(shell.run("PTTL a"), ":1500|");
        assert_eq!(shell.run("MGET a b c"), "*3|$1|3|$1|4|$-1|");
        assert_eq!(shell.run("MSETEX 2 d 1 d 2"), ":1|");
        assert_eq!(shell.run("GET d"), "$1|2|");
        assert_eq!(shell.run("MSETEX 1 a 1 EXAT 1"), ":1|");
        assert_eq!(shell.run("EXISTS a"), ":0|");
    }

    #[test]
    fn the_count_says_where_the_options_begin() {
        let shell = Shell::new();
        let count = "invalid numkeys value or out of range";
        for (words, message) in [
            ("0 a 1", count),
            ("-1 a 1", count),
            ("abc a 1", count),
            ("9223372036854775807 a 1", count),
            ("2 a 1", "syntax error"),
            ("2147483647 a 1", "syntax error"),
            ("1 a 1 b 2", "syntax error"),
            ("3 a 1 b 2 NX", "syntax error"),
            ("1 a 1 NX XX", "syntax error"),
            ("1 a 1 GET", "syntax error"),
            ("1 a 1 IFEQ 1", "syntax error"),
            ("1 a 1 EX 0", "invalid expire time in 'msetex' command"),
        ] {
            assert_eq!(
                shell.run(&format!("MSETEX {words}")),
                format!("-ERR {message}|")
            );
        }
        assert_eq!(shell.run("EXISTS a b"), ":0|");
    }
}
