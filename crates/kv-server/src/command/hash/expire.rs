//! `HEXPIRE` and its three sisters: say when fields go.

use kv_core::UnixMillis;

use super::field_list::FieldList;
use crate::command::args;
use crate::command::expire_time::TimeForm;
use crate::command::keys::expire::Conditions;
use crate::command::prelude::*;

/// How this family compares with Redis'.
const COMPAT: Compat = Compat::Differs(
    "Errors in the options have Valkey's words, conditions can be combined as in `EXPIRE`, and a time may be as \
     far away as that of a key. `hexpired` is an event of the class `h`, as in Redis; in Valkey it is one of `x`.",
);

pub(super) const HEXPIRE: CommandSpec = CommandSpec {
    name: "HEXPIRE",
    group: Group::Hash,
    summary: "Lets fields of a hash expire after some seconds.",
    syntax: "HEXPIRE key seconds [NX | XX | GT | LT] FIELDS numfields field [field ...]",
    complexity: "O(N) in the number of fields given",
    since: "0.1.0",
    compat: COMPAT,
    arity: Arity::at_least(6),
    keys: Keys::one(1, Access::UPDATE),
    flags: Flags::FAST.union(Flags::NEVER_GROWS),
    run: Run::Write(|txn, args, reply| hexpire(TimeForm::InSeconds, txn, args, reply)),
};

pub(super) const HPEXPIRE: CommandSpec = CommandSpec {
    name: "HPEXPIRE",
    group: Group::Hash,
    summary: "Lets fields of a hash expire after some milliseconds.",
    syntax: "HPEXPIRE key milliseconds [NX | XX | GT | LT] FIELDS numfields field [field ...]",
    complexity: "O(N) in the number of fields given",
    since: "0.1.0",
    compat: COMPAT,
    arity: Arity::at_least(6),
    keys: Keys::one(1, Access::UPDATE),
    flags: Flags::FAST.union(Flags::NEVER_GROWS),
    run: Run::Write(|txn, args, reply| hexpire(TimeForm::InMillis, txn, args, reply)),
};

pub(super) const HEXPIREAT: CommandSpec = CommandSpec {
    name: "HEXPIREAT",
    group: Group::Hash,
    summary: "Lets fields of a hash expire at a Unix time in seconds.",
    syntax: "HEXPIREAT key unix-time-seconds [NX | XX | GT | LT] FIELDS numfields field [field ...]",
    complexity: "O(N) in the number of fields given",
    since: "0.1.0",
    compat: COMPAT,
    arity: Arity::at_least(6),
    keys: Keys::one(1, Access::UPDATE),
    flags: Flags::FAST.union(Flags::NEVER_GROWS),
    run: Run::Write(|txn, args, reply| hexpire(TimeForm::AtSecond, txn, args, reply)),
};

pub(super) const HPEXPIREAT: CommandSpec = CommandSpec {
    name: "HPEXPIREAT",
    group: Group::Hash,
    summary: "Lets fields of a hash expire at a Unix time in milliseconds.",
    syntax: "HPEXPIREAT key unix-time-milliseconds [NX | XX | GT | LT] FIELDS numfields field [field ...]",
    complexity: "O(N) in the number of fields given",
    since: "0.1.0",
    compat: COMPAT,
    arity: Arity::at_least(6),
    keys: Keys::one(1, Access::UPDATE),
    flags: Flags::FAST.union(Flags::NEVER_GROWS),
    run: Run::Write(|txn, args, reply| hexpire(TimeForm::AtMilli, txn, args, reply)),
};

/// What is answered of a field that is not there.
pub(super) const NO_FIELD: i64 = -2;

fn hexpire(
    form: TimeForm,
    txn: &mut Txn<'_>,
    mut args: Args<'_>,
    reply: &mut Reply<'_>,
) -> Outcome {
    let key = args.key()?;
    let number = args.bytes()?;
    let list = FieldList::split(args)?;
    let conditions = Conditions::parse(list.options)?;
    let fields = list.fields(1)?;
    let time = from_zero(form, number, txn.now(), args.spec().name)?;
    txn.hash(key)?;
    reply.array(fields.len());
    let mut changed = false;
    for field in fields {
        // One by one: a field that is named twice meets what became of it the first time.
        let outcome = expire_one(txn, key, field, conditions, time)?;
        changed |= outcome > 0;
        reply.int(outcome);
    }
    if changed {
        announce(txn, key, Some(time));
    }
    Ok(())
}

