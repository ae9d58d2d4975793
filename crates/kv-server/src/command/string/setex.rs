//! `SETEX key seconds value`, `PSETEX key milliseconds value`: set a string that goes after a while.

use kv_core::StringValue;

use crate::command::expire_time::TimeForm;
use crate::command::prelude::*;

pub(super) const SETEX: CommandSpec = CommandSpec {
    name: "SETEX",
    group: Group::String,
    summary: "Sets the string at a key, to be gone after some seconds.",
    syntax: "SETEX key seconds value",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(4),
    keys: Keys::one(1, Access::UPDATE.union(Access::BLIND)),
    flags: Flags::BOUNDED,
    run: Run::Write(|txn, args, reply| set_for(TimeForm::InSeconds, txn, args, reply)),
};

pub(super) const PSETEX: CommandSpec = CommandSpec {
    name: "PSETEX",
    group: Group::String,
    summary: "Sets the string at a key, to be gone after some milliseconds.",
    syntax: "PSETEX key milliseconds value",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(4),
    keys: Keys::one(1, Access::UPDATE.union(Access::BLIND)),
    flags: Flags::BOUNDED,
    run: Run::Write(|txn, args, reply| set_for(TimeForm::InMillis, txn, args, reply)),
};

fn set_for(
    form: TimeForm,
    txn: &mut Txn<'_>,
    mut args: Args<'_>,
    reply: &mut Reply<'_>,
) -> Outcome {
    let key = args.key()?;
    let expires = form.read(args.bytes()?, txn.now(), args.spec().name)?;
    let value = args.bytes()?;
    args.finish()?;
    txn.set_string(key, StringValue::new(value), Some(expires));
    txn.announce(key, event::SET);
    txn.announce(key, event::EXPIRE);
    reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn the_key_goes_when_its_time_has_come() {
        let shell = Shell::new();
        assert_eq!(shell.run("SETEX a 2 v"), "+OK|");
        assert_eq!(shell.run("PSETEX b 1999 v"), "+OK|");
        shell.advance(1999);
        assert_eq!(shell.run("MGET a b"), "*2|$1|v|$-1|");
        shell.advance(1);
        assert_eq!(shell.run("GET a"), "$-1|");
    }

    #[test]
    fn a_time_is_a_positive_integer() {
        let shell = Shell::new();
        for (line, message) in [
            ("SETEX k abc v", "value is not an integer or out of range"),
            ("SETEX k 0 v", "invalid expire time in 'setex' command"),
            ("PSETEX k -1 v", "invalid expire time in 'psetex' command"),
            (
                "SETEX k 9223372036854775 v",
                "invalid expire time in 'setex' command",
            ),
        ] {
            assert_eq!(shell.run(line), format!("-ERR {message}|"));
        }
        assert_eq!(shell.run("EXISTS k"), ":0|");
    }
}
