//! `EXPIRE key seconds [option]` and its three sisters: say when a key goes.

use kv_core::{Expiry, UnixMillis};

use crate::command::args;
use crate::command::expire_time::{self, TimeForm};
use crate::command::prelude::*;

pub(super) const EXPIRE: CommandSpec = CommandSpec {
    name: "EXPIRE",
    group: Group::Keys,
    summary: "Lets a key expire after some seconds.",
    syntax: "EXPIRE key seconds [NX | XX | GT | LT]",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(3),
    keys: Keys::one(1, Access::UPDATE),
    flags: Flags::FAST.union(Flags::NEVER_GROWS).union(Flags::BOUNDED),
    run: Run::Write(|txn, args, reply| expire(TimeForm::InSeconds, txn, args, reply)),
};

pub(super) const PEXPIRE: CommandSpec = CommandSpec {
    name: "PEXPIRE",
    group: Group::Keys,
    summary: "Lets a key expire after some milliseconds.",
    syntax: "PEXPIRE key milliseconds [NX | XX | GT | LT]",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(3),
    keys: Keys::one(1, Access::UPDATE),
    flags: Flags::FAST.union(Flags::NEVER_GROWS).union(Flags::BOUNDED),
    run: Run::Write(|txn, args, reply| expire(TimeForm::InMillis, txn, args, reply)),
};

pub(super) const EXPIREAT: CommandSpec = CommandSpec {
    name: "EXPIREAT",
    group: Group::Keys,
    summary: "Lets a key expire at a Unix time in seconds.",
    syntax: "EXPIREAT key unix-time-seconds [NX | XX | GT | LT]",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(3),
    keys: Keys::one(1, Access::UPDATE),
    flags: Flags::FAST.union(Flags::NEVER_GROWS).union(Flags::BOUNDED),
    run: Run::Write(|txn, args, reply| expire(TimeForm::AtSecond, txn, args, reply)),
};

pub(super) const PEXPIREAT: CommandSpec = CommandSpec {
    name: "PEXPIREAT",
    group: Group::Keys,
    summary: "Lets a key expire at a Unix time in milliseconds.",
    syntax: "PEXPIREAT key unix-time-milliseconds [NX | XX | GT | LT]",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::at_least(3),
    keys: Keys::one(1, Access::UPDATE),
    flags: Flags::FAST.union(Flags::NEVER_GROWS).union(Flags::BOUNDED),
    run: Run::Write(|txn, args, reply| expire(TimeForm::AtMilli, txn, args, reply)),
};

/// What has to hold of the old expiry for the new one to count.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::command) struct Conditions {
    /// `NX`: there is none.
    none: bool,
    /// `XX`: there is one.
    some: bool,
    /// `GT`: it is earlier; never counts as later than any.
    earlier: bool,
    /// `LT`: it is later.
    later: bool,
}

impl Conditions {
    /// Reads all words that are left.
    ///
    /// # Errors
    ///
    /// They are no conditions, or contradict each other.
    pub(in crate::command) fn parse(args: Args<'_>) -> Result<Self, CommandError> {
        let mut conditions = Self::default();
        for word in args.rest() {
            let Self {
                none,
                some,
                earlier,
                later,
            } = &mut conditions;
            let option = match word.to_ascii_uppercase().as_slice() {
                b"NX" => none,
                b"XX" => some,
                b"GT" => earlier,
                b"LT" => later,
                _ => return Err(unsupported(word)),
            };
            *option = true;
        }
        conditions.check()?;
        Ok(conditions)
    }

    fn check(self) -> Result<(), CommandError> {
        if self.none && (self.some || self.earlier || self.later) {
            let message = "NX and XX, GT or LT options at the same time are not compatible";
            return Err(CommandError::err(message));
        }
        if self.earlier && self.later {
            let message = "GT and LT options at the same time are not compatible";
            return Err(CommandError::err(message));
        }
        Ok(())
    }

