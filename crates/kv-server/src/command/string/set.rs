//! `SET key value [option ...]`: sets the string at `key`.

use super::set_options::SetOptions;
use super::show;
use crate::command::prelude::*;

pub(super) const SET: CommandSpec = CommandSpec {
    name: "SET",
    group: Group::String,
    summary: "Sets the string at a key, whatever was there; options bind it to conditions and give it an end.",
    syntax: "SET key value [NX | XX | IFEQ ifeq-value | IFNE ifne-value | IFDEQ ifdeq-digest | \
             IFDNE ifdne-digest] [GET] [EX seconds | PX milliseconds | \
             EXAT unix-time-seconds | PXAT unix-time-milliseconds | KEEPTTL]",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(3),
    keys: Keys::one(
        1,
        Access::READ.union(Access::UPDATE).union(Access::BY_OPTION),
    ),
    flags: Flags::BOUNDED,
    run: Run::Write(set),
};

fn set(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let value = args.bytes()?;
    let options = SetOptions::parse(args)?;
    let end = options.end.resolve(txn.now(), args.spec().name)?;
    if options.get {
        show::old_string(reply, txn, key)?;
    }
    let holds = options.condition.holds(txn, key)?;
    if holds {
        end.put(txn, key, value);
    }
    match (options.get, holds) {
        (true, _) => {}
        (false, true) => reply.ok(),
        (false, false) => reply.null(),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn replaces_value_and_expiry() {
        let shell = Shell::new();
        assert_eq!(shell.run("SET k 1 EX 10"), "+OK|");
        assert_eq!(shell.run("TTL k"), ":10|");
        assert_eq!(shell.run("SET k 2"), "+OK|");
        assert_eq!(shell.run("TTL k"), ":-1|");
        assert_eq!(shell.run("GET k"), "$1|2|");
    }

    #[test]
    fn conditions_are_conditions() {
        let shell = Shell::new();
        assert_eq!(shell.run("SET k 1 XX"), "$-1|");
        assert_eq!(shell.run("SET k 1 NX"), "+OK|");
        assert_eq!(shell.run("SET k 2 nx"), "$-1|");
        assert_eq!(shell.run("SET k 2 xX"), "+OK|");
        assert_eq!(shell.run("SET k 3 IFEQ 1"), "$-1|");
        assert_eq!(shell.run("SET k three IFEQ 2"), "+OK|");
        assert_eq!(shell.run("SET k 4 IFEQ three"), "+OK|");
        assert_eq!(shell.run("SET none 4 IFEQ 4"), "$-1|");
        assert_eq!(shell.run("MGET k none"), "*2|$1|4|$-1|");
    }

    #[test]
    fn get_answers_what_was_there_in_any_case() {
        let shell = Shell::new();
        assert_eq!(shell.run("SET k 1 GET"), "$-1|");
        assert_eq!(shell.run("SET k 2 NX GET"), "$1|1|");
        assert_eq!(shell.run("SET k 2 IFEQ 0 GET"), "$1|1|");
        assert_eq!(shell.run("SET k 2 GET IFEQ 1"), "$1|1|");
        assert_eq!(shell.run("SET none 2 XX GET"), "$-1|");
        assert_eq!(shell.run("MGET k none"), "*2|$1|2|$-1|");
    }

    #[test]
    fn every_way_to_say_an_end() {
        let shell = Shell::new();
        for (option, left) in [
            ("EX 2", 2000),
            ("PX 1500", 1500),
            ("EXAT 1700000002", 2000),
            ("PXAT 1700000000700", 700),
            ("EX 9 ex 3", 3000),
        ] {
            assert_eq!(shell.run(&format!("SET k v {option}")), "+OK|");
            assert_eq!(shell.run("PTTL k"), format!(":{left}|"), "{option}");
            assert_eq!(shell.run("SET k w KEEPTTL"), "+OK|");
            assert_eq!(shell.run("PTTL k"), format!(":{left}|"), "{option}");
        }
    }

    #[test]
    fn an_end_that_has_come_deletes() {
        let shell = Shell::new();
        shell.run("SET k v");
        assert_eq!(shell.run("SET k w EXAT 1"), "+OK|");
        assert_eq!(shell.run("EXISTS k"), ":0|");
    }

    #[test]
    fn contradictions_and_unknown_words_are_syntax_errors() {
        let shell = Shell::new();
        for options in [
            "NX XX",
            "XX IFEQ v",
            "IFEQ v NX",
            "IFEQ v IFEQ v",
            "IFEQ",
            "EX",
            "EX 1 PX 1",
            "EX 1 KEEPTTL",
            "KEEPTTL PXAT 1",
            "PERSIST",
            "EX abc XX NX",
            "EX abc FOO",
        ] {
            assert_eq!(
                shell.run(&format!("SET k v {options}")),
                "-ERR syntax error|",
                "{options}"
            );
        }
        for (options, message) in [
            ("EX abc", "value is not an integer or out of range"),
            ("PX 1.5", "value is not an integer or out of range"),
            ("EX 0", "invalid expire time in 'set' command"),
            ("PXAT -1", "invalid expire time in 'set' command"),
            (
                "EX 9223372036854775",
                "invalid expire time in 'set' command",
            ),
            (
                "PX 9223372036854775807",
                "invalid expire time in 'set' command",
            ),
            (
                "EXAT 9223372036854776",
                "invalid expire time in 'set' command",
            ),
        ] {
            assert_eq!(
                shell.run(&format!("SET k v {options}")),
                format!("-ERR {message}|")
            );
        }
        assert_eq!(shell.run("EXISTS k"), ":0|");
    }
}
