//! `HTTL`, `HPTTL`, `HEXPIRETIME`, `HPEXPIRETIME`, `HPERSIST`: when fields go, and that they do not.

use kv_core::UnixMillis;

use super::expire::{self, NO_FIELD};
use super::field_list::FieldList;
use crate::command::prelude::*;

/// What is answered of a field that never goes.
const NEVER: i64 = -1;

/// How this family compares with Redis'.
const COMPAT: Compat = Compat::Differs("Errors in the syntax have Valkey's words.");

/// The same of those that tell seconds.
const ROUNDED: Compat = Compat::Differs(
    "Errors in the syntax have Valkey's words; a time is rounded to the nearest second, as in Valkey, not up.",
);

pub(super) const HTTL: CommandSpec = CommandSpec {
    name: "HTTL",
    group: Group::Hash,
    summary: "Returns in how many seconds fields of a hash go.",
    syntax: "HTTL key FIELDS numfields field [field ...]",
    complexity: "O(N) in the number of fields given",
    since: "0.1.0",
    compat: ROUNDED,
    arity: Arity::at_least(5),
    keys: Keys::one(1, Access::READ),
    flags: Flags::FAST,
    run: Run::Read(|view, args, reply| show(|at, now| seconds(at.0 - now.0), view, args, reply)),
};

pub(super) const HPTTL: CommandSpec = CommandSpec {
    name: "HPTTL",
    group: Group::Hash,
    summary: "Returns in how many milliseconds fields of a hash go.",
    syntax: "HPTTL key FIELDS numfields field [field ...]",
    complexity: "O(N) in the number of fields given",
    since: "0.1.0",
    compat: COMPAT,
    arity: Arity::at_least(5),
    keys: Keys::one(1, Access::READ),
    flags: Flags::FAST,
    run: Run::Read(|view, args, reply| show(|at, now| at.0 - now.0, view, args, reply)),
};

pub(super) const HEXPIRETIME: CommandSpec = CommandSpec {
    name: "HEXPIRETIME",
    group: Group::Hash,
    summary: "Returns the Unix times in seconds at which fields of a hash go.",
    syntax: "HEXPIRETIME key FIELDS numfields field [field ...]",
    complexity: "O(N) in the number of fields given",
    since: "0.1.0",
    compat: ROUNDED,
    arity: Arity::at_least(5),
    keys: Keys::one(1, Access::READ),
    flags: Flags::FAST,
    run: Run::Read(|view, args, reply| show(|at, _| seconds(at.0), view, args, reply)),
};

pub(super) const HPEXPIRETIME: CommandSpec = CommandSpec {
    name: "HPEXPIRETIME",
    group: Group::Hash,
    summary: "Returns the Unix times in milliseconds at which fields of a hash go.",
    syntax: "HPEXPIRETIME key FIELDS numfields field [field ...]",
    complexity: "O(N) in the number of fields given",
    since: "0.1.0",
    compat: COMPAT,
    arity: Arity::at_least(5),
    keys: Keys::one(1, Access::READ),
    flags: Flags::FAST,
    run: Run::Read(|view, args, reply| show(|at, _| at.0, view, args, reply)),
};

pub(super) const HPERSIST: CommandSpec = CommandSpec {
    name: "HPERSIST",
    group: Group::Hash,
    summary: "Lets fields of a hash stay for ever.",
    syntax: "HPERSIST key FIELDS numfields field [field ...]",
    complexity: "O(N) in the number of fields given",
    since: "0.1.0",
    compat: COMPAT,
    arity: Arity::at_least(5),
    keys: Keys::one(1, Access::UPDATE),
    flags: Flags::FAST.union(Flags::NEVER_GROWS),
    run: Run::Write(hpersist),
};

/// Rounds to the nearest second.
fn seconds(millis: i64) -> i64 {
    millis.saturating_add(500) / 1000
}

/// Answers of each field what `tell` says of the time at which it goes and of now.
fn show(
    tell: fn(UnixMillis, UnixMillis) -> i64,
    view: &mut View<'_>,
    mut args: Args<'_>,
    reply: &mut Reply<'_>,
) -> Outcome {
    let key = args.key()?;
    let list = FieldList::eat(args)?;
    let fields = list.fields_or(CommandError::SYNTAX, 1)?;
    let now = view.now();
    let hash = view.hash(key)?;
    reply.array(fields.len());
    for field in fields {
        reply.int(match hash.and_then(|hash| hash.expiry(field)) {
            None => NO_FIELD,
            Some(None) => NEVER,
            Some(Some(at)) => tell(at, now),
        });
    }
    Ok(())
}

fn hpersist(txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    const STAYS: i64 = 1;

    let key = args.key()?;
    let fields = FieldList::eat(args)?.fields(1)?;
    txn.hash(key)?;
    reply.array(fields.len());
    let mut changed = false;
    for field in fields {
        let expiry = txn.hash(key)?.and_then(|hash| hash.expiry(field));
        reply.int(match expiry {
            None => NO_FIELD,
            Some(None) => NEVER,
            Some(Some(_)) => {
                txn.hash_expire(key, &[field], None)?;
                changed = true;
                STAYS
            }
        });
    }
    if changed {
        expire::announce(txn, key, None);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn times_in_four_forms() {
        let shell = Shell::new();
        shell.run("HSET h a 1 b 2");
        shell.run("HPEXPIRE h 1600 FIELDS 1 a");
        let fields = "h FIELDS 3 a b x";
        assert_eq!(shell.run(&format!("HTTL {fields}")), "*3|:2|:-1|:-2|");
        assert_eq!(shell.run(&format!("HPTTL {fields}")), "*3|:1600|:-1|:-2|");
        assert_eq!(
            shell.run(&format!("HEXPIRETIME {fields}")),
            "*3|:1700000002|:-1|:-2|"
        );
        assert_eq!(
            shell.run(&format!("HPEXPIRETIME {fields}")),
            "*3|:1700000001600|:-1|:-2|"
        );
        assert_eq!(
            shell.run("HPERSIST h FIELDS 4 a a b x"),
            "*4|:1|:-1|:-1|:-2|"
        );
        assert_eq!(shell.run("HTTL h FIELDS 1 a"), "*1|:-1|");
        assert_eq!(shell.run("HTTL none FIELDS 1 a"), "*1|:-2|");
    }

    #[test]
    fn a_number_that_is_wrong_is_a_syntax_error_where_nothing_changes() {
        let shell = Shell::new();
        assert_eq!(shell.run("HTTL h FIELDS 2 a"), "-ERR syntax error|");
        assert_eq!(
            shell.run("HTTL h FIELDS x a"),
            "-ERR value is not an integer or out of range|"
        );
        assert!(
            shell
                .run("HPERSIST h FIELDS 2 a")
                .starts_with("-ERR numfields ")
        );
    }
}