fn expire_one(
    txn: &mut Txn<'_>,
    key: &[u8],
    field: &[u8],
    conditions: Conditions,
    time: UnixMillis,
) -> Result<i64, CommandError> {
    const UNCHANGED: i64 = 0;
    const CHANGED: i64 = 1;
    const GONE: i64 = 2;

    let Some(old) = txn.hash(key)?.and_then(|hash| hash.expiry(field)) else {
        return Ok(NO_FIELD);
    };
    if !conditions.hold(old, time) {
        return Ok(UNCHANGED);
    }
    txn.hash_expire(key, &[field], Some(time))?;
    Ok(if time <= txn.now() { GONE } else { CHANGED })
}

/// Announces that fields of the hash at `key` go at another time now, which may have come already.
pub(super) fn announce(txn: &mut Txn<'_>, key: &[u8], expires: Option<UnixMillis>) {
    match expires {
        None => txn.announce(key, event::HPERSIST),
        Some(time) if time <= txn.now() => event::announce_removal(txn, key, event::HEXPIRED),
        Some(_) => txn.announce(key, event::HEXPIRE),
    }
}

/// The point in time that the word `number` stands for, which is not negative. `command` is who asks.
///
/// # Errors
///
/// The word is no integer, is negative, or stands for a time too far away.
pub(super) fn from_zero(
    form: TimeForm,
    number: &[u8],
    now: UnixMillis,
    command: &str,
) -> Result<UnixMillis, CommandError> {
    Some(args::integer(number)?)
        .filter(|number| *number >= 0)
        .and_then(|number| form.resolve(number, now))
        .ok_or_else(|| CommandError::invalid_expire_time(command))
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn fields_go_when_their_time_has_come() {
        let shell = Shell::new();
        shell.run("HSET h a 1 b 2 c 3");
        assert_eq!(shell.run("HEXPIRE h 10 FIELDS 2 a x"), "*2|:1|:-2|");
        assert_eq!(shell.run("HPEXPIRE h 500 FIELDS 1 b"), "*1|:1|");
        assert_eq!(shell.run("HPTTL h FIELDS 3 a b c"), "*3|:10000|:500|:-1|");
        shell.advance(500);
        assert_eq!(shell.run("HMGET h a b c"), "*3|$1|1|$-1|$1|3|");
        assert_eq!(shell.run("HVALS h").matches('$').count(), 2);
        // What nobody has removed yet counts, as everywhere.
        assert_eq!(shell.run("HLEN h"), ":3|");
        assert_eq!(shell.run("HEXPIREAT h 1 FIELDS 3 a a c"), "*3|:2|:-2|:2|");
        assert_eq!(shell.run("EXISTS h"), ":0|");
    }

    #[test]
    fn conditions_are_those_of_keys() {
        let shell = Shell::new();
        shell.run("HSET h a 1");
        for (options, reply) in [
            ("100 XX", 0),
            ("100 GT", 0),
            ("100 NX", 1),
            ("100 NX", 0),
            ("50 XX LT", 1),
            ("40 XX GT", 0),
        ] {
            assert_eq!(
                shell.run(&format!("HEXPIRE h {options} FIELDS 1 a")),
                format!("*1|:{reply}|"),
                "{options}"
            );
        }
    }

    #[test]
    fn the_number_of_fields_must_be_right() {
        let shell = Shell::new();
        for fields in [
            "FIELDS 0 a",
            "FIELDS 2 a",
            "FIELDS 9223372036854775807 a",
            "a b c",
        ] {
            assert_eq!(
                shell.run(&format!("HEXPIRE h 1 {fields}")),
                "-ERR numfields should be greater than 0 and match the provided number of fields|",
                "{fields}"
            );
        }
    }
}
