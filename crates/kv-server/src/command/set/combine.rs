//! `SINTER`, `SUNION`, `SDIFF` and their `STORE` forms: what becomes of several sets.

use kv_core::{CollectionKind, Event};

use super::algebra::{Operation, Sources};
use crate::command::key_spec::Last;
use crate::command::prelude::*;

/// The key that is written, then those that are read.
const STORE_KEYS: Keys = Keys::Each(&[
    Keys::one(1, Access::UPDATE.union(Access::BLIND)),
    Keys::Range {
        first: 2,
        last: Last::End,
        step: 1,
        access: Access::READ,
    },
]);

pub(super) const SINTER: CommandSpec = CommandSpec {
    name: "SINTER",
    group: Group::Set,
    summary: "Returns what is in all of several sets; a missing key counts as an empty set.",
    syntax: "SINTER key [key ...]",
    complexity: "O(N*M) in the size of the smallest set and the number of sets",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(2),
    keys: Keys::from(1, Access::READ),
    flags: Flags::NONE,
    run: Run::Read(|view, args, reply| show(Operation::Intersection, view, args, reply)),
};

pub(super) const SINTERSTORE: CommandSpec = CommandSpec {
    name: "SINTERSTORE",
    group: Group::Set,
    summary: "Puts what is in all of several sets at a key, whatever was there, and returns how many members it \
              has.",
    syntax: "SINTERSTORE destination key [key ...]",
    complexity: "O(N*M) in the size of the smallest set and the number of sets",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(3),
    keys: STORE_KEYS,
    flags: Flags::NONE,
    run: Run::Write(|txn, args, reply| store(Operation::Intersection, txn, args, reply)),
};

pub(super) const SUNION: CommandSpec = CommandSpec {
    name: "SUNION",
    group: Group::Set,
    summary: "Returns what is in any of several sets; a missing key counts as an empty set.",
    syntax: "SUNION key [key ...]",
    complexity: "O(N) in the size of all sets",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(2),
    keys: Keys::from(1, Access::READ),
    flags: Flags::NONE,
    run: Run::Read(|view, args, reply| show(Operation::Union, view, args, reply)),
};

pub(super) const SUNIONSTORE: CommandSpec = CommandSpec {
    name: "SUNIONSTORE",
    group: Group::Set,
    summary: "Puts what is in any of several sets at a key, whatever was there, and returns how many members it \
              has.",
    syntax: "SUNIONSTORE destination key [key ...]",
    complexity: "O(N) in the size of all sets",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(3),
    keys: STORE_KEYS,
    flags: Flags::NONE,
    run: Run::Write(|txn, args, reply| store(Operation::Union, txn, args, reply)),
};

pub(super) const SDIFF: CommandSpec = CommandSpec {
    name: "SDIFF",
    group: Group::Set,
    summary: "Returns what is in the first of several sets and in no other; a missing key counts as an empty set.",
    syntax: "SDIFF key [key ...]",
    complexity: "O(N) in the size of all sets",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(2),
    keys: Keys::from(1, Access::READ),
    flags: Flags::NONE,
    run: Run::Read(|view, args, reply| show(Operation::Difference, view, args, reply)),
};

pub(super) const SDIFFSTORE: CommandSpec = CommandSpec {
    name: "SDIFFSTORE",
    group: Group::Set,
    summary: "Puts what is in the first of several sets and in no other at a key, whatever was there, and returns \
              how many members it has.",
    syntax: "SDIFFSTORE destination key [key ...]",
    complexity: "O(N) in the size of all sets",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(3),
    keys: STORE_KEYS,
    flags: Flags::NONE,
    run: Run::Write(|txn, args, reply| store(Operation::Difference, txn, args, reply)),
};

fn show(
    operation: Operation,
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut Reply<'_>,
) -> Outcome {
    let sources = Sources::read(view, args.rest())?;
    let members = sources.members(operation);
    reply.set(members.len());
    members.into_iter().for_each(|member| reply.bulk(member));
    Ok(())
}

fn store(
    operation: Operation,
    txn: &mut Txn<'_>,
    mut args: Args<'_>,
    reply: &mut Reply<'_>,
) -> Outcome {
    let destination = args.key()?;
    let sources = Sources::read(txn, args.rest())?;
    for key in args.rest() {
        if !txn.exists(key) {
            txn.announce(key, event::KEYMISS);
        }
    }
    let members = sources.members(operation);
    let replaces = txn.exists(destination);
    txn.set_elements(destination, CollectionKind::Set, &members);
    if !members.is_empty() {
        txn.announce(destination, stored(operation));
    } else if replaces {
        txn.announce(destination, event::DEL);
    }
    reply.int(members.len() as i64);
    Ok(())
}

/// The event that the outcome of `operation` was stored.
fn stored(operation: Operation) -> Event {
    match operation {
        Operation::Intersection => event::SINTERSTORE,
        Operation::Union => event::SUNIONSTORE,
        Operation::Difference => event::SDIFFSTORE,
    }
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    fn sorted(reply: String) -> Vec<String> {
        let mut words: Vec<String> = reply.split('|').skip(1).map(String::from).collect();
        words.retain(|word| !word.is_empty() && !word.starts_with('$'));
        words.sort();
        words
    }

    #[test]
    fn three_ways_to_combine() {
        let shell = Shell::new();
        shell.run("SADD a 1 2 3 4");
        shell.run("SADD b 3 4 5");
        shell.run("SADD c 4 6");
        assert_eq!(sorted(shell.run("SINTER a b")), ["3", "4"]);
        assert_eq!(sorted(shell.run("SINTER a b c")), ["4"]);
        assert_eq!(shell.run("SINTER a none b"), "*0|");
        assert_eq!(
            sorted(shell.run("SUNION a b c none")),
            ["1", "2", "3", "4", "5", "6"]
        );
        assert_eq!(sorted(shell.run("SDIFF a b c")), ["1", "2"]);
        assert_eq!(sorted(shell.run("SDIFF c a a a a")), ["6"]);
        assert_eq!(shell.run("SDIFF none a"), "*0|");
    }

    #[test]
    fn large_sets_as_small_ones() {
        let shell = Shell::new();
        for member in 0..300 {
            shell.run(&format!("SADD a {member}"));
            shell.run(&format!("SADD b {}", member + 200));
        }
        assert_eq!(shell.run("SINTERSTORE i a b"), ":100|");
        assert_eq!(shell.run("SUNIONSTORE u a b"), ":500|");
        assert_eq!(shell.run("SDIFFSTORE d a b i"), ":200|");
        assert_eq!(shell.run("SDIFFSTORE a a b"), ":200|");
        assert_eq!(shell.run("SDIFF a d"), "*0|");
        assert_eq!(shell.run("SISMEMBER a 199"), ":1|");
        assert_eq!(shell.run("SCARD b"), ":300|");
    }

    #[test]
    fn what_is_stored_replaces_anything() {
        let shell = Shell::new();
        shell.run("SADD a 1");
        shell.run("SET to x PX 1000");
        assert_eq!(shell.run("SINTERSTORE to a a"), ":1|");
        assert_eq!(shell.run("PTTL to"), ":-1|");
        assert_eq!(shell.run("SDIFFSTORE to a a"), ":0|");
        assert_eq!(shell.run("EXISTS to"), ":0|");
        shell.run("SET s x");
        assert!(shell.run("SINTERSTORE a none s").starts_with("-WRONGTYPE "));
        assert_eq!(shell.run("SUNIONSTORE s a"), ":1|");
    }
}
