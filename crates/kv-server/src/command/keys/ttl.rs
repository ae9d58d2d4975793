//! `TTL key`, `PTTL key`, `EXPIRETIME key`, `PEXPIRETIME key`: when a key goes.

use kv_core::Expiry;

use crate::command::prelude::*;

pub(super) const TTL: CommandSpec = CommandSpec {
    name: "TTL",
    group: Group::Keys,
    summary: "Returns in how many seconds a key expires; -1: never, -2: there is no such key.",
    syntax: "TTL key",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(2),
    keys: Keys::one(1, Access::READ),
    flags: Flags::FAST,
    run: Run::Read(|view, args, reply| {
        let now = view.now().0;
        show(view, args, reply, |time| seconds(time - now))
    }),
};

pub(super) const PTTL: CommandSpec = CommandSpec {
    name: "PTTL",
    group: Group::Keys,
    summary: "Returns in how many milliseconds a key expires; -1: never, -2: there is no such key.",
    syntax: "PTTL key",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(2),
    keys: Keys::one(1, Access::READ),
    flags: Flags::FAST,
    run: Run::Read(|view, args, reply| {
        let now = view.now().0;
        show(view, args, reply, |time| time - now)
    }),
};

pub(super) const EXPIRETIME: CommandSpec = CommandSpec {
    name: "EXPIRETIME",
    group: Group::Keys,
    summary: "Returns the Unix time in seconds at which a key expires; -1: never, -2: there is no such key.",
    syntax: "EXPIRETIME key",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(2),
    keys: Keys::one(1, Access::READ),
    flags: Flags::FAST,
    run: Run::Read(|view, args, reply| show(view, args, reply, seconds)),
};

pub(super) const PEXPIRETIME: CommandSpec = CommandSpec {
    name: "PEXPIRETIME",
    group: Group::Keys,
    summary: "Returns the Unix time in milliseconds at which a key expires; -1: never, -2: there is no \
              such key.",
    syntax: "PEXPIRETIME key",
    complexity: "O(1)",
    since: "0.1.0",
    compat: Compat::Full,
    arity: Arity::exactly(2),
    keys: Keys::one(1, Access::READ),
    flags: Flags::FAST,
    run: Run::Read(|view, args, reply| show(view, args, reply, |time| time)),
};

fn show(
    view: &mut View<'_>,
    mut args: Args<'_>,
    reply: &mut Reply<'_>,
    number: impl FnOnce(i64) -> i64,
) -> Outcome {
    let key = args.key()?;
    args.finish()?;
    reply.int(match view.expiry(key) {
        Expiry::NoKey => -2,
        Expiry::Never => -1,
        Expiry::At(time) => number(time.0),
    });
    Ok(())
}

/// The nearest number of seconds.
fn seconds(millis: i64) -> i64 {
    millis / 1000 + i64::from(millis % 1000 >= 500)
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Shell;

    #[test]
    fn nothing_and_never_have_numbers_of_their_own() {
        let shell = Shell::new();
        shell.run("SET k v");
        for name in ["TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME"] {
            assert_eq!(shell.run(&format!("{name} none")), ":-2|");
            assert_eq!(shell.run(&format!("{name} k")), ":-1|");
        }
    }

    #[test]
    fn four_ways_to_say_one_time() {
        let shell = Shell::new();
        shell.run("SET k v PX 2500");
        assert_eq!(shell.run("PTTL k"), ":2500|");
        assert_eq!(shell.run("TTL k"), ":3|");
        assert_eq!(shell.run("PEXPIRETIME k"), ":1700000002500|");
        assert_eq!(shell.run("EXPIRETIME k"), ":1700000003|");
        shell.advance(1);
        assert_eq!(shell.run("TTL k"), ":2|");
    }

    #[test]
    fn the_last_time_there_is() {
        let shell = Shell::new();
        shell.run("SET k v PXAT 9223372036854775807");
        assert_eq!(shell.run("PEXPIRETIME k"), ":9223372036854775807|");
        assert_eq!(shell.run("EXPIRETIME k"), ":9223372036854776|");
    }
}