    /// Whether they hold of the `old` expiry, with `new` to come.
    pub(in crate::command) fn hold(self, old: Option<UnixMillis>, new: UnixMillis) -> bool {
        !(self.none && old.is_some()
            || self.some && old.is_none()
            || self.earlier && old.is_none_or(|old| new <= old)
            || self.later && old.is_some_and(|old| new >= old))
    }
}

fn unsupported(word: &[u8]) -> CommandError {
    CommandError::about("Unsupported option", word)
}

fn expire(form: TimeForm, txn: &mut Txn<'_>, mut args: Args<'_>, reply: &mut Reply<'_>) -> Outcome {
    let key = args.key()?;
    let number = args.bytes()?;
    let conditions = Conditions::parse(args)?;
    let time = form
        .resolve(args::integer(number)?, txn.now())
        .ok_or_else(|| CommandError::invalid_expire_time(args.spec().name))?;
    let old = match txn.expiry(key) {
        Expiry::NoKey => {
            reply.int(0);
            return Ok(());
        }
        Expiry::Never => None,
        Expiry::At(old) => Some(old),
    };
    let changed = conditions.hold(old, time) && expire_time::change(txn, key, Some(time));
    reply.int(i64::from(changed));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn four_ways_to_say_when() {
        let shell = Shell::new();
        shell.run("SET k v");
        for (line, left) in [
            ("EXPIRE k 2", 2000),
            ("PEXPIRE k 1500", 1500),
            ("EXPIREAT k 1700000003", 3000),
            ("PEXPIREAT k 1700000000700", 700),
        ] {
            assert_eq!(shell.run(line), ":1|");
            assert_eq!(shell.run("PTTL k"), format!(":{left}|"));
        }
        assert_eq!(shell.run("EXPIRE none 10"), ":0|");
        shell.advance(700);
        assert_eq!(shell.run("GET k"), "$-1|");
    }

    #[test]
    fn a_time_that_has_come_deletes() {
        let shell = Shell::new();
        for line in [
            "EXPIRE k 0",
            "EXPIRE k -1",
            "PEXPIRE k -9223372036854775808",
            "EXPIREAT k 0",
            "PEXPIREAT k 1700000000000",
        ] {
            shell.run("SET k v");
            assert_eq!(shell.run(line), ":1|");
            assert_eq!(shell.run("EXISTS k"), ":0|", "{line}");
        }
    }

    #[test]
    fn conditions_look_at_the_old_time() {
        let shell = Shell::new();
        shell.run("SET k v");
        for (options, changed) in [
            ("10 XX", 0),
            ("10 GT", 0),
            ("10 XX LT", 0),
            ("10 nx", 1),
            ("20 NX", 0),
            ("10 GT", 0),
            ("11 GT", 1),
            ("11 LT", 0),
            ("10 XX LT", 1),
            ("15 XX GT GT", 1),
            ("20 XX", 1),
        ] {
            let reply = shell.run(&format!("EXPIRE k {options}"));
            assert_eq!(reply, format!(":{changed}|"), "{options}");
        }
        shell.run("SET k v");
        assert_eq!(shell.run("EXPIRE k 10 LT"), ":1|");
    }

    #[test]
    fn mistakes_are_named() {
        let shell = Shell::new();
        for (line, message) in [
            ("EXPIRE k abc", "value is not an integer or out of range"),
            ("EXPIRE k 1 FOO", "Unsupported option FOO"),
            ("EXPIRE k abc foo", "Unsupported option foo"),
            (
                "EXPIRE k 1 GT LT",
                "GT and LT options at the same time are not compatible",
            ),
            (
                "EXPIRE k 1 NX GT",
                "NX and XX, GT or LT options at the same time are not compatible",
            ),
            (
                "EXPIRE k 9223372036854775",
                "invalid expire time in 'expire' command",
            ),
            (
                "EXPIRE k -9223372036854775808",
                "invalid expire time in 'expire' command",
            ),
            (
                "PEXPIRE k 9223372036854775807",
                "invalid expire time in 'pexpire' command",
            ),
            (
                "EXPIREAT k 9223372036854776",
                "invalid expire time in 'expireat' command",
            ),
        ] {
            assert_eq!(shell.run(line), format!("-ERR {message}|"));
        }
    }
}
