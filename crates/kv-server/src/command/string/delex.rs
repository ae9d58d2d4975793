//! `DELEX key [option value]`: deletes a key, a string only if it is, or is not, a certain one.

use kv_core::Kind;

use super::comparison::Comparison;
use crate::command::prelude::*;

pub(super) const DELEX: CommandSpec = CommandSpec {
    name: "DELEX",
    group: Group::String,
    summary: "Deletes a key; with an option only if it holds, or does not hold, a certain string.",
    syntax: "DELEX key [IFEQ ifeq-value | IFNE ifne-value | IFDEQ ifdeq-digest | IFDNE ifdne-digest]",
    complexity: "O(1); with a digest O(N) in the length of the string",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(2),
    keys: Keys::one(1, Access::DELETE.union(Access::BY_OPTION)),
    flags: Flags::FAST.union(Flags::NEVER_GROWS),
    run: Run::Write(delex),
};

fn delex(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let comparison = match args.len() {
        0 => None,
        2 => Some(Comparison::eat(&mut args)?.ok_or_else(no_such_option)?),
        _ => return Err(args.wrong_arity()),
    };
    let goes = match (comparison, txn.kind(key)) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(comparison), Some(Kind::String)) => comparison.holds(txn.string(key)?),
        (Some(_), Some(_)) => return Err(no_string()),
    };
    if goes {
        txn.delete(key);
        txn.announce(key, event::DEL);
    }
    reply.removed(i64::from(goes), 1);
    Ok(())
}

fn no_such_option() -> CommandError {
    CommandError::err("Invalid condition. Use IFEQ, IFNE, IFDEQ, or IFDNE")
}

fn no_string() -> CommandError {
    CommandError::err("Key should be of string type if conditions are specified")
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn a_key_goes_only_if_the_option_says_so() {
        let shell = Shell::new();
        shell.run("MSET a 1 b 2 c 3 d Hello");
        shell.run("RPUSH l x");
        let digest = shell.run("DIGEST d");
        let digest = digest.split('|').nth(1).unwrap().to_owned();
        for (words, answer) in [
            ("a IFEQ 2", ":0|"),
            ("a IFNE 1", ":0|"),
            ("none IFNE 1", ":0|"),
            ("a IFNE 2", ":1|"),
            ("b IFEQ 2", ":1|"),
            (&format!("d IFDNE {digest}"), ":0|"),
            ("d IFDEQ 0000000000000000", ":0|"),
            (&format!("d ifdeq {}", digest.to_uppercase()), ":1|"),
            ("c IFDNE 0000000000000000", ":1|"),
            (
                "l IFEQ x",
                "-ERR Key should be of string type if conditions are specified|",
            ),
            ("l", ":1|"),
            ("l", ":0|"),
        ] {
            assert_eq!(shell.run(&format!("DELEX {words}")), answer, "{words}");
        }
        assert_eq!(shell.run("EXISTS a b c d l"), ":0|");
    }
}
